"""Integer division with the rounding said aloud, and the widths money has on chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dexroute.types.amounts import U64_MAX as U64_MAX

U32_MAX: Final = 2**32 - 1
U128_MAX: Final = 2**128 - 1
BPS: Final = 10_000
PPM: Final = 1_000_000


def ceil_div(numerator: int, denominator: int) -> int:
    """ceil(numerator / denominator) for numerator >= 0, denominator > 0. Raises ZeroDivisionError on 0."""
    return -(-numerator // denominator)


def mul_div_floor(a: int, b: int, denominator: int) -> int:
    """floor(a * b / denominator), the product exact."""
    return a * b // denominator


def mul_div_ceil(a: int, b: int, denominator: int) -> int:
    """ceil(a * b / denominator), the product exact."""
    return -(-(a * b) // denominator)


def apportion(whole: int, parts: Sequence[int]) -> tuple[int, ...]:
    """`whole` in the proportions of `parts` (none negative, their sum positive), adding up to it: each share rounded down, and what
    is left given to those that lost most by it, the first of equals first (Hamilton's method)."""
    total = sum(parts)
    shares = [whole * part // total for part in parts]
    by_loss = sorted(range(len(parts)), key=lambda place: (-(whole * parts[place] % total), place))
    for place in by_loss[: whole - sum(shares)]:
        shares[place] += 1
    return tuple(shares)
