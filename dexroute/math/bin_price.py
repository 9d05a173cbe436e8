"""Prices of liquidity bins: (1 + step / 10_000)^id as Q64.64, truncated the way Meteora's program truncates.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/math/price_math.rs and u64x64_math.rs (`pow`): the reciprocal of the base is
squared, so that every product fits 128 bits; a positive exponent takes the reciprocal of the result.
"""

from __future__ import annotations

from dexroute.math.q64 import ONE_X64, pow_below_one_x64
from dexroute.math.rounding import BPS, U128_MAX


def bin_price_x64(bin_id: int, step_bps: int) -> int:
    """Base units of token Y per base unit of token X in bin `bin_id`, Q64.64.

    Raises ValueError where the price is below 2^-64 or above 2^64 and the program has no number for it.
    """
    if bin_id == 0:
        return ONE_X64
    inverse_base = U128_MAX // (ONE_X64 + (step_bps << 64) // BPS)
    inverse = pow_below_one_x64(inverse_base, abs(bin_id))
    if inverse == 0:
        raise ValueError(f"bin {bin_id} at {step_bps} bps has no price within 64 bits")
    return inverse if bin_id < 0 else U128_MAX // inverse
