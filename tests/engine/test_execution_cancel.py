"""Cancelling: at once before a signature, by waiting for the truth after one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from solders.message import MessageV0
from solders.signature import Signature

from dexroute.errors import IllegalTransition, NetworkError, OrderNotFound, OrderTakenOver, OutcomeUnknown, RpcUnreachable
from dexroute.types.orders import AttemptOutcome, EventKind, Order, OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.simulated_chain import KeySigner
from tests.engine.test_execution_death import EXPIRY_MS
from tests.simulation.memory_store import MemoryStore


class PausedSigner(KeySigner):
    """Signs only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def sign(self, message: MessageV0) -> Signature:
        self.asked.set()
        await self.go.wait()
        return await super().sign(message)


async def submitted(bench: Bench) -> Order:
    """An order whose bytes were sent once and dropped."""
    bench.chain.accepts = lambda wire: False
    asked = bench.order()
    with pytest.raises(OutcomeUnknown):
        await bench.executor().execute(asked, wait_ms=0)
    return asked


async def test_an_order_nobody_signed_is_cancelled_at_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        placed, _ = await bench.store.place(bench.order())
        order = await bench.executor().cancel(placed.id)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CANCELLED and not receipt.attempts and bench.clock.elapsed_ms == 0
        assert await bench.executor().cancel(placed.id) == order, "cancelling again changes nothing"


async def test_a_cancel_beats_a_signature_that_is_being_made(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.signer = signer = PausedSigner()
        executor = bench.executor()
        asked = bench.order()
        work = asyncio.create_task(executor.execute(asked))
        await signer.asked.wait()
        cancelled = await executor.cancel(asked.id)
        signer.go.set()
        assert (await work).state is OrderState.CANCELLED is cancelled.state
        receipt = await bench.check_journal(asked)
        assert signer.signed and not bench.chain.sends, "what was signed after the cancel was never sent"
        assert [attempt.outcome for attempt in receipt.attempts] == [AttemptOutcome.NEVER_SIGNED]


async def test_after_signing_a_cancel_stops_sending_and_waits_for_the_proof(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await submitted(bench)
        sent = dict(bench.chain.sends)
        order = await bench.executor().cancel(asked.id, wait_ms=2 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CANCELLED and bench.clock.elapsed_ms > EXPIRY_MS
        assert bench.chain.sends == sent, "sent again after the cancel"
        assert [event.kind for event in receipt.events[-2:]] == ["cancel_requested", "cancelled"]
        assert receipt.attempts[0].outcome is AttemptOutcome.EXPIRED


async def test_a_cancel_that_comes_too_late_tells_what_landed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=0)
        order = await bench.executor().cancel(asked.id)
        await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED
        with pytest.raises(IllegalTransition, match="CONFIRMED already"):
            await bench.executor().cancel(asked.id)


async def test_a_cancel_not_yet_decided_stays_asked_for(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await submitted(bench)

        def silent(method: str) -> NetworkError | None:
            return RpcUnreachable("down") if method != "genesis_hash" else None

        bench.nodes[0].fault = silent
        with pytest.raises(OutcomeUnknown):
            await bench.executor().cancel(asked.id, wait_ms=2 * EXPIRY_MS)
        assert (await bench.store.order(asked.id)).cancel_requested_ms is not None
        sent = dict(bench.chain.sends)
        bench.nodes[0].fault = lambda method: None
        order = await bench.executor().continue_order(asked.id)
        assert order.state is OrderState.CANCELLED and bench.chain.sends == sent
        receipt = await bench.check_journal(order)
        assert sum(event.kind == "cancel_requested" for event in receipt.events) == 1


async def test_the_one_who_waits_for_a_cancelled_order_learns_of_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        executor = bench.executor()
        asked = bench.order()
        work = asyncio.create_task(executor.execute(asked, wait_ms=100 * EXPIRY_MS))
        while not bench.chain.sends:
            await asyncio.sleep(0.001)
        order = await executor.cancel(asked.id, wait_ms=100 * EXPIRY_MS)
        assert order.state is OrderState.CANCELLED is (await work).state
        assert len(bench.signer.signed) == 1


async def test_an_unknown_order_cannot_be_cancelled(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(OrderNotFound, match="nope"):
            await bench.executor().cancel("nope")


async def test_a_cancel_waits_for_nobodys_lease(tmp_path: Path) -> None:
    """Who works on the order is shut out at once: it is the owner of the coins who speaks."""
    async with open_bench(tmp_path) as bench:
        shared = replace(bench, store=MemoryStore(leased=True))
        order, _ = await shared.store.place(bench.order(), owner="a worker", lease_ms=10**6)
        async with asyncio.timeout(10):
            assert (await shared.executor().cancel(order.id)).state is OrderState.CANCELLED
        with pytest.raises(OrderTakenOver):
            await shared.store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1)
