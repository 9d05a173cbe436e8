"""A start after a crash takes up every open order where it stands, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.recovery import resume
from dexroute.errors import DatabaseError, KeypairError, OrderTakenOver, OutcomeUnknown
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Order, OrderEvent, OrderState
from tests.engine.simulated_bench import MINT_A, Bench, open_bench


class Crash(BaseException):
    """The process is gone; nothing catches it."""


async def crashed(bench: Bench, kind: EventKind, order: Order | None = None) -> Order:
    """An order whose worker died right after committing an event of this kind."""
    asked = order or bench.order()

    def die(_order: Order, event: OrderEvent) -> None:
        if event.kind is kind:
            raise Crash

    executor = bench.executor()
    executor._watcher = die
    with pytest.raises(Crash):
        await executor.execute(asked)
    return asked


@pytest.mark.parametrize("kind", [EventKind.ROUTING, EventKind.ROUTED, EventKind.INTENT, EventKind.SIGNED])
async def test_a_crash_after_any_commit_ends_in_one_swap(tmp_path: Path, kind: EventKind) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await crashed(bench, kind)
        assert not bench.chain.sends
        (recovered,) = await resume(bench.executor())
        receipt = await bench.check_journal(asked)
        assert recovered.error is None and recovered.order.state is OrderState.CONFIRMED and bench.chain.swaps(asked) == 1
        outcomes = [attempt.outcome for attempt in receipt.attempts]
        assert outcomes == [*([AttemptOutcome.NEVER_SIGNED] if kind is EventKind.INTENT else []), AttemptOutcome.LANDED]
        assert await resume(bench.executor()) == ()


async def test_the_committed_signature_is_the_one_that_lands(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await crashed(bench, EventKind.SIGNED)
        await resume(bench.executor())
        assert (await bench.receipt(asked)).signature == str(bench.signer.signed[0]) and len(bench.signer.signed) == 1


async def test_one_orders_trouble_does_not_stop_another(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        foreign, _ = await bench.store.place(bench.order(genesis_hash="5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"))
        stranger, _ = await bench.store.place(bench.order(wallet=MINT_A))
        ours = await crashed(bench, EventKind.SIGNED)
        by_id = {recovered.order.id: recovered for recovered in await resume(bench.executor())}
        assert isinstance(by_id[foreign.id].error, DatabaseError) and foreign.id in str(by_id[foreign.id].error)
        assert isinstance(by_id[stranger.id].error, KeypairError)
        assert by_id[ours.id].order.state is OrderState.CONFIRMED
        left = {order.id for order in await bench.store.orders() if order.is_open}
        assert left == {foreign.id, stranger.id}


async def test_another_wallets_signed_order_is_still_followed_to_its_end(tmp_path: Path) -> None:
    """Following needs no key: the bytes are there."""
    async with open_bench(tmp_path) as bench:
        asked = await crashed(bench, EventKind.SIGNED)
        bench.signer = type(bench.signer)()
        (recovered,) = await resume(bench.executor())
        assert recovered.order.state is OrderState.CONFIRMED and bench.chain.swaps(asked) == 1


async def test_what_is_unknown_stays_open_and_is_found_later(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await crashed(bench, EventKind.SIGNED)
        bench.chain.accepts = lambda wire: False
        (recovered,) = await resume(bench.executor(), wait_ms=1_000)
        assert isinstance(recovered.error, OutcomeUnknown) and recovered.order.state is OrderState.SUBMITTED
        bench.chain.accepts = lambda wire: True
        (recovered,) = await resume(bench.executor())
        assert recovered.order.state is OrderState.CONFIRMED and bench.chain.swaps(asked) == 1


async def test_a_worker_that_lost_its_claim_sends_nothing_more(tmp_path: Path) -> None:
    """It may be in the middle of one round of sending; there is no second."""
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        asked = bench.order()
        loser = asyncio.create_task(bench.executor().execute(asked, wait_ms=10**5))
        while sum(bench.chain.sends.values()) < 3:
            await asyncio.sleep(0.001)
        await bench.store.claim(asked.id, owner="winner", at_ms=0)
        sent = sum(bench.chain.sends.values())
        with pytest.raises(OutcomeUnknown):
            await loser
        assert sum(bench.chain.sends.values()) <= sent + 1 and bench.clock.elapsed_ms > 60 * bench.executor().policy.resend_ms

        bench.chain.accepts = lambda wire: True
        bench.clock.elapsed_ms = 0  # before anything expired
        order = await bench.executor().continue_order(asked.id)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and order.claimed_by == "test" and len(receipt.attempts) == 1


async def test_a_journal_that_was_altered_is_named_not_guessed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = await crashed(bench, EventKind.SIGNED)
        order = await bench.store.order(asked.id)
        (attempt,) = await bench.store.attempts(asked.id)
        buried: Attempt = replace(attempt, outcome=AttemptOutcome.EXPIRED, dead_at=1)
        await bench.store.advance(order, order, EventKind.ATTEMPT_DEAD, at_ms=0, attempt=buried)
        (recovered,) = await resume(bench.executor())
        assert isinstance(recovered.error, DatabaseError) and asked.id in str(recovered.error)
        assert not bench.chain.sends


async def test_a_commit_that_took_longer_than_the_lease_says_nothing_of_now(tmp_path: Path) -> None:
    """A lease runs from before the commit that renewed it: what came back late is asked for again before a signature."""
    async with open_bench(tmp_path) as bench:
        placed, _ = await bench.store.place(bench.order())
        order = await bench.store.claim(placed.id, owner="slow", at_ms=1, lease_ms=1_000)
        claim = Claim(bench.store, bench.clock, order, lease_ms=1_000)
        advance = bench.store.advance

        async def slow(*values: Any, **named: Any) -> Any:
            done = await advance(*values, **named)
            bench.clock.elapsed_ms += 1_000
            return done

        with patch.object(bench.store, "advance", slow):
            await claim.step(EventKind.ROUTING, to=OrderState.ROUTING)
        await claim.check_lease()
        await bench.store.claim(placed.id, owner="another", at_ms=2, lease_ms=1_000)
        with pytest.raises(OrderTakenOver):
            await claim.check_lease()


async def test_who_slept_through_its_lease_before_signing_asks_and_does_not_sign(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked, advance = bench.order(), bench.store.advance
        executor = bench.executor(lease_ms=1_000)

        async def slept(before: Order, after: Order, kind: EventKind, **named: Any) -> Any:
            done = await advance(before, after, kind, **named)
            if kind is EventKind.INTENT:
                bench.clock.elapsed_ms += 1_000
                await bench.store.claim(asked.id, owner="another", at_ms=1, lease_ms=1_000)
            return done

        with patch.object(bench.store, "advance", slept), pytest.raises(OutcomeUnknown):
            await executor.execute(asked, wait_ms=5_000)
        assert bench.signer.signed == [] and (await bench.store.order(asked.id)).claimed_by == "another"
