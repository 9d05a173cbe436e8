"""Recorded pools of Raydium and Meteora, swapped through their real programs at the recorded moment.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them, and without it these tests are skipped.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dexroute.types.requests import SwapMode
from tests.e2e.chain import Pace
from tests.e2e.conftest import Opener
from tests.e2e.node import Sloppiness
from tests.e2e.stage import ProgramAbsent, Stage, real_programs
from tests.vectors import RecordedSwap, state_named

CASES = [
    ("raydium-cpmm", "plain", SwapMode.EXACT_IN, Sloppiness()),
    ("raydium-cpmm", "t22-both", SwapMode.EXACT_OUT, Sloppiness(program_accounts=-32010)),
    ("meteora-damm-v2", "full-range-both-tokens", SwapMode.EXACT_OUT, Sloppiness(program_accounts=-32601)),
    ("meteora-damm-v2", "token2022-fee-a", SwapMode.EXACT_IN, Sloppiness()),
]


def recorded(swaps: tuple[RecordedSwap, ...], mode: SwapMode) -> RecordedSwap:
    """One of the larger swaps of a mode."""
    found = [swap for swap in swaps if swap.succeeded and swap.request.mode is mode and swap.amount_in and swap.amount_out]
    return sorted(found, key=lambda swap: swap.amount_out or 0)[len(found) * 2 // 3]


def venues_of(told: dict[str, Any]) -> list[str]:
    return [hop["venue"] for leg in told["route"]["legs"] for hop in leg["hops"]]


@pytest.mark.parametrize(("venue", "name", "mode", "sloppy"), CASES, ids=lambda part: part if isinstance(part, str) else "")
async def test_the_recorded_swap_again(open_stage: Opener, venue: str, name: str, mode: SwapMode, sloppy: Sloppiness) -> None:
    try:
        real_programs(venue)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    state = state_named(venue, name)
    clock = state.snapshot.clock
    # Recorded at one moment: time hardly moves while the command works.
    pace = Pace(slot_ms=1_000, confirm_after=0, finalize_after=2)
    stage: Stage = await open_stage(pace, sloppy, slot=clock.slot, epoch=clock.epoch, unix_timestamp=clock.unix_timestamp)
    stage.place(state)
    swap = recorded(state.swaps, mode)
    request = swap.request
    assert swap.amount_in is not None
    stage.give(request.input_mint, swap.amount_in * 2)
    measured = stage.chain.account(request.input_mint if mode is SwapMode.EXACT_IN else request.output_mint)
    assert measured is not None
    amount = f"{Decimal(request.amount).scaleb(-measured.data[44]):f}"
    words = ["--pool", str(state.pool)] if isinstance(sloppy.program_accounts, int) else []
    words += ["--exact-out"] if mode is SwapMode.EXACT_OUT else []
    order = await stage.swap(amount, str(request.input_mint), str(request.output_mint), *words)
    assert (order["amount_in"], order["amount_out"]) == (str(swap.amount_in), str(swap.amount_out))
    assert venues_of(order) == [venue]


async def test_a_swap_without_any_slippage_goes_round_a_program_that_may_lose_a_unit(open_stage: Opener) -> None:
    """Meteora DAMM v1 compares its limit before a last rounding, so it is told a unit more than must arrive: a unit more than it
    was quoted at, where that is the limit, and refuses."""
    state = state_named("meteora-damm-v1", "custom-one-percent")
    clock = state.snapshot.clock
    pace = Pace(slot_ms=1_000, confirm_after=0, finalize_after=2)
    stage: Stage = await open_stage(pace, Sloppiness(), slot=clock.slot, epoch=clock.epoch, unix_timestamp=clock.unix_timestamp)
    stage.place_accounts(state)
    swap = recorded(state.swaps, SwapMode.EXACT_IN)
    mints = (swap.request.input_mint, swap.request.output_mint)
    assert swap.amount_in is not None and swap.amount_out is not None
    stage.own_pool(*mints, (swap.amount_in * 50, swap.amount_out * 10))
    stage.give(mints[0], swap.amount_in * 3)
    measured = stage.chain.account(mints[0])
    assert measured is not None
    words = (f"{Decimal(swap.request.amount).scaleb(-measured.data[44]):f}", str(mints[0]), str(mints[1]))
    quoted = await stage.dex("quote", *words, "--slippage-bps", "1", "--pool", str(state.pool))
    assert venues_of(quoted) == ["meteora-damm-v1"]
    told = await stage.dex("quote", *words, "--slippage-bps", "0", "--pool", str(state.pool), code=3)
    assert "without any slippage: 1 pool of meteora-damm-v1 left out" in told["error"]["message"]
    assert "--slippage-bps 1" in told["error"]["message"]
    order = await stage.swap(*words, "--slippage-bps", "0")
    assert venues_of(order) == ["dexroute-pool"] and order["amount_out"] == order["min_amount_out"]
    try:
        real_programs("meteora-damm-v1")
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    stage.place(state)
    order = await stage.swap(*words, "--slippage-bps", "1")
    assert venues_of(order) == ["meteora-damm-v1"] and int(order["amount_out"]) >= int(quoted["amount_out"])
