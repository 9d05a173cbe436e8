"""What a caller asks of a pool or a router."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey


class SwapMode(StrEnum):
    EXACT_IN = "exact_in"
    EXACT_OUT = "exact_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """`amount` base units: what leaves the user for EXACT_IN, what must arrive for EXACT_OUT."""

    input_mint: Pubkey
    output_mint: Pubkey
    amount: int
    mode: SwapMode = SwapMode.EXACT_IN
