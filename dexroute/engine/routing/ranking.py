"""Which path wins: net of what landing it costs, ties broken in writing.

The order, best first: higher net output (exact in) or lower net input (exact out); then fewer hops; then fewer compute units;
then the path that passes more of the intermediate mint (exact in) or needs less of it (exact out); then pool
addresses, compared byte by byte from the first hop. It does not depend on the order in which pools were given.
"""

from __future__ import annotations

from dataclasses import dataclass

from dexroute.engine.routing.options import LandingCosts
from dexroute.engine.routing.paths import FoundPath
from dexroute.math.rounding import BPS, ceil_div
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.network import MICRO_LAMPORTS
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode


@dataclass(frozen=True, slots=True)
class RankedPath:
    path: FoundPath
    compute_units: int
    net: int


def rank(paths: list[FoundPath], request: QuoteRequest, costs: LandingCosts) -> list[RankedPath]:
    """The paths, best first, as the module's docstring orders them."""
    forward = request.mode is SwapMode.EXACT_IN
    ranked_mint = request.output_mint if forward else request.input_mint
    price = costs.lamport_price or (Price(numerator=1, denominator=1) if ranked_mint == NATIVE_MINT else None)
    ranked = [_ranked(path, forward, costs, price) for path in paths]
    return sorted(ranked, key=lambda entry: _key(entry, forward))


def landing_lamports(path: FoundPath, costs: LandingCosts) -> int:
    """Signature, compute units at the given price (rounded up) and rent of intermediate accounts to be opened."""
    units = sum(hop.compute_units for hop in path.hops)
    rent = sum(costs.rent_lamports.get(hop.hop.output_mint, 0) for hop in path.hops[:-1])
    return costs.signature_lamports + ceil_div(units * costs.compute_unit_price_micro_lamports, MICRO_LAMPORTS) + rent


def why_lost(entry: RankedPath, best: RankedPath, request: QuoteRequest) -> str:
    """In words for a trader: by how much, or by which tie-break, this path lost to the best."""
    gap = abs(best.net - entry.net)
    if gap:
        bps = gap * BPS // max(abs(best.net), 1)
        unit = f"{gap} base units" + (f" ({bps} bps)" if bps else "")
        return f"nets {unit} less" if request.mode is SwapMode.EXACT_IN else f"costs {unit} more"
    if len(entry.path.hops) != len(best.path.hops):
        return "same net amount, but more hops"
    if entry.compute_units != best.compute_units:
        return f"same net amount, but {entry.compute_units - best.compute_units} more compute units"
    return "same net amount; the tie went to the better first amount or the lower pool address"


def _ranked(path: FoundPath, forward: bool, costs: LandingCosts, price: Price | None) -> RankedPath:
    cost = 0
    if price is not None:
        cost = ceil_div(landing_lamports(path, costs) * price.numerator, price.denominator)
    amount = path.hops[-1].hop.amount_out - cost if forward else path.hops[0].hop.amount_in + cost
    return RankedPath(path, sum(hop.compute_units for hop in path.hops), amount)


def _key(entry: RankedPath, forward: bool) -> tuple[object, ...]:
    hops = entry.path.hops
    middle = tuple(-hop.hop.amount_out for hop in hops[:-1]) if forward else tuple(hop.hop.amount_in for hop in hops[1:])
    addresses = tuple(bytes(hop.pool.address) for hop in hops)
    return (-entry.net if forward else entry.net, len(hops), entry.compute_units, middle, addresses)
