"""What one check of `dex doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's outcome. `code` and `exit_code` are those of the error behind a failure."""

    check: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    code: str | None = None
    exit_code: int = 0
