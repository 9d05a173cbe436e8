"""Counts in words."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """`1 leg`, `2 legs`: for things whose plural ends in s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
