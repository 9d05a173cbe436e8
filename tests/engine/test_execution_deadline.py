"""A deadline ends trying; what happened it cannot end."""

from __future__ import annotations

from pathlib import Path

import pytest

from dexroute.engine.execution.failures import error_of
from dexroute.errors import DeadlinePassed, OutcomeUnknown, UsageError
from dexroute.types.orders import OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.test_execution_death import EXPIRY_MS


def deadline(bench: Bench, ahead_ms: int) -> int:
    return bench.clock.now_ms() + ahead_ms


async def test_past_its_deadline_an_order_is_not_even_routed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        placed, _ = await bench.store.place(bench.order(deadline_ms=deadline(bench, 1_000)))
        bench.clock.elapsed_ms += 1_000
        order = await bench.executor().continue_order(placed.id)
        receipt = await bench.check_journal(order)
        error = error_of(order)
        assert order.state is OrderState.FAILED and order.settled and not receipt.attempts and not bench.builder.routed
        assert isinstance(error, DeadlinePassed) and error.exit_code == 7


async def test_a_deadline_that_passes_while_building_leaves_nothing_signed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        real = bench.builder.build

        async def slow(order, routed, lifetime):  # type: ignore[no-untyped-def]
            bench.clock.elapsed_ms += 1_000
            return await real(order, routed, lifetime)

        bench.builder.build = slow  # type: ignore[method-assign]
        order = await bench.executor().execute(bench.order(deadline_ms=deadline(bench, 500)))
        assert order.state is OrderState.FAILED and not bench.signer.signed
        assert isinstance(error_of(order), DeadlinePassed)


async def test_a_live_attempt_is_followed_to_its_truth_but_sent_no_more(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        asked = bench.order(deadline_ms=deadline(bench, 5_000))
        order = await bench.executor().execute(asked, wait_ms=2 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.FAILED and isinstance(error_of(order), DeadlinePassed)
        assert len(receipt.attempts) == 1 and bench.clock.elapsed_ms > EXPIRY_MS
        assert 2 <= sum(bench.chain.sends.values()) <= 1 + 5_000 // bench.executor().policy.resend_ms + 1


async def test_what_lands_past_the_deadline_has_landed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = bench.order(deadline_ms=deadline(bench, 5_000))
        bench.chain.accepts = lambda wire: False
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=10_000)
        bench.chain.accepts = lambda wire: True
        bench.chain.receive(next(iter(bench.chain.sends)))  # a leader had kept the bytes
        order = await bench.executor().continue_order(asked.id)
        await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and bench.chain.swaps(order) == 1


@pytest.mark.parametrize("jump_ms", [-(10**9), 10**9])
async def test_a_clock_that_jumps_changes_no_truth(tmp_path: Path, jump_ms: int) -> None:
    """Backwards the deadline is only later; forwards nothing new is signed; either way what was signed is followed to its end."""
    async with open_bench(tmp_path) as bench:
        asked = bench.order(deadline_ms=deadline(bench, 60_000))
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=0)
        real = bench.clock.now_ms
        bench.clock.now_ms = lambda: real() + jump_ms  # type: ignore[method-assign]
        order = await bench.executor().continue_order(asked.id)
        await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and bench.chain.swaps(order) == 1 == len(bench.signer.signed)


async def test_a_deadline_that_lies_behind_is_no_order(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(
            DeadlinePassed, match="ms ago: nothing was placed"
        ):  # a quote took longer than the caller would wait: no misuse
            bench.order(deadline_ms=deadline(bench, 0))
        for no_moment in (0, -1, 1 << 63):
            with pytest.raises(UsageError, match="Unix milliseconds"):
                bench.order(deadline_ms=no_moment)
