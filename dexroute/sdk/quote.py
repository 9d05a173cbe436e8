"""A quote as the SDK hands it out: the best route, everything that lost to it, and the moment all of it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solders.pubkey import Pubkey

from dexroute.engine.routing import Candidate, LandingCosts, RouteQuote, Solution
from dexroute.engine.routing.landing import lamport_price
from dexroute.errors import DexError
from dexroute.fetchers.base import Pool
from dexroute.sdk.quote_guards import GuardReport
from dexroute.sdk.terms import SwapTerms
from dexroute.sdk.token import Token
from dexroute.types.accounts import ChainClock
from dexroute.types.chain import AccountSource
from dexroute.types.fees import Fee
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What reading a quote's accounts took, and how old they are. `round_trips` are the getMultipleAccounts calls that answered;
    `is_warm` when none or one round of them was enough. `age_slots` is at most how many slots had passed (0: read for this quote).
    `sources_asked` are those asked for pools first: none when the pools were known."""

    source: AccountSource
    round_trips: int
    is_warm: bool
    accounts: int
    age_slots: int
    sources_asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCosts:
    """What landing the route is expected to cost, lamports: gone are the network's fee for the signature, the priority fee and the
    tip. `rent_lamports` can be had back: by mint, what the token accounts lock up that the route has to open. The account of the
    output is among them; being the same for every route, it is not in what routes are ranked by."""

    network_fee_lamports: int
    priority_fee_lamports: int
    tip_lamports: int
    rent_lamports: Mapping[Pubkey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What `Dex.swap` carries out. Amounts are base units; `limit` is the least output (exact in) or the most input (exact out)
    that will be enforced on chain. `pools` are all pools read for it, at `clock.slot`; `broken` are those whose accounts
    could not be used, with the reason; `quote_only` are the venues whose program is not on this cluster. `read_ms` is the
    host's time when the accounts were read; `costs` are what routes were ranked net of."""

    terms: SwapTerms
    solution: Solution
    broken: Mapping[Pubkey, DexError]
    pools: Mapping[Pubkey, Pool]
    limit: int
    guards: GuardReport
    fees: tuple[Fee, ...]
    clock: ChainClock
    read_ms: int
    freshness: Freshness
    input_token: Token
    output_token: Token
    tokens: Mapping[Pubkey, Token]
    quote_only: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    costs: LandingCosts = field(default_factory=LandingCosts)

    @property
    def round_trips(self) -> int:
        """getMultipleAccounts calls this quote took."""
        return self.freshness.round_trips

    @property
    def price_impact_bps(self) -> int | None:
        """Against the pools' spot prices, fees excluded; None when a pool has none."""
        return self.guards.price_impact_bps

    @property
    def best(self) -> RouteQuote:
        """The route with its amounts."""
        return self.solution.quote

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The route first, then what lost to it."""
        return self.solution.candidates

    @property
    def expected_costs(self) -> ExpectedCosts:
        """The route's costs, apart; `net` of the first candidate has them taken off, valued in the ranked token."""
        costs = self.costs
        spent = self.candidates[0].spent_lamports if self.candidates else costs.signature_lamports + costs.tip_lamports
        received = dict.fromkeys(hop.output_mint for hop in self.best.route.hops)
        return ExpectedCosts(
            network_fee_lamports=costs.signature_lamports,
            priority_fee_lamports=max(0, spent - costs.signature_lamports - costs.tip_lamports),
            tip_lamports=costs.tip_lamports,
            rent_lamports={mint: costs.rent_lamports[mint] for mint in received if mint in costs.rent_lamports},
        )

    @property
    def lamport_price(self) -> Price | None:
        """Base units of the ranked token (the output for exact in, the input for exact out) per lamport; None where no pool that
        was read tells it, so that lamports do not rank."""
        return lamport_price(self.request, self.costs)

    @property
    def request(self) -> QuoteRequest:
        return self.terms.request

    @property
    def amount_in(self) -> int:
        return self.best.amount_in

    @property
    def amount_out(self) -> int:
        return self.best.amount_out

    @property
    def min_amount_out(self) -> int:
        """Least output the chain will enforce, base units; for exact out the amount asked for."""
        return self.limit if self.request.mode is SwapMode.EXACT_IN else self.request.amount

    @property
    def max_amount_in(self) -> int:
        """Most input the chain will let go, base units; for exact in the amount asked for."""
        return self.request.amount if self.request.mode is SwapMode.EXACT_IN else self.limit
