"""What one search found: the route, its proof, what each leg does, and everything that lost."""

from __future__ import annotations

from dataclasses import dataclass

from dexroute.engine.routing.quote import Candidate, RouteQuote
from dexroute.types.fees import Fee
from dexroute.types.prices import Price
from dexroute.types.routes import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How far the route is from the best that any split over the same pools could do, whatever its legs and hops.

    `bound` is base units of the output (exact in: no split returns more) or of the input (exact out: no split costs less): weak
    duality of the convex flow problem, rounded outwards, so it holds whatever heuristic found the route. `gap_centi_bps` is the
    route's distance from it in hundredths of a basis point of the bound, rounded up; None where the bound is 0 (exact out, where
    arbitrage around cycles could pay for the whole order), which nothing is a part of. The five costs, base units of the same
    token, say where the gap comes from and sum to it: `residual_cost` is what stays with the user of intermediate tokens as hop
    slippage, `rounding_cost` what exact quotes fall short of their pools' curves (whole units, fees that rise on the way) and what
    the bound allows for that, `leg_limit_cost` what more legs or a larger transaction could add, `cycle_cost` what the bound counts
    of arbitrage around cycles, which no leg runs, and `hop_limit_cost` the rest: what longer paths and pools that the options leave
    out could add. `limited_bound` is what the
    best split within the hop limit, but with any number of legs, was found to return (exact in) or to cost (exact out); None where
    that was not worked out.

    Proofs are `bound`, with the gap, and `arbitrage_bound`: whoever trades over these pools without an order gets no more than
    that of the same token out of cycles (0 where pools agree to a billionth of what they trade), and the best split that runs any
    beats the best that runs none by no more. The costs and `limited_bound` are estimates, at least 0 and each to about the gap's
    last digit: `cycle_cost` is as much of `arbitrage_bound` as the costs before it leave of the gap, so it may be too high, and
    `hop_limit_cost` too low. Exact out, bounds and costs are those of pools whose programs swap exact out; an exact input through
    the others is another order.
    """

    bound: int
    gap_centi_bps: int | None
    limited_bound: int | None
    hop_limit_cost: int
    leg_limit_cost: int
    residual_cost: int
    rounding_cost: int
    cycle_cost: int
    arbitrage_bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReport:
    """One leg, in the order of execution. `share_ppm` is its part of the input (exact in) or of the output (exact out); those of
    all legs add up to a million.

    `marginal_price` is output per input base unit that the next unit through this leg would fetch when all legs are done, fees
    included (from the pools' curves, so good to about a millionth; legs of one good split have equal ones).
    `price_impact_bps` and `fees` are as in `Candidate`, against the pools as the earlier legs left them.
    """

    leg: Leg
    share_ppm: int
    marginal_price: Price | None
    price_impact_bps: int | None
    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """`candidates` starts with the route itself; `unlisted` counts what was looked at and not listed (a list of thousands helps
    nobody). `certificate` is None where no bound was computed."""

    quote: RouteQuote
    candidates: tuple[Candidate, ...]
    certificate: Certificate | None
    legs: tuple[LegReport, ...]
    unlisted: int = 0
