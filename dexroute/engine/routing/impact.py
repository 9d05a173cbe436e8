"""How far a swap moves the price against itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from solders.pubkey import Pubkey

from dexroute.errors import QuoteError
from dexroute.fetchers.base import Pool
from dexroute.math.rounding import BPS
from dexroute.types.fees import Fee
from dexroute.types.routes import Hop, Route


def price_impact_bps(hops: Sequence[Hop], pools: Mapping[Pubkey, Pool]) -> int | None:
    """Basis points by which a path of hops executes below its pools' spot prices, fees excluded: floor of
    (1 - executed/spot) * 10,000, at least 0, computed exactly. Over several hops the ratios multiply; what is left over
    between hops does not count as impact. None when a pool has no spot price."""
    ratio = _executed_over_spot(hops, pools)
    return None if ratio is None else max(0, (1 - ratio) * BPS // 1)


def route_impact_bps(route: Route, pools: Mapping[Pubkey, Pool]) -> int | None:
    """`price_impact_bps` of all legs together: each counts with its share of the input. `pools` are as the first leg finds them, so
    a leg through a pool that an earlier one moved counts from the price before both."""
    total = Fraction(0)
    for leg in route.legs:
        ratio = _executed_over_spot(leg.hops, pools)
        if ratio is None:
            return None
        total += ratio * leg.amount_in
    return max(0, (1 - total / sum(leg.amount_in for leg in route.legs)) * BPS // 1)


def fees_by_kind(hops: Sequence[Hop]) -> tuple[Fee, ...]:
    """All fees of a path, one entry per kind and mint, in the order they are met."""
    totals: dict[tuple[str, Pubkey], Fee] = {}
    for hop in hops:
        for fee in hop.fees:
            key = (fee.kind, fee.mint)
            before = totals[key].amount if key in totals else 0
            totals[key] = Fee(kind=fee.kind, mint=fee.mint, amount=before + fee.amount)
    return tuple(totals.values())


def _executed_over_spot(hops: Sequence[Hop], pools: Mapping[Pubkey, Pool]) -> Fraction | None:
    executed_over_spot = Fraction(1)
    for hop in hops:
        taken_in = sum(fee.amount for fee in hop.fees if fee.mint == hop.input_mint)
        taken_out = sum(fee.amount for fee in hop.fees if fee.mint == hop.output_mint)
        try:
            spot = pools[hop.pool].spot_price(hop.input_mint, hop.output_mint)
        except QuoteError:
            return None
        swapped_in = hop.amount_in - taken_in
        if swapped_in <= 0 or spot.numerator <= 0:
            return None
        executed_over_spot *= Fraction(
            (hop.amount_out + taken_out) * spot.denominator,
            swapped_in * spot.numerator,
        )
    return executed_over_spot
