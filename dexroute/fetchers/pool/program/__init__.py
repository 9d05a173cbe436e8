"""The compiled pool program and what it was built from. `make programs` writes both files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from dexroute.errors import ConfigError

_HERE: Final = Path(__file__).parent
_OVERRIDE: Final = "DEXROUTE_POOL_PROGRAM"


def program_bytes() -> bytes:
    """The ELF file for a cluster: the packaged one, or the one $DEXROUTE_POOL_PROGRAM names (how a rebuilt program is tested).

    Raises ConfigError when the named file cannot be read, FileNotFoundError when this package was made without the program.
    """
    named = os.environ.get(_OVERRIDE)
    if not named:
        return (_HERE / "dexroute_pool.so").read_bytes()
    try:
        return Path(named).read_bytes()
    except OSError as error:
        raise ConfigError(f"{_OVERRIDE} names {named}, which cannot be read: {error.strerror}; correct or unset it") from error


def manifest() -> dict[str, Any]:
    """`program_id`, `sha256`, `size`, `toolchain` (versions), `source_digest` and `sources` (SHA-256 by path)."""
    found: dict[str, Any] = json.loads((_HERE / "manifest.json").read_text())
    return found
