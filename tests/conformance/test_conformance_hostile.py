"""Values nobody would write and mints nobody should trade: whole numbers overwritten with the least and the most they can be, and
Token-2022 extensions that could take or stop the money. Every venue refuses by name, or answers with amounts a token can have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.errors import DecodeError
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from dexroute.types.requests import SwapMode
from tests.conformance.cases import Case, all_cases
from tests.conformance.changed_accounts import account_of, answers_or_is_refused_by_name, decode, drawn_account

CASES = pytest.mark.parametrize("case", all_cases(), ids=str)

# non-transferable, permanent delegate, transfer hook, default account state, pausable, and one nobody knows yet
HOSTILE = (9, 12, 14, 6, 26, 999)


@given(data=st.data(), case=st.sampled_from(all_cases()), mode=st.sampled_from(SwapMode), amount=st.integers(1, 2**64 - 1))
def test_absurd_numbers_end_in_a_decode_error_or_in_a_pool_that_answers(
    data: st.DataObject, case: Case, mode: SwapMode, amount: int
) -> None:
    drawn = drawn_account(data, case)
    content = bytearray(drawn.account.data)
    for _ in range(data.draw(st.integers(1, 3))):
        width = data.draw(st.sampled_from((1, 2, 4, 8, 16)))
        at = data.draw(st.integers(0, max(0, len(content) - width)))
        content[at : at + width] = data.draw(st.sampled_from((b"\0", b"\xff", b"\x80", b"\x7f"))) * min(width, len(content) - at)
    answers_or_is_refused_by_name(case, drawn.with_data(content), mode, amount)


@CASES
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_mint_is_refused_by_name(case: Case, kind: int) -> None:
    refused = 0
    for mint in case.pool().mints:
        drawn = account_of(case, mint.address)
        head = drawn.account.data[:82] + bytes(165 - 82)
        body = head + b"\x01" + kind.to_bytes(2, "little") + (32).to_bytes(2, "little") + bytes(32)
        with pytest.raises(DecodeError) as caught:
            decode(case, {**drawn.known, mint.address: replace(drawn.account, owner=TOKEN_2022_PROGRAM_ID, data=body)})
        assert str(case.address) in caught.value.message
        refused += 1
    assert refused == 2
