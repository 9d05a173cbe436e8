"""The program's refusal codes met when quoting, and the checked arithmetic that answers with them.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/error.rs and math/safe_math.rs (operations answer MathOverflow,
conversions TypeCastFailed). Refusals without a code are the program's panics.
"""

from __future__ import annotations

from typing import Final

from dexroute.errors import QuoteOverflow
from dexroute.math.rounding import U64_MAX, U128_MAX

TOKEN_INSUFFICIENT_FUNDS: Final = 1  # answered by the token program when a vault is short
MATH_OVERFLOW: Final = 6000
POOL_DISABLED: Final = 6003
AMOUNT_IS_ZERO: Final = 6006
TYPE_CAST_FAILED: Final = 6007
INVALID_ACTIVATION_TYPE: Final = 6010
PRICE_RANGE_VIOLATION: Final = 6015
INVALID_BASE_FEE_MODE: Final = 6047
UNDETERMINED_ERROR: Final = 6051
INVALID_POOL_VERSION: Final = 6052


def checked(value: int, what: str, *, maximum: int = U64_MAX) -> int:
    """`value` when an operation on an unsigned integer up to `maximum` can have it. Raises QuoteOverflow (6000)."""
    if not 0 <= value <= maximum:
        raise QuoteOverflow(f"{what} would be {value}, outside the program's integers", program_error=MATH_OVERFLOW)
    return value


def checked_u128(value: int, what: str) -> int:
    return checked(value, what, maximum=U128_MAX)


def cast(value: int, what: str, *, maximum: int = U64_MAX) -> int:
    """`value` when it converts to an unsigned integer up to `maximum`. Raises QuoteOverflow (6007)."""
    if not 0 <= value <= maximum:
        raise QuoteOverflow(f"{what} would be {value}, outside the program's integers", program_error=TYPE_CAST_FAILED)
    return value


def divided(numerator: int, denominator: int, what: str) -> int:
    """floor(numerator / denominator). Raises QuoteOverflow (6000) for a denominator of zero."""
    if denominator == 0:
        raise QuoteOverflow(f"{what} would be divided by zero", program_error=MATH_OVERFLOW)
    return numerator // denominator
