"""What one check of `dex doctor` found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dexroute.errors import DexError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's outcome. `code` and `exit_code` are those of the error behind a failure; `facts` are for programs."""

    check: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    code: str | None = None
    exit_code: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


def failed(check: str, error: DexError) -> Finding:
    """The finding for a check that an error ended."""
    return Finding(check=check, status="failed", detail=error.message, code=error.code, exit_code=error.exit_code)
