"""Values nobody would write and mints nobody should trade: whole numbers overwritten with the least and the most they can be, and
Token-2022 extensions that could take or stop the money. Every venue refuses by name, or answers with amounts a token can have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.errors import DecodeError, QuoteError
from dexroute.fetchers import VENUES
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import Case, all_cases
from tests.conformance.test_conformance_decode import CASES, decode, existing, needed_by

# non-transferable, permanent delegate, transfer hook, default account state, pausable, and one nobody knows yet
HOSTILE = (9, 12, 14, 6, 26, 999)


@given(data=st.data(), case=st.sampled_from(all_cases()), mode=st.sampled_from(SwapMode), amount=st.integers(1, 2**64 - 1))
def test_absurd_numbers_end_in_a_decode_error_or_in_a_pool_that_answers(
    data: st.DataObject, case: Case, mode: SwapMode, amount: int
) -> None:
    known = needed_by(case)
    address = data.draw(st.sampled_from(existing(known)))
    account = known[address]
    assert account is not None
    content = bytearray(account.data)
    for _ in range(data.draw(st.integers(1, 3))):
        width = data.draw(st.sampled_from((1, 2, 4, 8, 16)))
        at = data.draw(st.integers(0, max(0, len(content) - width)))
        content[at : at + width] = data.draw(st.sampled_from((b"\0", b"\xff", b"\x80", b"\x7f"))) * min(width, len(content) - at)
    snapshot = AccountSnapshot(clock=case.snapshot.clock, accounts={**known, address: replace(account, data=bytes(content))})
    try:
        VENUES[case.venue].required_accounts(case.address, snapshot)
        pool = VENUES.decode_pool(case.address, snapshot)
    except DecodeError:
        return
    a, b = (mint.address for mint in pool.mints)
    for pair in ((a, b), (b, a)):
        try:
            quote = pool.quote(QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=amount, mode=mode))
        except QuoteError:
            continue
        assert 1 <= quote.amount_in <= 2**64 - 1
        assert 0 <= quote.amount_out <= 2**64 - 1
        assert quote.next_pool.address == pool.address


@CASES
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_mint_is_refused_by_name(case: Case, kind: int) -> None:
    known, refused = needed_by(case), 0
    for mint in case.pool().mints:
        account = known[mint.address]
        assert account is not None
        body = account.data[:82] + bytes(165 - 82) + b"\x01" + kind.to_bytes(2, "little") + (32).to_bytes(2, "little") + bytes(32)
        with pytest.raises(DecodeError) as caught:
            decode(case, {**known, mint.address: replace(account, owner=TOKEN_2022_PROGRAM_ID, data=body)})
        assert str(case.address) in caught.value.message
        refused += 1
    assert refused == 2
