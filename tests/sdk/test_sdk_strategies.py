"""Strategies: best price, speed, reliability."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, KeypairSigner, RouteNotFound, RouteOptions, Strategy
from dexroute.engine.execution.intake import new_order
from dexroute.types.orders import EventKind, Failure, OrderState
from tests.sdk.wire import Wire


async def failed_through(dex: Dex, pool: Pubkey, venue_id: str, context: dict[str, str]) -> None:
    """An order of this journal that ended so, by the same steps the executor takes."""
    journal = await dex.journal()
    terms = await dex.terms("SOL", "USDC", "1")
    order = new_order(
        request=terms.request,
        wallet=dex.signer.pubkey,
        genesis_hash=dex.connection.genesis_hash,
        slippage_bps=50,
        now_ms=dex._clock.now_ms(),
    )
    order, _ = await journal.place(order)
    chosen = {"pools": [str(pool)], "venues": [venue_id], "chosen": True}
    failure = Failure(code="SIMULATION_FAILED", message="it failed", context=context)
    for kind, state, facts in (
        (EventKind.ROUTING, OrderState.ROUTING, {}),
        (EventKind.ROUTED, OrderState.BUILDING, {"candidates": [chosen]}),
        (EventKind.FAILED, OrderState.FAILED, {"code": failure.code, "message": failure.message}),
    ):
        after = replace(order, state=state, failure=failure if state is OrderState.FAILED else None)
        order, _ = await journal.advance(order, after, kind, at_ms=dex._clock.now_ms(), facts=facts)


ONE_LEG = RouteOptions(max_splits=1)


async def test_a_pool_that_failed_lately_is_left_out_with_the_reason(dex: Dex) -> None:
    best = await dex.quote("SOL", "USDC", "1.5", route=ONE_LEG)
    (hop,) = best.best.route.hops
    cause = "dexroute-pool: Paused (6003): swaps are off; use another pool"
    await failed_through(dex, hop.pool, hop.venue_id, {"error_class": "exclude_pool", "cause": cause})
    assert (await dex.quote("SOL", "USDC", "1.5", route=ONE_LEG)).best.route.hops[0].pool == hop.pool, (
        "the best price asks no journal"
    )

    safe = await dex.quote("SOL", "USDC", "1.5", strategy=Strategy.RELIABILITY)
    assert all(used.pool != hop.pool for used in safe.best.route.hops)
    (lost,) = [candidate for candidate in safe.candidates if candidate.pools == (hop.pool,)]
    assert lost.lost is not None and "left out for now" in lost.lost and "Paused (6003)" in lost.lost
    assert any(str(hop.pool) in note and "tried again in 15 min" in note for note in safe.notes)
    with pytest.raises(RouteNotFound, match="left out for now"):
        only = RouteOptions(pools=frozenset({hop.pool}))
        await dex.quote("SOL", "USDC", "1.5", strategy=Strategy.RELIABILITY, route=only)


async def test_the_record_is_what_the_orders_came_to(dex: Dex) -> None:
    empty = await dex.quote("SOL", "USDC", "1", strategy=Strategy.RELIABILITY)
    assert any("no attempt on this cluster yet" in note for note in empty.notes)
    assert await dex.pool_records() == {}
    receipt = await dex.swap(await dex.quote("SOL", "USDC", "1", strategy=Strategy.RELIABILITY, route=ONE_LEG))
    assert receipt.order.options["strategy"] == "reliability"
    (record,) = (await dex.pool_records()).values()
    assert (record.landed, record.attempts, record.average_shortfall_ppm) == (1, 1, 0)
    assert receipt.order.route is not None
    assert str(record.pool) == receipt.order.route["legs"][0]["hops"][0]["pool"]
    again = await dex.quote("SOL", "USDC", "1", strategy=Strategy.RELIABILITY)
    assert not any("no attempt" in note for note in again.notes)


async def test_speed_reads_nothing_it_still_has(market: Path, wired: tuple[Dex, Wire], signer: KeypairSigner) -> None:
    dex, wire = wired
    await dex.quote("SOL", "USDC", "1")
    wire.calls.clear()
    quick = await dex.quote("SOL", "USDC", "1", strategy=Strategy.SPEED)
    assert quick.round_trips == 0 and wire.calls["getMultipleAccounts"] == 0
    receipt = await dex.swap(quick)
    assert receipt.order.state == "CONFIRMED"
    assert wire.calls["getMultipleAccounts"] >= 1, "what is signed is read anew"


async def test_a_bad_record_costs_a_pool_its_place_and_no_amount(dex: Dex) -> None:
    """Two failures that ask for nothing but caution: after the cooling the record still counts, in the ranking only."""
    one_leg = RouteOptions(max_splits=1, max_hops=1)
    best = await dex.quote("SOL", "USDC", "0.5", route=one_leg)
    (hop,) = best.best.route.hops
    for _ in range(2):
        await failed_through(dex, hop.pool, hop.venue_id, {"error_class": "requote", "cause": "dexroute-pool: it moved"})
    cooled = await dex.quote("SOL", "USDC", "0.5", route=one_leg, strategy=Strategy.RELIABILITY)
    assert cooled.best.route.hops[0].pool != hop.pool
    assert any("2 failures in a row" in note for note in cooled.notes)
    record = (await dex.pool_records())[hop.pool]
    assert (record.refused, record.in_a_row) == (2, 2)
    plain = await dex.quote("SOL", "USDC", "0.5", route=one_leg)
    assert plain.best.route.hops[0].pool == hop.pool and plain.candidates[0].handicap == 0
    assert cooled.candidates[0].handicap > 0
    (same,) = [one for one in plain.candidates if one.pools == cooled.candidates[0].pools]
    assert same.quote is not None and same.quote.amount_out == cooled.amount_out, "the amount is the pool's, whatever its record"
