"""Looking back at many orders that landed: in pages, each looked at as often as something can have changed for it, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from solders.signature import Signature

from dexroute.engine.execution import looking_back
from dexroute.errors import DexError, IllegalTransition, OrderTakenOver, RpcUnreachable
from dexroute.types.chain import Commitment, SignatureStatus
from dexroute.types.orders import EventKind, LandedAttempt, Order, OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.simulated_chain import SLOT_MS, SimulatedNode
from tests.engine.test_execution_forks import FINAL_MS

PAGE = 4
SETTLE_ALL_MS = 30_000


@dataclass(kw_only=True)
class CountingNode(SimulatedNode):
    """Remembers what it was asked about signatures, and finalizes nothing past `final_slot`."""

    asked: list[int] = field(default_factory=list)
    final_slot: int | None = None

    async def signature_statuses(self, signatures: Sequence[Signature], *, search_history: bool) -> Any:
        self.asked.append(len(signatures))
        slot, found = await super().signature_statuses(signatures, search_history=search_history)
        if self.final_slot is None:
            return slot, found
        return slot, tuple(None if one is None else self._stalled(one) for one in found)

    def _stalled(self, status: SignatureStatus) -> SignatureStatus:
        final = status.commitment is Commitment.FINALIZED and status.slot <= (self.final_slot or 0)
        return status if final else SignatureStatus(slot=status.slot, commitment=Commitment.CONFIRMED, error=status.error)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        height, slot = await super().block_height(commitment)
        if commitment is not Commitment.FINALIZED or self.final_slot is None:
            return height, slot
        return height - (slot - min(slot, self.final_slot)), min(slot, self.final_slot)


async def landed(bench: Bench, count: int) -> list[Order]:
    orders = [await bench.executor().execute(bench.order()) for _ in range(count)]
    assert all(order.state is OrderState.CONFIRMED for order in orders)
    return orders


async def left(bench: Bench) -> int:
    return len(await bench.store.landed(str(bench.chain.genesis), limit=1_000))


def counting(bench: Bench) -> CountingNode:
    node = CountingNode(chain=bench.chain)
    bench.nodes[:] = [node]
    return node


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_back, "AT_ONCE", PAGE)


async def test_many_are_asked_for_and_settled_a_page_at_a_time(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        node = counting(bench)
        orders = await landed(bench, 2 * PAGE + 1)
        bench.clock.elapsed_ms += FINAL_MS
        node.asked.clear()
        bench.seen.clear()
        assert await bench.executor().settle() == ()
        assert node.asked == [PAGE, PAGE, 1] and await left(bench) == 0
        assert Counter(event.order_id for event in bench.seen) == Counter(order.id for order in orders), "each told once"
        for order in orders:
            receipt = await bench.check_journal(order)
            assert receipt.events[-1].kind is EventKind.FINALIZED and receipt.order.settled


async def test_while_nothing_is_finalized_nothing_is_asked_again_but_now_and_then(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        node = counting(bench)
        node.final_slot = bench.chain.slot - 100
        await landed(bench, 3)
        node.asked.clear()
        executor = bench.executor()
        for waited_ms in (0, 10_000, 10_000):
            bench.clock.elapsed_ms += waited_ms
            assert await executor.settle() == ()
        assert node.asked == [3], "finality stands still: one look is enough"
        bench.clock.elapsed_ms += SETTLE_ALL_MS - 20_000
        assert await executor.settle() == ()
        assert node.asked == [3, 3], "a fork is looked for all the same"
        node.final_slot = None
        bench.clock.elapsed_ms += FINAL_MS
        assert await executor.settle() == () and await left(bench) == 0


async def test_a_fork_is_found_though_nothing_is_finalized(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        node = counting(bench)
        node.final_slot = bench.chain.slot - 100
        orders = await landed(bench, PAGE + 2)
        executor = bench.executor()
        assert await executor.settle() == ()
        bench.chain.landed.clear()
        bench.clock.elapsed_ms += SETTLE_ALL_MS
        back = await executor.settle()
        assert {order.id for order in back} == {order.id for order in orders} and await left(bench) == 0
        assert all(order.state is OrderState.SUBMITTED for order in back)


async def test_what_all_nodes_are_past_is_left_to_the_looks_at_everything(tmp_path: Path) -> None:
    """One node forgot, the other has to be waited for: that changes by no new block, so new blocks do not bring it up."""
    async with open_bench(tmp_path, nodes=2) as bench:
        (old,) = await landed(bench, 1)
        bench.nodes[1].blind = True
        bench.nodes[0] = node = CountingNode(chain=bench.chain)
        bench.clock.elapsed_ms += FINAL_MS
        executor = bench.executor()
        assert await executor.settle() == () and node.asked == [1]
        bench.clock.elapsed_ms += 10 * SLOT_MS
        assert await executor.settle() == () and node.asked == [1]
        new = await executor.execute(bench.order())
        node.asked.clear()
        bench.clock.elapsed_ms += 5 * SLOT_MS
        assert await executor.settle() == () and node.asked == [1], "the new one alone"
        bench.nodes[1].blind = False
        bench.clock.elapsed_ms += SETTLE_ALL_MS
        assert await executor.settle() == () and node.asked == [1, 2]
        for order in (old, new):
            assert (await bench.check_journal(order)).order.settled


async def test_a_node_that_did_not_answer_leaves_nothing_behind_unasked(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        await landed(bench, 1)
        bench.clock.elapsed_ms += FINAL_MS
        executor = bench.executor()
        bench.nodes[1].fault = lambda method: RpcUnreachable("down") if method == "signature_statuses" else None
        assert await executor.settle() == () and await left(bench) == 1
        bench.nodes[1].fault = lambda method: None
        bench.clock.elapsed_ms += SLOT_MS
        assert await executor.settle() == () and await left(bench) == 0


async def test_a_listener_that_fails_stops_the_look_but_every_event_is_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await landed(bench, 2)
        bench.clock.elapsed_ms += FINAL_MS
        told: list[str] = []

        def fails(_order: Order, event: Any) -> None:
            told.append(event.order_id)
            raise RpcUnreachable("nobody listens")

        executor = bench.executor()
        executor._looking_back._watcher = fails
        with pytest.raises(RpcUnreachable):
            await executor.settle()
        assert len(set(told)) == 2 and await left(bench) == 0


async def test_what_the_slower_node_finalizes_is_settled_at_the_next_look(tmp_path: Path) -> None:
    """All are looked at again above the slot that the slowest had finalized, not the fastest."""
    async with open_bench(tmp_path, nodes=2) as bench:
        (order,) = await landed(bench, 1)
        bench.clock.elapsed_ms += FINAL_MS
        executor = bench.executor()
        bench.nodes[1].lag = 20
        assert await executor.settle() == () and await left(bench) == 1
        bench.clock.elapsed_ms += 20 * SLOT_MS
        assert 20 * SLOT_MS < SETTLE_ALL_MS
        assert await executor.settle() == () and await left(bench) == 0
        assert (await bench.check_journal(order)).order.settled


@pytest.mark.parametrize("what", ["it was recorded anew", OrderTakenOver("by another"), IllegalTransition("it moved on")], ids=str)
async def test_what_another_process_came_to_first_is_left_to_it(tmp_path: Path, what: str | DexError) -> None:
    """Judged by what was read a moment ago, it may be another's by now, or stand in the journal as the nodes show it."""
    async with open_bench(tmp_path) as bench:
        (order,) = await landed(bench, 1)
        bench.clock.elapsed_ms += FINAL_MS
        real = bench.store.landed

        async def stale(*asked: Any, **named: Any) -> tuple[LandedAttempt, ...]:
            return tuple(replace(one, slot=one.slot - 1) for one in await real(*asked, **named))

        async def refusing(*asked: Any, **named: Any) -> Any:
            raise what  # type: ignore[misc]

        if isinstance(what, DexError):
            bench.nodes[0].blind = True
            bench.store.advance = refusing  # type: ignore[method-assign]
        else:
            bench.store.landed = stale  # type: ignore[method-assign]
        assert await bench.executor().settle() == ()
        receipt = await bench.check_journal(order)
        assert receipt.order.state is OrderState.CONFIRMED and not receipt.order.settled
        assert all(event.kind is not EventKind.REGRESSED for event in receipt.events)
