"""The program's refusal codes met when quoting, in the numbering mainnet had in April 2026.

Source: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/error.rs; 25xx are Anchor's. Refusals without a code are panics.
Later builds renumber their codes: a landed error is told by the name in its log (`error_codes.py`).
"""

from __future__ import annotations

from typing import Final

TOKEN_INSUFFICIENT_FUNDS: Final = 1  # answered by the token program when a vault is short
REQUIRE_EQ_VIOLATED: Final = 2501
REQUIRE_GT_VIOLATED: Final = 2505
NOT_APPROVED: Final = 6001
SQRT_PRICE_LIMIT_OVERFLOW: Final = 6013
LIQUIDITY_INSUFFICIENT: Final = 6019
TOO_LITTLE_OUTPUT: Final = 6022
TOO_MUCH_INPUT: Final = 6023
ZERO_AMOUNT: Final = 6024
TOO_SMALL_AMOUNT: Final = 6026
NOT_ENOUGH_TICK_ARRAYS: Final = 6027
MISSING_BITMAP_EXTENSION: Final = 6040
NOTHING_IN_THIS_DIRECTION: Final = 6041
MAX_TOKEN_OVERFLOW: Final = 6042
CALCULATE_OVERFLOW: Final = 6043
