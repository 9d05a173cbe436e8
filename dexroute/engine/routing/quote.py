"""The router's answers: a route with its amounts, and every candidate with its fate."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.errors import DexError
from dexroute.types.fees import Fee
from dexroute.types.routes import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuote:
    """`amount_in` leaves the user, `amount_out` arrives, base units. `bound`: no split over these pools could return more
    (exact in) or cost less (exact out); None where no bound was computed."""

    amount_in: int
    amount_out: int
    route: Route
    bound: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One route the router looked at. Of one leg, `pools`, `venue_ids` and `mints` run from input to output (one mint more than
    pools); of several, pools and venues are those of all hops in the order they execute, and mints the different ones.

    `quote`, `price_impact_bps` and `net` are None when the path was not quoted to its end. `net` is what ranks, base units of the
    output (exact in: higher is better) or of the input (exact out: lower is better), landing costs included where they can be
    valued, and `handicap` (base units of the same token) that its pools' record takes in ranking alone. Of the lamports that
    landing costs, `rent_lamports` opens accounts and can be had back, `spent_lamports` is gone. `lost` says why it is not the
    route, None for the winner; `error` is the refusal behind it, where there is one.
    """

    pools: tuple[Pubkey, ...]
    venue_ids: tuple[str, ...]
    mints: tuple[Pubkey, ...]
    quote: RouteQuote | None
    fees: tuple[Fee, ...]
    price_impact_bps: int | None
    compute_units: int
    net: int | None
    lost: str | None
    error: DexError | None = None
    legs: int = 1
    spent_lamports: int = 0
    rent_lamports: int = 0
    handicap: int = 0
