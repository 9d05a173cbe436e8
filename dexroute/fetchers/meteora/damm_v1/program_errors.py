"""The program's refusal codes met when quoting.

Source: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/error.rs (the vault's 6000 is its own: vault disabled).
"""

from __future__ import annotations

from typing import Final

TOKEN_INSUFFICIENT_FUNDS: Final = 1  # answered by the token program when a vault's cash is short
MATH_OVERFLOW: Final = 6000
VAULT_DISABLED: Final = 6000
ZERO_TRADING_TOKENS: Final = 6006
INVALID_VAULT_LP: Final = 6013
POOL_DISABLED: Final = 6015
