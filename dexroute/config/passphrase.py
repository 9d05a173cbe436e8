"""Where the passphrase of an encrypted keypair comes from, when nobody is asked for it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dexroute.errors import KeypairError

_LONGEST = 4096


def passphrase_given(environment: Mapping[str, str] | None = None) -> str | None:
    """What the file descriptor named by DEXROUTE_PASSPHRASE_FD holds (one line), or DEXROUTE_PASSPHRASE; None without either.
    Never on the command line, where every process sees it. Raises KeypairError for a descriptor that cannot be read."""
    found = os.environ if environment is None else environment
    descriptor = found.get("DEXROUTE_PASSPHRASE_FD")
    if not descriptor:
        return found.get("DEXROUTE_PASSPHRASE") or None
    try:
        with os.fdopen(os.dup(int(descriptor)), "rb") as file:
            line = file.readline(_LONGEST)
        return line.decode().rstrip("\r\n")
    except (OSError, ValueError):
        raise KeypairError(f"DEXROUTE_PASSPHRASE_FD={descriptor!r} is no descriptor a passphrase can be read from") from None


def environment_passphrase(path: str) -> str:
    """Raises KeypairError when the environment has none."""
    given = passphrase_given()
    if given is None:
        raise KeypairError(
            f"keypair {path} is encrypted and nobody is there to type its passphrase; set DEXROUTE_PASSPHRASE_FD or "
            "DEXROUTE_PASSPHRASE"
        )
    return given
