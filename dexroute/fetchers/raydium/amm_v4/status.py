"""What a pool's status lets happen. Source: raydium-io/raydium-amm@27f461d, program/src/state.rs (`AmmStatus`)."""

from __future__ import annotations

from typing import Final

UNINITIALIZED: Final = 0
MARKET_MAKING: Final = 1  # the source calls it Initialized: swaps, and orders on the market
ORDER_BOOK_ONLY: Final = 5
SWAP_ONLY: Final = 6
WAITING: Final = 7
LAST_STATUS: Final = 7
# What the others are, for a trader.
CLOSED: Final = {
    2: "it is disabled",
    3: "it is open for withdrawals only",
    4: "it is open for liquidity only",
    ORDER_BOOK_ONLY: "it makes orders on its market and takes no swaps",
}
