"""The gate in front of the signer: what the policy refuses ends the order unsigned, with an event that says which rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.screening import DAY_MS, check_day
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import PolicyRefused
from dexroute.types.orders import Costs, Order, OrderState, SwapAmounts
from tests.engine.simulated_bench import MINT_A, MINT_B, Bench, open_bench

NOTHING = SigningPolicy(venues=frozenset(), max_fee_lamports=10**6)


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
            order,  # itself counts once
            ended(bench, OrderState.SUBMITTED, limit_amount=1),
            ended(bench, OrderState.CONFIRMED, executed=SwapAmounts(amount_in=900_000, amount_out=1), costs=costs),
            ended(bench, OrderState.FAILED, costs=costs),
            ended(bench, OrderState.CANCELLED),
        ]
        for limits in ({MINT_A: 2_900_000}, {MINT_B: 1}, {}):
            check_day(order, costs, others, replace(NOTHING, day_limits=limits, day_lamports=15_000))
        with pytest.raises(PolicyRefused, match="orders of the last 24 hours 1900000") as refused:
            check_day(order, costs, others, replace(NOTHING, day_limits={MINT_A: 2_899_999}))
        assert refused.value.context["rule"] == "day-limit"
        with pytest.raises(PolicyRefused, match="would cost 15000 lamports") as refused:
            check_day(order, costs, others, replace(NOTHING, day_lamports=14_999))
        assert refused.value.context["rule"] == "day-lamports"


async def test_the_journal_finds_the_orders_of_a_day(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        now = bench.clock.now_ms()
        mine = [bench.order(now_ms=now - back) for back in (0, DAY_MS, DAY_MS + 1)]
        other_wallet = bench.order(wallet=Pubkey.new_unique())
        other_cluster = bench.order(genesis_hash="elsewhere")
        for order in (*mine, other_wallet, other_cluster):
            await bench.store.place(order)
        found = await bench.store.orders_since(str(bench.chain.genesis), bench.signer.pubkey, now - DAY_MS)
        assert {order.id for order in found} == {order.id for order in mine[:2]}


def test_a_policy_knows_whether_it_must_look_back() -> None:
    assert not NOTHING.bounds_days
    assert replace(NOTHING, day_limits={MINT_A: 1}).bounds_days and replace(NOTHING, day_lamports=0).bounds_days
