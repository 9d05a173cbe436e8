"""What a swap costs inside a pool, by kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey


class FeeKind(StrEnum):
    """Who takes it and why. The kinds of one quote never overlap: their sum per mint is everything taken."""

    POOL = "pool"  # all that the pool's program charges for the swap (liquidity providers, protocol, fund, base and dynamic)
    CREATOR = "creator"  # the pool creator's part, where it is charged on top
    TRANSFER = "transfer"  # withheld by a Token-2022 mint on the way in or out


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """`amount` base units of `mint`, already contained in the quote's amounts."""

    kind: FeeKind
    mint: Pubkey
    amount: int
