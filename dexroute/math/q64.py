"""Fixed-point numbers with 64 fractional bits (Q64.64)."""

from __future__ import annotations

from typing import Final

ONE_X64: Final = 1 << 64


def pow_below_one_x64(base_x64: int, exponent: int) -> int:
    """base^exponent for 0 <= base < 1, by squaring, every product truncated to 64 fractional bits.

    The truncations are part of the result: programs compute it this way. Source: MeteoraAg/damm-v2@a3d3827,
    programs/cp-amm/src/math/fee_math.rs (`pow`). Raises ValueError for a base of one or more.
    """
    if not 0 <= base_x64 < ONE_X64 or exponent < 0:
        raise ValueError(f"base {base_x64} / 2^64 and exponent {exponent} are outside [0, 1) and the natural numbers")
    result, square = ONE_X64, base_x64
    while exponent:
        if exponent & 1:
            result = result * square >> 64
        square = square * square >> 64
        exponent >>= 1
    return result
