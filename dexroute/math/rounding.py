"""Integer division with the rounding said aloud, and the widths money has on chain."""

from __future__ import annotations

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
