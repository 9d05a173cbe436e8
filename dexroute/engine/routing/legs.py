"""Legs in exact integers, in the order they execute: each is quoted on the pools as the earlier ones left them.

Exact in, a leg is quoted forward from its input; a later hop spends what the one before is guaranteed to deliver, its quote less
the hop slippage. Exact out, it is quoted backward from its output; an earlier hop delivers what the one after needs and the hop
slippage on top. The difference stays with the user as residual and is visible in the hops' amounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.engine.routing.hops import QuotedHop, RefusedHop, quote_hop
from dexroute.engine.routing.market import Market
from dexroute.errors import QuoteOverflow
from dexroute.fetchers.base import Pool, SharesAccounts, beside, limit_slack
from dexroute.math.rounding import U64_MAX
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.requests import SwapMode
from dexroute.types.routes import Leg

Path = tuple[int, ...]
"""Edges of a market from input to output."""


@dataclass(frozen=True, slots=True)
class Share:
    """A path and its part of the order: base units of the input (exact in) or of the output (exact out)."""

    path: Path
    amount: int


@dataclass(frozen=True, slots=True)
class QuotedLeg:
    path: Path
    hops: tuple[QuotedHop, ...]

    @property
    def leg(self) -> Leg:
        return Leg(hops=tuple(hop.hop for hop in self.hops))

    @property
    def amount_in(self) -> int:
        return self.hops[0].hop.amount_in

    @property
    def amount_out(self) -> int:
        return self.hops[-1].hop.amount_out


@dataclass(frozen=True, slots=True)
class RefusedLeg:
    """A leg that was given up: the edges quoted so far and the one that refused, from input to output, with the refusal."""

    path: Path
    refused: RefusedHop


@dataclass(frozen=True, slots=True)
class QuotedRoute:
    """Legs in the order they execute."""

    legs: tuple[QuotedLeg, ...]

    @property
    def hops(self) -> tuple[QuotedHop, ...]:
        return tuple(hop for leg in self.legs for hop in leg.hops)

    @property
    def shares(self) -> tuple[tuple[Path, int, int], ...]:
        """What tells one route over a market from another: paths and amounts."""
        return tuple((leg.path, leg.amount_in, leg.amount_out) for leg in self.legs)

    @property
    def amount_in(self) -> int:
        return sum(leg.amount_in for leg in self.legs)

    @property
    def amount_out(self) -> int:
        return sum(leg.amount_out for leg in self.legs)

    def worth(self, mode: SwapMode) -> int:
        """What it brings (exact in) or minus what it costs (exact out), base units, landing it apart: more is better."""
        return self.amount_out if mode is SwapMode.EXACT_IN else -self.amount_in


def quote_leg(
    market: Market, path: Path, amount: int, mode: SwapMode, hop_slippage_bps: int, states: Mapping[Pubkey, Pool]
) -> QuotedLeg | RefusedLeg:
    """One leg; `states` are pools that earlier legs changed."""
    forward = mode is SwapMode.EXACT_IN
    hops: list[QuotedHop] = []
    ordered = path if forward else path[::-1]
    slack = 0
    for place, edge in enumerate(ordered):
        if place and forward:
            # what the next hop spends is this one's limit, and must leave it the unit its program may round away after its check
            amount = min(min_amount_out(amount, hop_slippage_bps), amount - slack)
        elif place:
            amount = max_amount_in(amount, hop_slippage_bps)
        pool = market.edge_pool[edge]
        pool = states.get(pool.address, pool)
        for earlier in hops if forward else ():
            pool = beside(pool, earlier.pool, earlier.quote.next_pool)
        quoted = quote_hop(pool, market.mints[market.source[edge]], market.mints[market.target[edge]], amount, mode)
        if isinstance(quoted, RefusedHop):
            looked_at = ordered[: place + 1]
            return RefusedLeg(looked_at if forward else looked_at[::-1], quoted)
        hops.append(quoted)
        amount, slack = quoted.hop.amount_out if forward else quoted.hop.amount_in, limit_slack(pool)
    return QuotedLeg(path, tuple(hops if forward else hops[::-1]))


def quote_legs(market: Market, shares: Sequence[Share], mode: SwapMode, hop_slippage_bps: int) -> QuotedRoute | RefusedLeg:
    """All legs, one after the other, or the first that is refused, if only because all so far move more than an account holds."""
    states: dict[Pubkey, Pool] = {}
    legs: list[QuotedLeg] = []
    spent = received = 0
    for place, share in enumerate(shares):
        quoted = quote_leg(market, share.path, share.amount, mode, hop_slippage_bps, states)
        if isinstance(quoted, RefusedLeg):
            return quoted
        legs.append(quoted)
        spent, received = spent + quoted.amount_in, received + quoted.amount_out
        if max(spent, received) > U64_MAX:
            return RefusedLeg(share.path, RefusedHop(quoted.hops[0].pool, _beyond_accounts(spent, received)))
        if place + 1 < len(shares):
            later = {
                pool.address: pool for after in shares[place + 1 :] for pool in (market.edge_pool[edge] for edge in after.path)
            }
            for hop in quoted.hops:
                if hop.pool.address in later:
                    states[hop.pool.address] = hop.quote.next_pool
                if isinstance(hop.pool, SharesAccounts):
                    for address in later.keys() - {hop.pool.address}:
                        states[address] = beside(states.get(address, later[address]), hop.pool, hop.quote.next_pool)
    return QuotedRoute(tuple(legs))


def _beyond_accounts(spent: int, received: int) -> QuoteOverflow:
    side, amount = ("take", spent) if spent > U64_MAX else ("deliver", received)
    return QuoteOverflow(f"the legs together would {side} {amount} base units, more than any account holds; ask for less")
