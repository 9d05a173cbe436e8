"""Every recorded execution is quoted to the last unit, and every recorded refusal is refused with the program's own code."""

from __future__ import annotations

import pytest

from dexroute.errors import QuoteError
from dexroute.fetchers import decode_pool
from tests.vectors import RecordedState, load_states

# Executions and refusals in the files of this folder: a loader that silently reads less must fail here.
RECORDED = {
    "raydium-amm-v4": (1275, 419),
    "raydium-cpmm": (1778, 448),
    "raydium-clmm": (2298, 608),
    "meteora-damm-v1": (1149, 163),
    "meteora-damm-v2": (1544, 317),
    "meteora-dlmm": (2241, 551),
}
STATES = [state for venue in RECORDED for state in load_states(venue)]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_quotes_equal_what_the_program_did(state: RecordedState) -> None:
    pool = decode_pool(state.pool, state.snapshot)
    executed = refused = 0
    for swap in state.swaps:
        if swap.succeeded:
            quote = pool.quote(swap.request)
            assert (quote.amount_in, quote.amount_out) == (swap.amount_in, swap.amount_out), swap
            executed += 1
        else:
            with pytest.raises(QuoteError) as caught:
                pool.quote(swap.request)
            assert caught.value.program_error == swap.error_code, swap
            assert str(state.pool) in caught.value.message
            refused += 1
    assert executed + refused == len(state.swaps) >= 60
    assert pool.tradable().ok == (executed > 0)


@pytest.mark.parametrize("venue", RECORDED)
def test_the_files_hold_what_they_held_when_this_was_written(venue: str) -> None:
    swaps = [swap for state in load_states(venue) if not state.name.startswith("mainnet-") for swap in state.swaps]
    executed = sum(swap.succeeded for swap in swaps)
    assert executed >= RECORDED[venue][0]
    assert len(swaps) - executed >= RECORDED[venue][1]
