"""Limits a caller sets on a quote before anything is built."""

from __future__ import annotations

from collections.abc import Mapping

from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteQuote, route_impact_bps
from dexroute.errors import PriceImpactTooHigh, StaleSnapshot, UsageError
from dexroute.fetchers.base import Pool
from dexroute.math.rounding import BPS
from dexroute.types.checks import require_whole
from dexroute.types.routes import Route


def require_bps(name: str, **limit: int) -> None:
    """A limit as its one keyword argument. Raises UsageError outside 0 to 10,000 basis points."""
    ((_, bps),) = limit.items()
    require_whole(name, bps)
    if not 0 <= bps <= BPS:
        raise UsageError(f"{name} of {bps} bps is not between 0 and {BPS}", **limit)


def require_slots(slots: int, name: str = "max slot age") -> None:
    """Raises UsageError for a negative number of slots, and for what is no whole number."""
    require_whole(name, slots)
    if slots < 0:
        raise UsageError(f"{name} of {slots} slots is negative", **{name.replace(" ", "_"): slots})


def check_price_impact(quote: RouteQuote, pools: Mapping[Pubkey, Pool], max_impact_bps: int) -> int | None:
    """The route's price impact in bps (None when its pools have no spot price).

    Raises PriceImpactTooHigh when it is above the limit or cannot be known, UsageError for a limit outside 0 to 10,000.
    A limit of 10,000 refuses nothing.
    """
    require_bps("max impact", max_impact_bps=max_impact_bps)
    impact = route_impact_bps(quote.route, pools)
    if max_impact_bps < BPS and (impact is None or impact > max_impact_bps):
        said = "is unknown" if impact is None else f"is {impact} bps"
        ends = pair_of(quote.route)
        raise PriceImpactTooHigh(
            f"the price impact {said} and the limit is {max_impact_bps} bps ({quote.amount_in} base units of "
            f"{ends['input_mint']} for {quote.amount_out} base units of {ends['output_mint']}); swap less, or raise the limit "
            "(--max-impact-bps)",
            price_impact_bps=impact,
            max_impact_bps=max_impact_bps,
            amount_in=str(quote.amount_in),
            amount_out=str(quote.amount_out),
            **ends,
        )
    return impact


def pair_of(route: Route) -> dict[str, str]:
    """The mints a route leads from and to, for the context of an error about it."""
    hops = route.legs[0].hops
    return {"input_mint": str(hops[0].input_mint), "output_mint": str(hops[-1].output_mint)}


def check_slot_age(slot: int, newest_slot: int, max_slot_age: int) -> int:
    """How many slots the snapshot of a quote is behind the newest slot known of its cluster. Raises StaleSnapshot above the limit,
    UsageError for a negative one."""
    require_slots(max_slot_age)
    age = max(0, newest_slot - slot)
    if age > max_slot_age:
        raise StaleSnapshot(
            f"the accounts of this quote are of slot {slot}, {age} slots behind the cluster's newest known slot {newest_slot}, and "
            f"the limit is {max_slot_age}; try again, use a faster RPC endpoint, or raise the limit (--max-slot-age)",
            slot=slot,
            newest_slot=newest_slot,
            slot_age=age,
            max_slot_age=max_slot_age,
        )
    return age
