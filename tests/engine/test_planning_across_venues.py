"""Routes over several venues' real programs and ours in one transaction, found by the SDK's own quotes and carried out: what each
pool takes and gives is what the quote said, to the last unit, and nothing else moves.

`DEXROUTE_FOREIGN_MARKETS` says in how many markets routes are tried, `DEXROUTE_FOREIGN_ROUTES` how many in each. Skipped, with the
reason, where a program is absent.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import pytest

from dexroute.engine.routing import RouteOptions
from dexroute.errors import RouteNotFound
from dexroute.sdk.terms import SwapTerms
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.world import ProgramAbsent
from tests.engine.foreign_market import MAKERS, OURS, WORTH, ForeignMarket
from tests.engine.leg_world import a_user, executes_as_said, give_a_table
from tests.engine.world_quoter import planned_of, pools_of, world_quoter

ROUTES: Final = int(os.environ.get("DEXROUTE_FOREIGN_ROUTES", "25"))
MARKETS: Final = int(os.environ.get("DEXROUTE_FOREIGN_MARKETS", "2"))
MODES: Final = list(SwapMode)


def drawn_terms(market: ForeignMarket, rng: Random) -> SwapTerms:
    paid, got = rng.sample(list(market.mints), 2)
    mode = rng.choice(MODES)
    amount = int(10 ** rng.uniform(4, 11) / WORTH[paid if mode is SwapMode.EXACT_IN else got])
    request = QuoteRequest(
        input_mint=market.mints[paid].address, output_mint=market.mints[got].address, amount=max(1, amount), mode=mode
    )
    options = RouteOptions(
        pools=pools_of(market.world),
        max_hops=rng.choice((2, 3, 4)),
        max_splits=rng.choice((1, 3, 8)),
        hop_slippage_bps=rng.choice((0, 0, 10, 100)),
    )
    return SwapTerms(request=request, slippage_bps=rng.choice((1, 50)), route=options)


async def test_routes_across_venues_do_on_chain_what_they_say(tmp_path: Path) -> None:
    used: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    for seed in range(MARKETS):
        try:
            market = ForeignMarket(Random(seed), pools_each=6)
        except ProgramAbsent as reason:
            pytest.skip(str(reason))
        await routes_through(market, Random(~seed), tmp_path, used, shapes, f"market {seed}")
    print(f"\n{dict(shapes)}, {dict(used)}")
    tried = ROUTES * MARKETS
    assert shapes["routes"] >= tried * 2 // 3, shapes
    assert shapes["several venues"] >= tried // 4, shapes
    assert min(shapes[kind] for kind in ("several hops", "several legs", "legs and hops", "tables")) >= tried // 20, shapes
    assert set(used) == {*MAKERS, OURS}


async def routes_through(
    market: ForeignMarket, rng: Random, directory: Path, used: Counter[str], shapes: Counter[str], name: str
) -> None:
    world = market.world
    user = a_user(world, "".join(letter for letter in market.mints if letter != "S"), held=10**13)
    quoting = world_quoter(world, user, directory)
    for number in range(ROUTES):
        terms = drawn_terms(market, rng)
        try:
            quote = await quoting.quoter.quote(terms, swappable=True, for_signing=True)
        except RouteNotFound as nothing:
            # An amount beyond what can be sent, and then it says how much can.
            assert nothing.context["most_fillable"] is not None, (name, number, nothing.message)
            shapes["beyond"] += 1
            continue
        planned = planned_of(quote)
        legs = quote.best.route.legs
        try:
            prepared = await executes_as_said(world, planned, user)
        except Exception as error:
            raise AssertionError(f"{name}, route {number}: {terms.request}, {quote.best.route}") from error
        venues = {hop.venue_id for hop in quote.best.route.hops}
        used.update(venues)
        shapes["routes"] += 1
        shapes["several venues"] += len(venues) > 1
        shapes["several hops"] += max(len(leg.hops) for leg in legs) > 1
        shapes["several legs"] += len(legs) > 1
        shapes["legs and hops"] += len(legs) > 1 and max(len(leg.hops) for leg in legs) > 1
        shapes["tables"] += bool(prepared.message.address_table_lookups)
        if number % 6 == 3:
            give_a_table(world, planned)
            quoting.add_tables(world)
