"""Places where a test may kill the process: before and after every commit and every call that leaves it.

A failpoint that is armed ends the process with SIGKILL, which no code can soften: what is left is what was durable. The list is
made from the enumerations, so a new kind of event or boundary is a new pair of failpoints that the crash tests demand to see.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from dexroute.errors import ConfigError
from dexroute.types.orders import EventKind


class Boundary(StrEnum):
    """Calls that leave the process, commits aside."""

    ROUTE = "route"
    BLOCKHASH = "blockhash"
    BUILD = "build"
    SIGN = "sign"
    SEND = "send"
    STATUS = "status"
    TRANSACTION = "transaction"
    EXPIRY = "expiry"
    FINALITY = "finality"


FAILPOINTS: Final = tuple(
    f"{side}-{place}" for place in (*Boundary, *(f"commit-{kind}" for kind in EventKind)) for side in ("before", "after")
)

_armed: dict[str, int] = {}


def arm(name: str | None) -> None:
    """Kill this process at `name`, or at its n-th passing with `name:n`. None disarms. Raises ConfigError for an unknown name.

    The executor arms what DEXROUTE_FAILPOINT names when it is made.
    """
    _armed.clear()
    if name is None:
        return
    place, _, count = name.partition(":")
    if place not in FAILPOINTS or (count and not count.isdecimal()):
        raise ConfigError(f"unknown failpoint {name!r}; there are: {', '.join(FAILPOINTS)}", failpoint=name)
    _armed[place] = int(count or 1)


@contextmanager
def boundary(place: Boundary) -> Iterator[None]:
    """Around a call that leaves the process."""
    _reached(f"before-{place}")
    yield
    _reached(f"after-{place}")


@contextmanager
def commit(kind: EventKind) -> Iterator[None]:
    """Around the commit of an event."""
    _reached(f"before-commit-{kind}")
    yield
    _reached(f"after-commit-{kind}")


def _reached(place: str) -> None:
    if place not in _armed:
        return
    _armed[place] -= 1
    if _armed[place] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
