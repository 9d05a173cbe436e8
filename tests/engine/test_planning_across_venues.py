"""Routes over several venues' real programs and ours in one transaction, found by the SDK's own quotes and carried out: what each
pool takes and gives is what the quote said, to the last unit, and nothing else moves; and the transaction is as large as the router
was told.

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
from solders.account import Account
from solders.keypair import Keypair
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning import OneTransaction, unsigned_wire
from dexroute.engine.planning.size import Measured
from dexroute.engine.routing import RouteOptions
from dexroute.errors import RouteNotFound
from dexroute.sdk.quote import Quote
from dexroute.sdk.terms import Strategy, SwapTerms
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.world import ProgramAbsent
from tests.engine.foreign_market import MAKERS, OURS, WORTH, ForeignMarket
from tests.engine.leg_world import a_user, executes_as_said, give_a_table
from tests.engine.svm_cluster import SOL
from tests.engine.world_quoter import WorldQuoter, planned_of, pools_of, world_quoter

ROUTES: Final = int(os.environ.get("DEXROUTE_FOREIGN_ROUTES", "25"))
MARKETS: Final = int(os.environ.get("DEXROUTE_FOREIGN_MARKETS", "2"))
MODES: Final = list(SwapMode)


def drawn_terms(market: ForeignMarket, rng: Random) -> SwapTerms:
    paid, got = rng.sample(list(market.mints), 2)
    mode = rng.choice(MODES)
    amount = int(10 ** rng.uniform(rng.choice((4, 9)), 11.5) / WORTH[paid if mode is SwapMode.EXACT_IN else got])
    request = QuoteRequest(
        input_mint=market.mints[paid].address, output_mint=market.mints[got].address, amount=max(1, amount), mode=mode
    )
    options = RouteOptions(
        pools=pools_of(market.world),
        max_hops=rng.choice((2, 3, 4)),
        max_splits=rng.choice((1, 8, 8)),
        hop_slippage_bps=rng.choice((0, 0, 10, 100)),
        max_accounts=rng.choice((64, 64, 45)),
    )
    strategy = rng.choice((Strategy.BEST, Strategy.BEST, Strategy.BEST, Strategy.SPEED))
    return SwapTerms(request=request, slippage_bps=rng.choice((1, 50)), route=options, strategy=strategy)


def a_wallet(market: ForeignMarket, rng: Random) -> Keypair:
    """Holds some of the tokens and has no account of the others."""
    letters = "".join(letter for letter in market.mints if letter != "S" and rng.random() < 0.6)
    user = a_user(market.world, letters, held=2**60)
    market.world.cluster.svm.set_account(user.pubkey(), Account(10**16, b"", SYSTEM_PROGRAM_ID))
    return user


def told_to_the_router(market: ForeignMarket, user: Keypair, quoting: WorldQuoter, quote: Quote) -> tuple[Measured, int]:
    """What one transaction of the wallet as it is now measures by the router's room, and the compute units expected of it."""
    held = [mint.address for mint in market.mints.values() if market.world.cluster.balance(user, mint) is not None]
    room = OneTransaction(quote.request, user=user.pubkey(), held=held, tables=quoting.shelf.usable())
    measured, _, units = room.measure(quote.best.route.legs, quote.pools)
    return measured, units


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
    assert min(shapes[kind] for kind in ("several hops", "several legs", "legs and hops", "tables", "opening")) >= tried // 20, (
        shapes
    )
    assert set(used) == {*MAKERS, OURS}


async def routes_through(
    market: ForeignMarket, rng: Random, directory: Path, used: Counter[str], shapes: Counter[str], name: str
) -> None:
    world = market.world
    user, quoting = a_wallet(market, rng), None
    for number in range(ROUTES):
        if quoting is None or number % 12 == 0:
            world.tables.clear()
            user = a_wallet(market, rng)
            quoting = world_quoter(world, user, directory)
        terms = drawn_terms(market, rng)
        paid = next(mint for mint in market.mints.values() if mint.address == terms.request.input_mint)
        if paid != SOL and (world.cluster.balance(user, paid) or 0) < 2**50:
            world.cluster.fund(user, paid, 2**60)
        try:
            quote = await quoting.quoter.quote(terms, swappable=True, for_signing=True)
        except RouteNotFound as nothing:
            # An amount beyond what can be sent, and then it says how much can.
            assert nothing.context["most_fillable"] is not None, (name, number, nothing.message)
            shapes["beyond"] += 1
            continue
        planned = planned_of(quote)
        legs = quote.best.route.legs
        measured, units = told_to_the_router(market, user, quoting, quote)
        try:
            prepared = await executes_as_said(world, planned, user)
            looked_up = prepared.message.address_table_lookups
            named = sum(len(table.writable_indexes) + len(table.readonly_indexes) for table in looked_up)
            assert measured.bytes == len(unsigned_wire(prepared.message)) <= 1_232
            assert measured.accounts == len(prepared.message.account_keys) + named <= terms.route.max_accounts
            assert world.cluster.executed[-1] <= measured.instructions <= 64
            assert prepared.facts["compute_units"] <= units <= 1_400_000
        except Exception as error:
            raise AssertionError(f"{name}, route {number}: {terms.request}, {quote.best.route}") from error
        venues = {hop.venue_id for hop in quote.best.route.hops}
        used.update(venues)
        shapes["routes"] += 1
        shapes["several venues"] += len(venues) > 1
        shapes["several hops"] += max(len(leg.hops) for leg in legs) > 1
        shapes["several legs"] += len(legs) > 1
        shapes["legs and hops"] += len(legs) > 1 and max(len(leg.hops) for leg in legs) > 1
        shapes["tables"] += bool(looked_up)
        shapes["opening"] += any(not account.temporary for account in prepared.plan.opened)
        if number % 4 == 1:
            give_a_table(world, planned)
            quoting.add_tables(world)
