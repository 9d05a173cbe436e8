"""What the real programs log when they refuse is understood: the dictionary names program, error and class."""

from __future__ import annotations

import re

import pytest
from solders.transaction_metadata import FailedTransactionMetadata
from solders.transaction_status import InstructionErrorCustom

from dexroute.fetchers.failures import FailureCause, failure_cause
from dexroute.math.rounding import U64_MAX
from dexroute.types.chain import TransactionError
from dexroute.types.program_errors import ErrorClass
from dexroute.types.requests import SwapMode
from tests.differential.world import PROGRAMS, ProgramAbsent, World, real_program
from tests.vectors import load_states

STATES_OF_A_VENUE = 6
INNER = {"spl-token", "token-2022", "meteora-vault", "instruction", "anchor"}


def world_or_skip(venue: str, number: int) -> World:
    try:
        return World(load_states(venue)[number], real_program(venue))
    except ProgramAbsent as reason:
        pytest.skip(str(reason))


def explained(failed: object) -> FailureCause:
    """The cause of a failure in LiteSVM, whose error is worded in Rust where a node's is JSON."""
    assert isinstance(failed, FailedTransactionMetadata)
    inner = getattr(failed.err(), "err", None)
    code = inner.code if isinstance(inner, InstructionErrorCustom) else None
    raw = {"InstructionError": [1, "ProgramFailedToComplete" if code is None else {"Custom": code}]}
    return failure_cause(TransactionError(raw=raw, instruction_index=1, custom_code=code), failed.meta().logs())


@pytest.mark.parametrize("venue", PROGRAMS)
def test_a_limit_that_is_not_met_means_a_new_quote(venue: str) -> None:
    met = 0
    for number in range(STATES_OF_A_VENUE):
        world = world_or_skip(venue, number)
        swaps = [s for s in world.state.swaps[20:] if s.amount_out and s.request.mode is SwapMode.EXACT_IN]
        swap = next((s for s in swaps if world.affords(s.request, world.pool.quote(s.request))), None)
        if swap is None or swap.amount_out is None:
            continue
        cause = explained(world.swap(world.pool, swap.request, swap.amount_out + 1))
        (error,) = cause.errors
        assert (cause.program, error.program, cause.class_) == (venue, venue, ErrorClass.REQUOTE), cause
        assert re.search("slippage|toolittle", error.name.lower()), error
        met += 1
    assert met >= 3


@pytest.mark.parametrize("venue", PROGRAMS)
def test_every_recorded_refusal_is_explained_from_its_log(venue: str) -> None:
    met = 0
    for number in range(STATES_OF_A_VENUE):
        world = world_or_skip(venue, number)
        for swap in [swap for swap in world.state.swaps if not swap.succeeded and swap.request.amount][:6]:
            limit = 0 if swap.request.mode is SwapMode.EXACT_IN else U64_MAX
            cause = explained(world.swap(world.pool, swap.request, limit))
            assert len(cause.errors) == 1, (str(world.state), cause)
            assert cause.errors[0].program in {venue, *INNER}, (str(world.state), cause)
            assert cause.code == swap.error_code, (str(world.state), swap, cause)
            met += 1
    assert met >= 10
