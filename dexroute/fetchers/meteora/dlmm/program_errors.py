"""The program's refusal codes met when quoting.

Source: MeteoraAg/dlmm-sdk@fb02e51, idls/dlmm.json (errors).
"""

from __future__ import annotations

from typing import Final

TOKEN_INSUFFICIENT_FUNDS: Final = 1  # answered by the token program when a reserve is short
ACCOUNT_NOT_ENOUGH_KEYS: Final = 3005  # answered for a bin array that was not passed
INVALID_INPUT: Final = 6002
PAIR_INSUFFICIENT_LIQUIDITY: Final = 6012
MATH_OVERFLOW: Final = 6018
TYPE_CAST_FAILED: Final = 6019
BITMAP_EXTENSION_NOT_PROVIDED: Final = 6036
NO_LIQUIDITY_IN_BITMAP: Final = 6037
INSUFFICIENT_OUT_AMOUNT: Final = 6039
POOL_DISABLED: Final = 6042
INVALID_POOL_TYPE: Final = 6043
NOT_EXACT_AMOUNT_OUT: Final = 6057
INVALID_ACTIVATION_TYPE: Final = 6058
UNDETERMINED_ERROR: Final = 6085
INSUFFICIENT_IN_AMOUNT: Final = 6104
INVALID_COLLECT_FEE_MODE: Final = 6110
