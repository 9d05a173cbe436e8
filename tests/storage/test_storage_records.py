"""The journal as a witness: what became of attempts through each pool, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solders.pubkey import Pubkey

from dexroute.storage.store import SqlStore
from dexroute.types.orders import EventKind, Failure, Order, OrderState, SwapAmounts
from dexroute.types.records import RecordedOutcome
from tests.storage.orders_at_hand import an_attempt, an_order, signed

POOLS = tuple(Pubkey.from_bytes(bytes([number]) * 32) for number in range(1, 4))
LOST = {"pools": [str(POOLS[2])], "venues": ["meteora-dlmm"], "chosen": False}
CHOSEN = {"pools": [str(POOLS[0]), str(POOLS[1])], "venues": ["raydium-cpmm", "raydium-clmm"], "chosen": True}
ROUTED = {"candidates": [LOST, CHOSEN], "amount_in": str(2**64 - 1), "amount_out": "7"}


async def step(store: SqlStore, order: Order, kind: EventKind, to: OrderState, at_ms: int, **more: Any) -> Order:
    after = replace(order, state=to, failure=more.pop("failure", order.failure))
    moved, _ = await store.advance(order, after, kind, at_ms=at_ms, **more)
    return moved


async def routed(store: SqlStore, key: str, *, genesis_hash: str = "here", now_ms: int = 1) -> Order:
    order, is_new = await store.place(an_order(key=key, genesis_hash=genesis_hash, now_ms=now_ms))
    assert is_new
    order = await step(store, order, EventKind.ROUTING, OrderState.ROUTING, 2)
    return await step(store, order, EventKind.ROUTED, OrderState.BUILDING, 3, facts=ROUTED)


async def submitted(store: SqlStore, order: Order, number: int = 1) -> Order:
    attempt = an_attempt(order, number)
    order = await step(store, order, EventKind.INTENT, order.state, 4, attempt=attempt)
    return await step(store, order, EventKind.SIGNED, OrderState.SUBMITTED, 5, attempt=signed(attempt))


async def test_ends_are_told_with_their_pools_in_the_order_of_time(store: SqlStore) -> None:
    landed = await submitted(store, await routed(store, "landed"))
    await step(store, landed, EventKind.CONFIRMED, OrderState.CONFIRMED, 90, facts={"amount_in": "5", "amount_out": "6"})
    refused = await routed(store, "refused")
    refused = await step(
        store, refused, EventKind.ROUTING, OrderState.ROUTING, 70, facts={"cause": "SIMULATION_FAILED", "message": "no"}
    )
    refused = await step(store, refused, EventKind.ROUTED, OrderState.BUILDING, 71, facts={**ROUTED, "candidates": [CHOSEN]})
    failure = Failure(code="LANDED_WITH_ERROR", message="m", context={"error_class": "exclude_pool"})
    await step(
        store, refused, EventKind.FAILED, OrderState.FAILED, 80, facts={"code": failure.code, "message": "m"}, failure=failure
    )
    found = await store.attempt_records("here")
    assert [(record.outcome, record.at_ms) for record in found] == [
        (RecordedOutcome.REFUSED, 70),
        (RecordedOutcome.LANDED_WITH_ERROR, 80),
        (RecordedOutcome.LANDED, 90),
    ]
    pools = ((POOLS[0], "raydium-cpmm"), (POOLS[1], "raydium-clmm"))
    assert {record.pools for record in found} == {pools}
    assert found[0].failure == Failure(code="SIMULATION_FAILED", message="no")
    assert found[1].failure == failure and found[1].executed is None
    assert found[2].quoted == SwapAmounts(amount_in=2**64 - 1, amount_out=7)
    assert found[2].executed == SwapAmounts(amount_in=5, amount_out=6) and found[2].failure is None


async def test_what_says_nothing_of_pools_is_left_out(store: SqlStore) -> None:
    poor = await routed(store, "poor")
    await step(store, poor, EventKind.FAILED, OrderState.FAILED, 9, facts={"code": "INSUFFICIENT_FUNDS", "message": "m"})
    slipped = await routed(store, "slipped")
    await step(store, slipped, EventKind.ROUTING, OrderState.ROUTING, 9, facts={"cause": "SLIPPAGE_EXCEEDED", "message": "m"})
    unsigned = await routed(store, "unsigned")
    unsigned = await step(store, unsigned, EventKind.INTENT, unsigned.state, 4, attempt=an_attempt(unsigned))
    await step(store, unsigned, EventKind.ATTEMPT_DEAD, OrderState.ROUTING, 9, facts={"proof": "never_signed"})
    waiting = await submitted(store, await routed(store, "waiting"))
    assert waiting.is_open
    assert await store.attempt_records("here") == ()
    await step(store, waiting, EventKind.ATTEMPT_DEAD, OrderState.ROUTING, 9, facts={"proof": "expired"})
    assert [record.outcome for record in await store.attempt_records("here")] == [RecordedOutcome.EXPIRED]


async def test_only_the_newest_orders_of_this_cluster_are_asked(store: SqlStore) -> None:
    for number in range(4):
        order = await submitted(store, await routed(store, f"here {number}", now_ms=1_000 + number))
        await step(store, order, EventKind.CONFIRMED, OrderState.CONFIRMED, 100 + number, facts={})
    elsewhere = await submitted(store, await routed(store, "there", genesis_hash="there"))
    await step(store, elsewhere, EventKind.CONFIRMED, OrderState.CONFIRMED, 9, facts={})
    assert [record.at_ms for record in await store.attempt_records("here")] == [100, 101, 102, 103]
    assert [record.at_ms for record in await store.attempt_records("here", most_orders=2)] == [102, 103]
    assert [record.at_ms for record in await store.attempt_records("there")] == [9]
    assert await store.attempt_records("nowhere") == ()
