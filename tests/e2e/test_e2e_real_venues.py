"""Recorded pools of Raydium and Meteora, swapped through their real programs at the recorded moment.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them, and without it these tests are skipped.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from dexroute.types.requests import SwapMode
from tests.e2e.chain import Pace
from tests.e2e.conftest import Opener
from tests.e2e.node import Sloppiness
from tests.e2e.stage import ProgramAbsent, Stage, real_program
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


@pytest.mark.parametrize(("venue", "name", "mode", "sloppy"), CASES, ids=lambda part: part if isinstance(part, str) else "")
async def test_the_recorded_swap_again(open_stage: Opener, venue: str, name: str, mode: SwapMode, sloppy: Sloppiness) -> None:
    try:
        real_program(venue)
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
    assert [hop["venue"] for leg in order["route"]["legs"] for hop in leg["hops"]] == [venue]
