"""Our instruction, executed by the venue's real program on a recorded state: the user's balances move by exactly the quote,
and the accounts left behind decode to exactly the quoted next pool. Skipped, with the reason, where the program is absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from solders.transaction_metadata import FailedTransactionMetadata

from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.world import PROGRAMS, ProgramAbsent, World, real_program
from tests.vectors import RecordedState, load_states

SWAPS_PER_STATE = 10
STATES = [state for venue in PROGRAMS for state in load_states(venue)]


def program_or_skip(venue: str) -> Path:
    try:
        return real_program(venue)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_program_does_what_the_quote_says(state: RecordedState) -> None:
    world = World(state, program_or_skip(state.venue))
    succeeding = [swap.request for swap in state.swaps if swap.succeeded and swap.request.amount]
    executed = 0
    for request in succeeding[:: max(1, len(succeeding) // SWAPS_PER_STATE)]:
        world.restore()
        first = world.pool.quote(request)
        if not world.affords(request, first):
            continue
        world.assert_executes(world.pool, request, first)
        executed += 1
        # A second swap in the same slot, back through the pool the first one left behind.
        back = QuoteRequest(input_mint=request.output_mint, output_mint=request.input_mint, amount=max(1, first.amount_out // 2))
        try:
            second = first.next_pool.quote(back)
        except QuoteError:
            continue
        if world.affords(back, second):
            world.assert_executes(first.next_pool, back, second)
    assert executed >= 5 or not succeeding


@pytest.mark.parametrize("venue", PROGRAMS)
def test_the_limit_is_enforced_to_the_last_unit(venue: str) -> None:
    program = program_or_skip(venue)
    codes = VENUES[venue].capabilities.slippage_error_codes
    refused = 0
    for state in load_states(venue):
        world = World(state, program)
        for mode in SwapMode:
            request = next((s.request for s in state.swaps[20:] if s.succeeded and s.request.mode is mode and s.amount_out), None)
            if request is None:
                continue
            quote = world.pool.quote(request)
            if not world.affords(request, quote) or quote.amount_in == 1:
                continue
            limit = quote.amount_out + 1 if mode is SwapMode.EXACT_IN else quote.amount_in - 1
            result = world.swap(world.pool, request, limit)
            assert isinstance(result, FailedTransactionMetadata)
            assert any(f"Custom({code})" in str(result.err()) or str(code) in str(result.err()) for code in codes), result
            refused += 1
    assert refused >= 10


@pytest.mark.parametrize("venue", PROGRAMS)
def test_a_refused_quote_is_refused_by_the_program_with_the_same_code(venue: str) -> None:
    program = program_or_skip(venue)
    refused = 0
    for state in load_states(venue):
        world = World(state, program)
        refusals = [swap for swap in state.swaps if not swap.succeeded and swap.request.amount]
        for swap in refusals[:4]:
            limit = 0 if swap.request.mode is SwapMode.EXACT_IN else U64_MAX
            result = world.swap(world.pool, swap.request, limit)
            assert isinstance(result, FailedTransactionMetadata)
            with pytest.raises(QuoteError) as caught:
                world.pool.quote(swap.request)
            if caught.value.program_error is not None:
                assert str(caught.value.program_error) in str(result.err()), (str(state), swap, result)
            refused += 1
    assert refused >= 20
