"""Values from callers that a type checker would have refused: said with the name of what they were given for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from dexroute.errors import UsageError

Member = TypeVar("Member")


def require_whole(name: str, value: Any) -> None:
    """Raises UsageError unless `value` is an integer: 0.5 basis points would silently become something else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{name} must be a whole number, not {value!r}", **{name.replace(" ", "_"): repr(value)})


def set_of(name: str, values: Iterable[Member], kind: type[Member]) -> frozenset[Member]:
    """The values as a frozen set. Raises UsageError for a text instead of several, and for members of another type."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise UsageError(f"{name} takes a set of {kind.__name__}, not {values!r}")
    found = frozenset(values)
    strangers = sorted(repr(value) for value in found if not isinstance(value, kind))
    if strangers:
        raise UsageError(f"{name} takes {kind.__name__} values, not {', '.join(strangers)}")
    return found
