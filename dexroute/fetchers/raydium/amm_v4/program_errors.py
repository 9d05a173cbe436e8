"""The program's refusal codes met when quoting. Source: raydium-io/raydium-amm@27f461d, program/src/error.rs (`AmmError`,
numbered from 0). Refusals without a code are the program's panics."""

from __future__ import annotations

from typing import Final

TOKEN_INSUFFICIENT_FUNDS: Final = 1  # answered by the token program when a vault is short
INVALID_STATUS: Final = 22
INVALID_INPUT: Final = 29
EXCEEDED_SLIPPAGE: Final = 30
CHECKED_SUB_OVERFLOW: Final = 32
CHECKED_ADD_OVERFLOW: Final = 33
INSUFFICIENT_FUNDS: Final = 40
# OpenBook's own: the program names it the wrong coin vault when it settles for a purchase of coin.
MARKET_VAULT_ERROR: Final = 16_779_513
