"""The stable curve of two tokens, amp * 4 * (x + y) + D = amp * 4 * D + D^3 / (4 * x * y), solved as Saber's programs solve it.

Source: saber-hq/stable-swap@0705385, stable-swap-math/src/curve.rs (`compute_d`, `compute_y_raw`), of which Meteora's
program uses a fork: Newton's method in 192-bit integers, ended by a step of one or none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_TOKENS: Final = 2
_MAX: Final = 2**192 - 1
# Far from balance the steps for D may never settle. The source gives up after 256 rounds, and a transaction's compute units
# are spent after about 200 (6 thousand each); every sequence that settles at all was seen to do so within 60.
_ROUNDS: Final = 200


@lru_cache(maxsize=4096)
def invariant(x: int, y: int, amp: int) -> int:
    """D for two positive reserves in one unit and amp >= 1.

    Raises ValueError for others and where the method does not settle, OverflowError where it leaves 192 bits.
    """
    if x <= 0 or y <= 0 or amp <= 0:
        raise ValueError(f"the stable curve has no invariant for reserves {x} and {y} with amplification {amp}")
    leverage = amp * _TOKENS
    total = x + y
    d = total
    for _ in range(_ROUNDS):
        product = _checked(_checked(d * d) // (x * _TOKENS) * d) // (y * _TOKENS)
        numerator = _checked(d * (product * _TOKENS + total * leverage))
        before = d
        d = numerator // (d * (leverage - 1) + product * (_TOKENS + 1))
        if abs(d - before) <= 1:
            return d
    raise ValueError(f"reserves {x} and {y} are too far apart for the stable curve to settle on an invariant")


def reserve_for(x: int, d: int, amp: int) -> int:
    """The other reserve that keeps the invariant at `d` when this one is `x`; x, d and amp positive. Raises as `invariant`."""
    leverage = amp * _TOKENS
    c = _checked(_checked(d * d) // (x * _TOKENS) * d) // (leverage * _TOKENS)
    b = d // leverage + x
    y = d
    for _ in range(_ROUNDS):
        before = y
        y = _checked(y * y + c) // (2 * y + b - d)
        if abs(y - before) <= 1:
            return y
    raise ValueError(f"the stable curve does not settle on the reserve beside {x}")


def slope(x: int, y: int, amp: int) -> tuple[int, int]:
    """What one unit more of x is worth in y at this point, as (numerator, denominator). Raises as `invariant`."""
    d = invariant(x, y, amp)
    straight = 4 * amp * _TOKENS * x * x * y * y
    return straight + d**3 * y, straight + d**3 * x


def _checked(value: int) -> int:
    if value > _MAX:
        raise OverflowError("an intermediate result of the stable curve exceeds 192 bits")
    return value
