"""The gate in front of the signer: what the policy refuses ends the order unsigned, with an event that says which rule."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dexroute.engine.execution import preparation
from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.engine.execution.screening import check_day
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import PolicyRefused
from dexroute.fetchers import VenueRegistry
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import Costs, Order, OrderState, SwapAmounts
from dexroute.types.spendings import Spending
from tests.engine.simulated_bench import MINT_A, MINT_B, Bench, open_bench
from tests.engine.simulated_chain import FEE_LAMPORTS, SimulatedBuilder

NOTHING = SigningPolicy(venues=VenueRegistry([]), max_fee_lamports=10**6)


async def test_a_message_nobody_can_judge_is_not_signed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await bench.executor(screening=NOTHING).execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.FAILED and not bench.signer.signed and not receipt.attempts
        error = error_of(order)
        assert isinstance(error, PolicyRefused) and error.exit_code == 4 and error.context["rule"] == "evidence"
        assert receipt.events[-1].facts["code"] == "POLICY_REFUSED"


def ended(bench: Bench, state: OrderState, **changes: object) -> Order:
    return replace(bench.order(), state=state, **changes)  # type: ignore[arg-type]


async def test_what_a_day_may_spend(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order, costs = replace(bench.order(), limit_amount=1), Costs(network_fee_lamports=5_000)
        others = [
            Spending(order=order, reserved=costs),  # itself counts once
            Spending(order=ended(bench, OrderState.SUBMITTED, limit_amount=1), reserved=costs),
            Spending(order=ended(bench, OrderState.BUILDING, limit_amount=1)),  # it will be held to the limit itself
            Spending(order=ended(bench, OrderState.CONFIRMED, executed=SwapAmounts(amount_in=900_000, amount_out=1), costs=costs)),
            Spending(order=ended(bench, OrderState.FAILED, costs=costs)),
            Spending(order=ended(bench, OrderState.CANCELLED)),
        ]
        for limits in ({MINT_A: 2_900_000}, {MINT_B: 1}, {}):
            check_day(order, costs, others, replace(NOTHING, day_limits=limits, day_lamports=20_000))
        with pytest.raises(PolicyRefused, match="orders of the last 24 hours 1900000") as refused:
            check_day(order, costs, others, replace(NOTHING, day_limits={MINT_A: 2_899_999}))
        assert refused.value.context["rule"] == "day-limit"
        with pytest.raises(PolicyRefused, match="would cost 20000 lamports") as refused:
            check_day(order, costs, others, replace(NOTHING, day_lamports=19_999))
        assert refused.value.context["rule"] == "day-lamports"


@dataclass
class CostlyBuilder(SimulatedBuilder):
    """Of messages that cost something beside the swap."""

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        return replace(await super().build(order, routed, lifetime), costs=Costs(network_fee_lamports=FEE_LAMPORTS))


@pytest.mark.parametrize(
    "day",
    [{"day_lamports": 3 * FEE_LAMPORTS}, {"day_limits": {MINT_A: 3_000_000}}],
    ids=["lamports", "mint"],
)
async def test_orders_that_run_at_once_never_pass_a_day_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: dict[str, Any]
) -> None:
    """Room for three: each sees the others' attempts, whether they have landed or not, and not merely those that ended."""
    monkeypatch.setattr(preparation, "screen_attempt", lambda *_: None)  # another rule: these messages mean nothing to it
    async with open_bench(tmp_path) as bench:
        bench.builder = CostlyBuilder()
        executor = bench.executor(screening=replace(NOTHING, **day))
        ended = await asyncio.gather(*(executor.execute(bench.order()) for _ in range(7)))
        assert Counter(order.state for order in ended) == {OrderState.CONFIRMED: 3, OrderState.FAILED: 4}
        assert len(bench.signer.signed) == 3
        for order in ended:
            await bench.check_journal(order)
            if order.state is OrderState.FAILED:
                error = error_of(order)
                assert isinstance(error, PolicyRefused) and error.context["rule"] in ("day-limit", "day-lamports")


async def test_orders_that_waited_long_count_for_the_day_they_are_carried_out_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left for a worker that ran nine days later: one after the other, each long placed when the next is signed."""
    monkeypatch.setattr(preparation, "screen_attempt", lambda *_: None)
    async with open_bench(tmp_path) as bench:
        executor = bench.executor(screening=replace(NOTHING, day_limits={MINT_A: 3_000_000}))
        orders = [(await executor.place(bench.order()))[0] for _ in range(5)]
        bench.clock.elapsed_ms += 9 * 86_400_000
        await OrderQueue(executor, QueuePolicy(at_once=1)).run(until_idle=True)
        ended = [await bench.store.order(order.id) for order in orders]
        assert Counter(order.state for order in ended) == {OrderState.CONFIRMED: 3, OrderState.FAILED: 2}
        assert len(bench.signer.signed) == 3


def test_a_policy_knows_whether_it_must_look_back() -> None:
    assert not NOTHING.bounds_days
    assert replace(NOTHING, day_limits={MINT_A: 1}).bounds_days and replace(NOTHING, day_lamports=0).bounds_days
