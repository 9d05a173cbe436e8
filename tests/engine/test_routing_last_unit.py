"""All that a pool holds can be asked for: the sum of its bins as floats may be a hair less than the whole number they hold."""

from __future__ import annotations

from dataclasses import replace

from dexroute.engine.routing import RouteOptions, find_route
from dexroute.engine.routing.room import AnyRoom
from dexroute.fetchers.meteora.dlmm.bins import Bin
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import cases_of


def _one_bin_of(units: int) -> DlmmPool:
    (pool,) = (case.pool() for case in cases_of("meteora-dlmm") if case.name == "one-bin-step25")
    assert isinstance(pool, DlmmPool)

    def refilled(entry: Bin) -> Bin:
        return entry._replace(x=entry.x and units, y=entry.y and units)

    arrays = {}
    for index, array in pool.arrays.items():
        bins = {array.first_id + place: refilled(entry) for place, entry in enumerate(array.bins) if entry is not None}
        arrays[index] = array.with_bins(bins)
    return replace(pool, arrays=arrays)


def test_the_last_unit_of_a_bin_is_part_of_a_route() -> None:
    for units in range(1, 120):
        pool = _one_bin_of(units)
        for source, target in (pool.mints, pool.mints[::-1]):
            request = QuoteRequest(input_mint=source.address, output_mint=target.address, amount=units, mode=SwapMode.EXACT_OUT)
            paid = pool.quote(request).amount_in
            assert find_route([pool], request, RouteOptions(room=AnyRoom())).amount_in == paid
