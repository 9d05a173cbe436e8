"""A route as a value: which pools, in which order, how much through each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from solders.pubkey import Pubkey

from dexroute.types.fees import Fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One swap in one pool. Amounts are what leaves and what arrives in the user's accounts, base units."""

    venue_id: str
    pool: Pubkey
    input_mint: Pubkey
    output_mint: Pubkey
    amount_in: int
    amount_out: int
    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A path of hops carrying a share of the order. A later hop spends no more than the earlier one guarantees."""

    hops: tuple[Hop, ...]

    @property
    def amount_in(self) -> int:
        return self.hops[0].amount_in

    @property
    def amount_out(self) -> int:
        return self.hops[-1].amount_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All legs, in the order they execute."""

    legs: tuple[Leg, ...]

    @property
    def hops(self) -> tuple[Hop, ...]:
        return tuple(hop for leg in self.legs for hop in leg.hops)

    @property
    def residuals(self) -> Mapping[Pubkey, int]:
        """What stays with the user of mints between two hops, base units, those with any: a later hop spends only what the earlier
        one guarantees."""
        left: dict[Pubkey, int] = {}
        for leg in self.legs:
            for before, after in pairwise(leg.hops):
                left[after.input_mint] = left.get(after.input_mint, 0) + before.amount_out - after.amount_in
        return {mint: amount for mint, amount in left.items() if amount}
