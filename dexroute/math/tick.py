"""Ticks and square-root prices: tick t stands for the price 1.0001^t, prices are Q64.64 square roots.

The truncations are part of the result: programs compute it this way. Source: raydium-io/raydium-clmm@a5a46ff,
programs/amm/src/libraries/tick_math.rs (`get_sqrt_price_at_tick`, `get_tick_at_sqrt_price`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from dexroute.math.rounding import U128_MAX

MIN_TICK: Final = -443_636
MAX_TICK: Final = 443_636
MIN_SQRT_PRICE_X64: Final = 4_295_048_016
MAX_SQRT_PRICE_X64: Final = 79_226_673_521_066_979_257_578_248_091

# 2^64 / 1.0001^(2^(i - 1)) for bit i of the tick.
_FACTORS: Final = (
    0xFFFCB933BD6FB800,
    0xFFF97272373D4000,
    0xFFF2E50F5F657000,
    0xFFE5CACA7E10F000,
    0xFFCB9843D60F7000,
    0xFF973B41FA98E800,
    0xFF2EA16466C9B000,
    0xFE5DEE046A9A3800,
    0xFCBE86C7900BB000,
    0xF987A7253AC65800,
    0xF3392B0822BB6000,
    0xE7159475A2CAF000,
    0xD097F3BDFD2F2000,
    0xA9F746462D9F8000,
    0x70D869A156F31C00,
    0x31BE135F97ED3200,
    0x09AA508B5B85A500,
    0x005D6AF8DEDC582C,
    0x00002216E584F5FA,
)
_LOG_BITS: Final = 16
# 2^64 / log2(sqrt(1.0001)) / 2^32, and the bounds of the error after 16 bits of the logarithm.
_TICKS_PER_LOG2: Final = 59_543_866_431_248
_LOW_MARGIN: Final = 184_467_440_737_095_516
_HIGH_MARGIN: Final = 15_793_534_762_490_258_745


@lru_cache(maxsize=1 << 16)
def sqrt_price_at_tick(tick: int) -> int:
    """The square-root price of a tick. Raises ValueError outside MIN_TICK..MAX_TICK."""
    bits = abs(tick)
    if bits > MAX_TICK:
        raise ValueError(f"tick {tick} is outside {MIN_TICK} to {MAX_TICK}")
    ratio, index = 1 << 64, 0
    while bits:
        if bits & 1:
            ratio = ratio * _FACTORS[index] >> 64
        bits >>= 1
        index += 1
    return U128_MAX // ratio if tick > 0 else ratio


def tick_at_sqrt_price(sqrt_price_x64: int) -> int:
    """The greatest tick whose price is not above this one. Raises ValueError outside MIN_SQRT_PRICE_X64 (included) to
    MAX_SQRT_PRICE_X64 (excluded)."""
    if not MIN_SQRT_PRICE_X64 <= sqrt_price_x64 < MAX_SQRT_PRICE_X64:
        raise ValueError(f"square-root price {sqrt_price_x64} is outside {MIN_SQRT_PRICE_X64} to {MAX_SQRT_PRICE_X64}")
    msb = sqrt_price_x64.bit_length() - 1
    mantissa = sqrt_price_x64 >> msb - 63 if msb >= 64 else sqrt_price_x64 << 63 - msb
    fraction = 0
    for _ in range(_LOG_BITS):
        mantissa *= mantissa
        carry = mantissa >> 127
        mantissa >>= 63 + carry
        fraction = fraction << 1 | carry
    log2_x32 = (msb - 64 << 32) + (fraction << 32 - _LOG_BITS)
    ticks_x64 = log2_x32 * _TICKS_PER_LOG2
    low, high = ticks_x64 - _LOW_MARGIN >> 64, ticks_x64 + _HIGH_MARGIN >> 64
    return high if low == high or sqrt_price_at_tick(high) <= sqrt_price_x64 else low
