"""What the signing screen reads in a venue's instruction is what was asked for, and nothing else can be read as a swap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.errors import NotASwap
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import SwapCall
from dexroute.types.requests import SwapMode
from tests.conformance.cases import Case, all_cases, cases_of
from tests.conformance.test_conformance_instructions import AMOUNT, DESTINATION, LIMIT, SOURCE, USER, asked

CASES = pytest.mark.parametrize("case", all_cases(), ids=str)
STRANGER = Pubkey.from_bytes(bytes([9]) * 32)
U64 = st.integers(1, 2**64 - 1)


def built(case: Case, **how: object) -> Instruction:
    return case.pool().swap_instruction(asked(case, **how))  # type: ignore[arg-type]


def read(case: Case, instruction: Instruction) -> SwapCall:
    return VENUES[case.venue].decode_swap(instruction)


def is_what_was_asked(case: Case, call: SwapCall, mode: SwapMode, amount: int, limit: int) -> None:
    assert (call.pool, call.user, call.source, call.destination) == (case.address, USER, SOURCE, DESTINATION)
    assert (call.mode, call.amount) == (mode, amount)
    raised = 1 if case.limit_is_raised else 0
    assert limit <= call.limit <= limit + raised
    least = call.limit - raised  # what the program may deliver of what it is told
    assert (call.most_in, call.least_out) == ((amount, least) if mode is SwapMode.EXACT_IN else (call.limit, amount))


@CASES
@pytest.mark.parametrize("flip", [False, True])
def test_a_swap_is_read_back_as_it_was_asked_for(case: Case, flip: bool) -> None:
    for mode in case.modes:
        is_what_was_asked(case, read(case, built(case, mode=mode, flip=flip)), mode, AMOUNT, LIMIT)


@given(case=st.sampled_from(all_cases()), flip=st.booleans(), amount=U64, limit=U64, data=st.data())
def test_so_is_any_amount_and_limit(case: Case, flip: bool, amount: int, limit: int, data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(case.modes))
    is_what_was_asked(case, read(case, built(case, mode=mode, flip=flip, amount=amount, limit=limit)), mode, amount, limit)


def one_of(venue_id: str) -> Iterator[tuple[Case, Instruction]]:
    """A swap of each mode and shape (number of accounts) of a venue."""
    seen = set()
    for case in cases_of(venue_id):
        for mode in case.modes:
            instruction = built(case, mode=mode)
            if (shape := (mode, len(instruction.accounts))) not in seen:
                seen.add(shape)
                yield case, instruction


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_every_other_byte_or_account_is_refused_or_read_as_what_it_is(venue_id: str) -> None:
    """Each bit flipped: either it lies in amount, limit or mode and is read there, so that building with what was read gives the
    changed bytes again, or it is refused."""
    refused = told = 0
    for case, instruction in one_of(venue_id):
        data, accounts = bytes(instruction.data), list(instruction.accounts)
        program = instruction.program_id
        lengths = [data[:cut] for cut in range(len(data))] + [data + bytes([more]) * count for more in (0, 1) for count in (1, 8)]
        wrong = [Instruction(program, body, accounts) for body in lengths]
        wrong += [Instruction(program, data, accounts[:cut]) for cut in range(min(len(accounts), 8))]
        wrong.append(Instruction(STRANGER, data, accounts))
        wrong.append(Instruction(program, data, [*accounts, AccountMeta(USER, is_signer=True, is_writable=True)]))
        wrong.append(Instruction(program, data, [*accounts, AccountMeta(SOURCE, is_signer=False, is_writable=True)]))
        for one in wrong:
            with pytest.raises(NotASwap) as caught:
                read(case, one)
            assert caught.value.context["venue"] == venue_id
            refused += 1
        for place in range(8 * len(data)):
            body = bytearray(data)
            body[place // 8] ^= 1 << place % 8
            try:
                call = read(case, Instruction(program, bytes(body), accounts))
            except NotASwap:
                refused += 1
                continue
            told += 1
            assert call != read(case, instruction)
            again = built(case, mode=call.mode, amount=call.amount, limit=max(call.limit - case.limit_is_raised, 0))
            assert bytes(again.data) == bytes(body) or case.limit_is_raised
    assert told >= 100 and refused >= 50


@given(case=st.sampled_from(all_cases()), body=st.binary(max_size=64))
def test_hostile_bytes_end_in_a_refusal(case: Case, body: bytes) -> None:
    instruction = built(case)
    with pytest.raises(NotASwap):
        read(case, Instruction(instruction.program_id, body, list(instruction.accounts)))


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_a_fixed_account_that_is_another_is_refused(venue_id: str) -> None:
    """Every place is changed; those the swap itself fixes are refused, and of the rest whatever was read is what stands there."""
    for case, instruction in one_of(venue_id):
        sound = read(case, instruction)
        for place, meta in enumerate(instruction.accounts):
            metas = list(instruction.accounts)
            metas[place] = AccountMeta(STRANGER, is_signer=meta.is_signer, is_writable=meta.is_writable)
            try:
                call = read(case, Instruction(instruction.program_id, bytes(instruction.data), metas))
            except NotASwap:
                continue
            named = {call.pool, call.user, call.source, call.destination}
            was = {sound.pool, sound.user, sound.source, sound.destination}
            assert (STRANGER in named) == (meta.pubkey in was and named != was)
            if meta.pubkey in (USER, SOURCE, DESTINATION):
                assert STRANGER in named and meta.pubkey not in named


def test_every_venue_is_read() -> None:
    assert {case.venue for case in all_cases()} == {venue.id for venue in VENUES}
