"""The queue: who is next, how many at once, and what happens to an order nobody can finish now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.engine.execution.recovery import resume
from dexroute.engine.execution.stats import read_stats
from dexroute.errors import (
    DatabaseUnavailable,
    DeadlinePassed,
    DexError,
    FundsPromised,
    KeypairError,
    PolicyRefused,
    RpcUnreachable,
    SimulationFailed,
)
from dexroute.types.orders import EventKind, Order, OrderState, Priority, Promise
from tests.engine.simulated_bench import MINT_A, Bench, open_bench
from tests.engine.simulated_chain import KeySigner

FINAL_MS = 40 * 400


def taken(bench: Bench) -> list[str]:
    return [event.order_id for event in bench.seen if event.kind is EventKind.ROUTING]


async def placed(bench: Bench, **changes: object) -> Order:
    order, is_new = await bench.executor().place(bench.order(**changes))
    assert is_new
    return order


async def test_submitted_orders_are_worked_off_higher_priority_first(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        low, normal, high = [await placed(bench, priority=priority) for priority in Priority]
        executor = bench.executor()
        await OrderQueue(executor, QueuePolicy(at_once=1)).run(until_idle=True)
        assert taken(bench) == [high.id, normal.id, low.id]
        for order in (low, normal, high):
            receipt = await bench.check_journal(order)
            assert receipt.order.state is OrderState.CONFIRMED and receipt.order.claimed_by == "test"
        stats = await read_stats(bench.store, {}, now_ms=bench.clock.now_ms())
        assert stats.states == {OrderState.CONFIRMED: 3} and not stats.waiting and stats.not_final == 3
        assert stats.ended == 3 and stats.running == 0 and not stats.retries
        later = await read_stats(bench.store, {}, now_ms=bench.clock.now_ms() + 61_000)
        assert later.ended == 0 and (await read_stats(bench.store, {}, now_ms=0, newest=0)).ended == 0


async def test_what_waits_long_enough_is_next_whatever_comes_in(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        low = await placed(bench, priority=Priority.LOW)
        bench.clock.elapsed_ms += 121_000
        high = await placed(bench, priority=Priority.HIGH)
        await OrderQueue(bench.executor(), QueuePolicy(at_once=1)).run(until_idle=True)
        assert taken(bench) == [low.id, high.id]


@pytest.mark.parametrize(("policy", "most"), [(QueuePolicy(at_once=3, per_wallet=9), 3), (QueuePolicy(at_once=9, per_wallet=2), 2)])
async def test_no_more_at_once_than_allowed_and_each_order_once(tmp_path: Path, policy: QueuePolicy, most: int) -> None:
    async with open_bench(tmp_path) as bench:
        orders = [await placed(bench) for _ in range(12)]
        executor, at_once, seen = bench.executor(), 0, [0]
        real = executor.carry_on

        async def counted(order: Order, *, wait_ms: int | None = None) -> Order:
            nonlocal at_once
            at_once += 1
            seen.append(at_once)
            try:
                return await real(order, wait_ms=wait_ms)
            finally:
                at_once -= 1

        executor.carry_on = counted  # type: ignore[method-assign]
        await OrderQueue(executor, policy).run(until_idle=True)
        assert max(seen) == most and len(seen) == 13
        assert len(bench.signer.signed) == 12 and all(bench.chain.swaps(order) == 1 for order in orders)


async def test_one_order_nobody_can_finish_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        stranger = await placed(bench, wallet=MINT_A)
        ours = [await placed(bench) for _ in range(3)]
        queue = OrderQueue(bench.executor(), QueuePolicy(at_once=1))
        await queue.run(until_idle=True)
        assert {order.id for order in await bench.store.orders() if order.is_open} == {stranger.id}
        assert isinstance(queue.troubles()[stranger.id], KeypairError) and all(bench.chain.swaps(order) == 1 for order in ours)


async def test_a_running_queue_takes_new_orders_and_sees_what_landed_to_its_end(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        executor = bench.executor()
        queue = OrderQueue(executor, QueuePolicy(idle_ms=5))
        work = asyncio.create_task(queue.run())
        order = await placed(bench)
        queue.wake()
        async with asyncio.timeout(30):
            while not (found := await bench.store.order(order.id)).settled:
                await asyncio.sleep(0.005)
                if found.state is OrderState.CONFIRMED:
                    bench.clock.elapsed_ms += FINAL_MS
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert (await bench.check_journal(order)).events[-1].kind is EventKind.FINALIZED


async def test_orders_left_by_a_stopped_queue_are_taken_up_by_the_next(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        orders = [await placed(bench) for _ in range(4)]
        work = asyncio.create_task(OrderQueue(bench.executor(), QueuePolicy(idle_ms=5)).run())
        while len(bench.signer.signed) < 4:
            await asyncio.sleep(0.002)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        bench.chain.accepts = lambda wire: True
        bench.clock.elapsed_ms = 0  # before anything expired
        await OrderQueue(bench.executor()).run(until_idle=True)
        assert len(bench.signer.signed) == 4 and all(bench.chain.swaps(order) == 1 for order in orders)


async def test_two_orders_never_promise_the_same_coins(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        promised = (Promise(mint=MINT_A, amount=600),)
        first = await placed(bench, promised=promised)
        with pytest.raises(FundsPromised, match="promise 600") as refused:
            await placed(bench, promised=promised)
        assert refused.value.exit_code == 4 and refused.value.context["promised"] == "600"
        bench.funds = {MINT_A: 1_199}
        with pytest.raises(FundsPromised, match="of the 1199 base units of A1"):
            await placed(bench, promised=promised)
        bench.funds = {MINT_A: 1_200}
        second = await placed(bench, promised=promised)
        wallet = bench.signer.pubkey
        assert await bench.store.promised(str(bench.chain.genesis), wallet) == {MINT_A: 1_200}
        await bench.executor().cancel(second.id)
        assert await bench.store.promised(str(bench.chain.genesis), wallet) == {MINT_A: 600}
        await bench.executor().continue_order(first.id)
        assert await bench.store.promised(str(bench.chain.genesis), wallet) == {MINT_A: 0}
        bench.chain.landed.clear()
        (back,) = await bench.executor().settle()
        assert back.id == first.id
        assert await bench.store.promised(str(bench.chain.genesis), wallet) == {MINT_A: 600}, "it may spend them again"
        assert len(await bench.store.orders()) == 2, "what was refused left nothing behind"


async def test_an_order_alone_is_not_measured_against_the_wallet(tmp_path: Path) -> None:
    """Whether it has the funds at all is for the planner to tell, with every part of the sum."""
    async with open_bench(tmp_path) as bench:
        bench.funds = {}
        order = await placed(bench, promised=(Promise(mint=MINT_A, amount=600), Promise(mint=Pubkey.default(), amount=1)))
        assert (await bench.executor().continue_order(order.id)).state is OrderState.CONFIRMED


async def test_the_same_key_again_promises_nothing_again(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        promised = (Promise(mint=MINT_A, amount=600),)
        first = await placed(bench, key="k", promised=promised)
        again, is_new = await bench.executor().place(bench.order(key="k", promised=promised))
        assert again.id == first.id and not is_new
        assert await bench.store.promised(str(bench.chain.genesis), bench.signer.pubkey) == {MINT_A: 600}


@pytest.mark.parametrize(
    ("error_class", "routes"), [("permanent", 1), ("requote", 5), ("exclude_pool", 5), ("rebuild", 5), (None, 5)]
)
async def test_a_failed_simulation_is_tried_again_by_what_its_error_means(
    tmp_path: Path, error_class: str | None, routes: int
) -> None:
    async with open_bench(tmp_path) as bench:

        async def refused(order, routed, lifetime):  # type: ignore[no-untyped-def]
            raise SimulationFailed("refused", error_class=error_class)

        bench.builder.build = refused  # type: ignore[method-assign]
        order = await bench.executor().execute(bench.order())
        assert order.state is OrderState.FAILED and bench.builder.routed == routes
        await placed(bench)
        stats = await read_stats(bench.store, {}, now_ms=bench.clock.now_ms())
        assert stats.retries == ({SimulationFailed.code: routes - 1} if routes > 1 else {})
        assert stats.waiting == {Priority.NORMAL: 1} and stats.running == 0
        assert bench.clock.elapsed_ms == sum(500 << tries for tries in range(routes - 1)), "not all at once"


@pytest.mark.parametrize(("rule", "routes"), [("balance", 5), ("program", 1)])
async def test_balances_that_do_not_match_are_looked_at_again_and_never_signed(tmp_path: Path, rule: str, routes: int) -> None:
    """Another order of the wallet landed between a reading and a simulation; every other rule is broken for good."""
    async with open_bench(tmp_path) as bench:

        async def refused(order, routed, lifetime):  # type: ignore[no-untyped-def]
            raise PolicyRefused("not signed", rule=rule)

        bench.builder.build = refused  # type: ignore[method-assign]
        order = await bench.executor().execute(bench.order())
        assert order.state is OrderState.FAILED and bench.builder.routed == routes and not bench.signer.signed


@pytest.mark.parametrize("error", [DatabaseUnavailable, RpcUnreachable])
async def test_a_running_queue_waits_for_what_does_not_answer(tmp_path: Path, error: type[DexError]) -> None:
    async with open_bench(tmp_path) as bench:
        order = await placed(bench)
        executor, answered = bench.executor(), asyncio.Event()
        real, failures = executor.take, [error("away"), error("away")]
        troubles: list[DexError | None] = []

        async def take(**asked: Any) -> tuple[Order, ...]:
            troubles.append(queue.trouble)
            if failures:
                raise failures.pop()
            answered.set()
            return await real(**asked)

        executor.take = take  # type: ignore[method-assign]
        queue = OrderQueue(executor, QueuePolicy(idle_ms=1))
        with pytest.raises(error):  # who wants the work done, and not to wait, is told
            await queue.run(until_idle=True)
        assert queue.trouble is None
        running = asyncio.create_task(queue.run())
        await asyncio.wait_for(answered.wait(), 30)
        while (await bench.store.order(order.id)).is_open:
            await asyncio.sleep(0.01)
        running.cancel()
        assert (await bench.check_journal(order)).order.state is OrderState.CONFIRMED and not failures
        assert any(isinstance(trouble, error) for trouble in troubles) and queue.trouble is None


async def test_an_order_left_for_later_waits_for_nodes_that_do_not_answer(tmp_path: Path) -> None:
    """A worker's queue outlives an outage of its nodes; the caller that has just placed an order is told, and decides."""
    async with open_bench(tmp_path) as bench:
        queued = [await placed(bench), await placed(bench, deadline_ms=bench.clock.now_ms() + 3_600_000)]
        bench.nodes[0].fault = lambda method: RpcUnreachable("down") if method != "genesis_hash" else None
        executor = bench.executor()
        told = await executor.execute(bench.order())
        assert told.state is OrderState.FAILED and told.failure is not None and told.failure.code == RpcUnreachable.code
        queue = OrderQueue(executor)
        await queue.run(until_idle=True)
        for order in queued:
            assert (await bench.check_journal(order)).order.state is OrderState.BUILDING and not bench.signer.signed
            assert isinstance(queue.troubles()[order.id], RpcUnreachable)
        assert [type(one.error) for one in await resume(executor)] == [RpcUnreachable] * 2

        bench.nodes[0].fault = lambda method: None
        bench.clock.elapsed_ms += 3_600_000
        await queue.run(until_idle=True)
        landed, late = [(await bench.check_journal(order)).order for order in queued]
        assert landed.state is OrderState.CONFIRMED and bench.chain.swaps(landed) == 1
        assert late.state is OrderState.FAILED and late.failure is not None and late.failure.code == DeadlinePassed.code


