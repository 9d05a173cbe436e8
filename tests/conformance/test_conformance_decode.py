"""What every venue must do with bytes: ask until it has enough, and refuse what is wrong with a DecodeError and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, QuoteError
from dexroute.types.accounts import AccountData
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import Case, all_cases
from tests.conformance.changed_accounts import account_of, answers_or_is_refused_by_name, decode, drawn_account, needed_by

CASES = pytest.mark.parametrize("case", all_cases(), ids=str)


@CASES
def test_required_accounts_converge_on_what_decoding_needs(case: Case) -> None:
    known = needed_by(case)
    assert case.address in known
    assert decode(case, known) == case.pool()
    for address, account in known.items():
        without = {key: other for key, other in known.items() if key != address}
        if account is None:
            # It does not exist, and having asked changes nothing.
            assert decode(case, without) == case.pool()
            continue
        if address in case.reach:
            assert decode(case, without) != case.pool()
            assert_the_same_or_refused_by_name(case, without, address)
            assert_the_same_or_refused_by_name(case, {**known, address: None}, address)
            continue
        with pytest.raises(DecodeError):
            decode(case, without)
        with pytest.raises(DecodeError):
            decode(case, {**known, address: None})


def assert_the_same_or_refused_by_name(case: Case, accounts: Mapping[Pubkey, AccountData | None], missing: Pubkey) -> None:
    """Without an account that says how far liquidity goes, no swap is quoted as anything else than with it."""
    full, partial = case.pool(), decode(case, accounts)
    mints = [mint.address for mint in full.mints]
    refused = 0
    for pair in (mints, mints[::-1]):
        for mode in SwapMode:
            for amount in (10**exponent for exponent in range(20)):
                request = QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=amount, mode=mode)
                try:
                    quote = partial.quote(request)
                except QuoteError as refusal:
                    refused += str(missing) in refusal.message
                else:
                    whole = full.quote(request)
                    assert (quote.amount_in, quote.amount_out) == (whole.amount_in, whole.amount_out)
    assert refused > 0 or not full.tradable().ok


@CASES
def test_wrong_owner_length_or_discriminator_is_refused_by_name(case: Case) -> None:
    known = needed_by(case)
    account = account_of(case, case.address).account
    wrong = [
        replace(account, owner=Pubkey.default()),
        replace(account, data=account.data[:-1]),
        replace(account, data=account.data + b"\0"),
        replace(account, data=b""),
        replace(account, data=bytes(8) + account.data[8:]),
    ]
    for broken in wrong:
        with pytest.raises(DecodeError) as caught:
            decode(case, {**known, case.address: broken})
        assert caught.value.pool == str(case.address)
        assert caught.value.field.startswith("pool")


@given(data=st.data(), case=st.sampled_from(all_cases()))
def test_any_other_account_cut_short_or_of_a_stranger_is_refused(data: st.DataObject, case: Case) -> None:
    drawn = drawn_account(data, case)
    with pytest.raises(DecodeError):
        decode(case, drawn.with_owner(Pubkey.new_unique()))
    content = drawn.account.data
    with pytest.raises(DecodeError):
        decode(case, drawn.with_data(content[: data.draw(st.integers(0, min(len(content), 82) - 1))]))


@given(data=st.data(), case=st.sampled_from(all_cases()), mode=st.sampled_from(SwapMode), amount=st.integers(1, 2**64 - 1))
def test_flipped_bytes_end_in_a_decode_error_or_in_a_pool_that_answers(
    data: st.DataObject, case: Case, mode: SwapMode, amount: int
) -> None:
    drawn = drawn_account(data, case)
    flipped = bytearray(drawn.account.data)
    for _ in range(data.draw(st.integers(1, 6))):
        flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    answers_or_is_refused_by_name(case, drawn.with_data(flipped), mode, amount)
