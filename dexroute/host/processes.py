"""A name for this process, and which processes of this machine have ended."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

_PLACE: Final = 6
"""Hexadecimal digits of a name that say where its process runs; as many more are by chance."""


def process_name() -> str:
    """`host:process:twelve digits`: no two alike, also of one process."""
    place = _place() or secrets.token_hex(_PLACE // 2)
    return f"{socket.gethostname()}:{os.getpid()}:{place}{secrets.token_hex(_PLACE // 2)}"


def has_ended(name: str) -> bool:
    """Whether `name` was given to a process of this machine (since it was started, within this container) that is no more. False
    wherever that is not certain: of another machine's, of a number another process has by now, of one nobody has waited for."""
    _, _, rest = name.partition(":")
    number, _, digits = rest.partition(":")
    if not number.isdecimal() or (place := _place()) is None or digits[:_PLACE] != place:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


@cache
def _place() -> str | None:
    """Linux says which start of which machine this is, and which processes are numbered together; None where nobody does."""
    try:
        numbered = Path("/proc/self/ns/pid").stat().st_ino
        started = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return None
    return sha256(f"{started.strip()} {numbered}".encode()).hexdigest()[:_PLACE]