async def test_a_queue_for_some_wallets_leaves_the_orders_of_others_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        stranger, ours = await placed(bench, wallet=MINT_A), await placed(bench)
        queue = OrderQueue(bench.executor(), QueuePolicy(wallets=frozenset({bench.signer.pubkey})))
        await queue.run(until_idle=True)
        assert bench.chain.swaps(ours) == 1 and queue.ended == {OrderState.CONFIRMED: 1} and not queue.troubles()
        left = await bench.store.order(stranger.id)
        assert left.state is OrderState.PENDING and not left.claimed_by and left.fencing == stranger.fencing


async def test_each_wallets_orders_are_signed_by_its_own_key(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.further = [KeySigner(), KeySigner()]
        signers = [bench.signer, *bench.further]
        wallets = frozenset(signer.pubkey for signer in signers)
        orders = {signer.pubkey: [await placed(bench, wallet=signer.pubkey) for _ in range(2)] for signer in signers}
        stranger = await placed(bench, wallet=MINT_A)
        await OrderQueue(bench.executor(), QueuePolicy(at_once=2, wallets=wallets)).run(until_idle=True)
        for signer in signers:
            receipts = [await bench.check_journal(order) for order in orders[signer.pubkey]]
            assert [receipt.order.state for receipt in receipts] == [OrderState.CONFIRMED] * 2
            assert {receipt.signature for receipt in receipts} == set(map(str, signer.signed)) and len(signer.signed) == 2
        assert (await bench.store.order(stranger.id)).state is OrderState.PENDING


async def test_a_key_handed_out_for_another_wallet_signs_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await placed(bench, wallet=MINT_A)
        executor = bench.executor()
        executor._preparation._signer_of = lambda wallet: bench.signer
        queue = OrderQueue(executor)
        await queue.run(until_idle=True)
        assert isinstance(queue.troubles()[order.id], KeypairError) and not bench.signer.signed and not bench.chain.sends


NO_LOOKING = QueuePolicy(at_once=2, ticketed=True, idle_ms=3_600_000)


async def has_looked(queue: OrderQueue) -> None:
    """Its first look at the journal is over, and it waits for tickets."""
    async with asyncio.timeout(30):
        while queue._missed:
            await asyncio.sleep(0.002)


async def test_each_ticket_brings_one_order_and_looking_what_none_brought(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        queue = OrderQueue(bench.executor(), NO_LOOKING)
        work = asyncio.create_task(queue.run())
        await queue.take_next()  # a ticket without an order ends at once
        await has_looked(queue)
        orders = [await placed(bench) for _ in range(6)]
        async with asyncio.timeout(30):
            await queue.take_next()
            assert queue.ended == {OrderState.CONFIRMED: 1}, "the queue itself did not look"
            await asyncio.gather(*(queue.take_next() for _ in range(3)))
            assert queue.ended == {OrderState.CONFIRMED: 4}
            queue.wake()  # what looking finds had no ticket: there may be more of it
            while queue.ended != {OrderState.CONFIRMED: 6}:
                await asyncio.sleep(0.005)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert len(bench.signer.signed) == 6 and all(bench.chain.swaps(order) == 1 for order in orders)


async def test_a_ticket_that_came_while_its_wallets_share_was_taken_is_made_up_for(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        queue = OrderQueue(bench.executor(), QueuePolicy(at_once=4, per_wallet=1, ticketed=True, idle_ms=3_600_000))
        work = asyncio.create_task(queue.run())
        await has_looked(queue)
        orders = [await placed(bench) for _ in range(4)]
        async with asyncio.timeout(30):
            await asyncio.gather(*(queue.take_next() for _ in range(4)))
            while queue.ended != {OrderState.CONFIRMED: 4}:
                await asyncio.sleep(0.005)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert all(bench.chain.swaps(order) == 1 for order in orders)


async def test_a_closing_queue_takes_nothing_new_and_lets_what_is_under_way_end(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        queue = OrderQueue(bench.executor(), NO_LOOKING)
        work = asyncio.create_task(queue.run())
        await has_looked(queue)
        first = await placed(bench)
        ticket = asyncio.create_task(queue.take_next())
        while not queue.at_work():
            await asyncio.sleep(0.001)
        later = await placed(bench)
        await queue.close(30_000)
        await asyncio.wait_for(queue.take_next(), 30)
        work.cancel()
        await asyncio.gather(work, ticket, return_exceptions=True)
        assert bench.chain.swaps(first) == 1 and (await bench.store.order(later.id)).state is OrderState.PENDING


@pytest.mark.parametrize("steps", range(6))
async def test_a_queue_that_is_woken_as_it_is_cancelled_ends(tmp_path: Path, steps: int) -> None:
    """The last order under way ends a stopping worker's grace, and wakes its queue: `steps` of the event loop lie between."""
    async with open_bench(tmp_path) as bench:
        queue = OrderQueue(bench.executor(), QueuePolicy(idle_ms=3_600_000))
        work = asyncio.create_task(queue.run())
        await asyncio.sleep(0.02)
        queue.wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait([work], timeout=5)
        ended = work.cancelled()
        work.cancel()
        assert ended
