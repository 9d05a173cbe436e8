"""What every venue's quotes must be: pure, monotone, never a gain, and a QuoteError where there is none."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import ModeNotOffered, QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import PROVIDERS, Case, all_cases, cases_of

# Spread over all magnitudes a token amount can have: ranges and reserves differ from pool to pool.
LADDER = sorted({1, 2, 3, *(m * 10**e // 10 for e in range(1, 20) for m in (10, 17, 42)), U64_MAX})
CASES = pytest.mark.parametrize("case", all_cases(), ids=str)
amounts = st.one_of(st.integers(1, 10**6), st.integers(1, 10**12), st.integers(1, U64_MAX))


def directions(pool: Pool) -> list[tuple[Pubkey, Pubkey]]:
    a, b = pool.mints
    return [(a.address, b.address), (b.address, a.address)]


def attempt(pool: Pool, pair: tuple[Pubkey, Pubkey], amount: int, mode: SwapMode = SwapMode.EXACT_IN) -> SwapQuote | None:
    try:
        return pool.quote(QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=amount, mode=mode))
    except QuoteError:
        return None


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_every_registered_venue_is_under_this_suite(venue_id: str) -> None:
    assert venue_id in PROVIDERS, f"{venue_id} is registered without states in tests/conformance/cases.py"
    swapping = [case for case in cases_of(venue_id) if case.pool().tradable().ok]
    assert len(swapping) >= 5
    assert sum(not case.fee_follows_swaps for case in swapping) >= 3


@CASES
def test_a_pool_is_an_immutable_value_of_its_slot(case: Case) -> None:
    pool, twin = case.pool(), case.pool()
    assert pool == twin
    assert (pool.venue_id, pool.address, pool.slot) == (case.venue, case.address, case.snapshot.clock.slot)
    assert len(pool.mints) == 2
    with pytest.raises((FrozenInstanceError, AttributeError)):
        pool.clock = case.snapshot.clock  # type: ignore[attr-defined]
    for pair in directions(pool):
        for mode in SwapMode:
            for amount in LADDER[::6]:
                assert attempt(pool, pair, amount, mode) == attempt(twin, pair, amount, mode)
    assert pool == twin


@CASES
def test_a_quote_is_what_was_asked_and_stays_in_the_pool(case: Case) -> None:
    pool = case.pool()
    quoted = 0
    for pair in directions(pool):
        for mode in SwapMode:
            for amount in LADDER:
                quote = attempt(pool, pair, amount, mode)
                if quote is None:
                    continue
                quoted += 1
                asked = quote.amount_in if mode is SwapMode.EXACT_IN else quote.amount_out
                assert asked == amount
                assert 1 <= quote.amount_in <= U64_MAX
                assert 0 <= quote.amount_out <= U64_MAX
                assert all(fee.amount > 0 and fee.mint in pair for fee in quote.fees)
                assert quote.next_pool.address == pool.address
                assert quote.next_pool.slot == pool.slot
                assert quote.next_pool.mints == pool.mints
    assert (quoted > 0) == pool.tradable().ok
    assert bool(pool.tradable().reason) != pool.tradable().ok


@CASES
def test_more_in_never_gives_less_and_more_out_never_costs_less(case: Case) -> None:
    pool = case.pool()
    compared = 0
    for pair in directions(pool):
        for mode in SwapMode:
            answers = [quote for amount in LADDER if (quote := attempt(pool, pair, amount, mode)) is not None]
            other_side = [quote.amount_out if mode is SwapMode.EXACT_IN else quote.amount_in for quote in answers]
            assert other_side == sorted(other_side)
            compared += len(other_side)
    assert compared > 0 or not pool.tradable().ok


@given(
    case=st.sampled_from(all_cases()), flip=st.booleans(), mode=st.sampled_from(SwapMode), amount=amounts, more=st.integers(1, 50)
)
def test_one_unit_more_is_never_worse(case: Case, flip: bool, mode: SwapMode, amount: int, more: int) -> None:
    pool = case.pool()
    pair = directions(pool)[flip]
    less, greater = attempt(pool, pair, amount, mode), attempt(pool, pair, amount + more, mode)
    if less is None or greater is None:
        return
    slack = 1 + amount // 10**9 if case.fee_by_amount else 0
    if mode is SwapMode.EXACT_IN:
        assert greater.amount_out + slack >= less.amount_out
    else:
        assert greater.amount_in + slack * max(1, less.amount_in // max(amount, 1)) * 2 >= less.amount_in


@CASES
def test_a_swap_never_beats_the_spot_price_nor_a_round_trip_its_start(case: Case) -> None:
    pool = case.pool()
    trips = 0
    for pair in directions(pool):
        for amount in LADDER:
            there = attempt(pool, pair, amount)
            if there is None or there.amount_out == 0:
                continue
            assert Fraction(there.amount_out, there.amount_in) <= pool.spot_price(*pair).ratio
            back = attempt(there.next_pool, pair[::-1], there.amount_out)
            trips += 1
            assert back is None or back.amount_out <= amount
    assert trips > 0 or not pool.tradable().ok


@CASES
def test_spot_prices_of_both_directions_are_reciprocal(case: Case) -> None:
    pool = case.pool()
    there, back = directions(pool)
    try:
        assert pool.spot_price(*there).ratio * pool.spot_price(*back).ratio == 1
    except QuoteError:
        assert not pool.tradable().ok
    stranger = Pubkey.new_unique()
    with pytest.raises(QuoteError):
        pool.spot_price(there[0], stranger)


@CASES
def test_exact_out_asks_no_more_than_exact_in_needed(case: Case) -> None:
    pool = case.pool()
    checked = 0
    if SwapMode.EXACT_OUT not in case.modes:
        with pytest.raises(ModeNotOffered, match=case.venue):
            pool.quote(
                QuoteRequest(input_mint=pool.mints[0].address, output_mint=pool.mints[1].address, amount=1, mode=SwapMode.EXACT_OUT)
            )
        return
    for pair in directions(pool):
        for amount in LADDER:
            forward = attempt(pool, pair, amount)
            if forward is None or forward.amount_out == 0:
                continue
            backward = attempt(pool, pair, forward.amount_out, SwapMode.EXACT_OUT)
            # The limiter's rate is rounded up to parts of 10^9, on its own in each mode.
            slack = 2 + amount // 10**8 if case.fee_by_amount else 0
            if backward is None and case.exact_out_may_miss:
                continue
            assert backward is not None
            assert case.exact_out_overshoots or backward.amount_in <= amount + slack
            again = attempt(pool, pair, backward.amount_in)
            assert again is not None
            assert again.amount_out + (2 + forward.amount_out // 10**8 if case.fee_by_amount else 0) >= forward.amount_out
            checked += 1
    assert checked > 0 or not pool.tradable().ok


@pytest.mark.parametrize("case", [case for case in all_cases() if not case.fee_follows_swaps], ids=str)
def test_swaps_in_sequence_never_beat_one(case: Case) -> None:
    pool = case.pool()
    divisible = checked = 0
    for pair in directions(pool):
        for amount in LADDER[3:]:
            for first_part in (amount // 7, amount // 2):
                whole, first = attempt(pool, pair, amount + case.split_favour), attempt(pool, pair, first_part)
                if whole is None or first is None:
                    continue
                divisible += 1
                second = attempt(first.next_pool, pair, amount - first_part)
                if second is not None:
                    assert first.amount_out + second.amount_out <= whole.amount_out + case.split_favour
                    checked += 1
    # Some pools take so few amounts that no two parts of one fit.
    assert checked > 0 or divisible == 0


@given(
    case=st.sampled_from(all_cases()),
    first=st.integers(-1, 2),
    second=st.integers(-1, 2),
    amount=st.one_of(st.integers(-(2**70), 2**70), st.integers(-3, 3), amounts),
    mode=st.sampled_from(SwapMode),
)
def test_nonsense_is_answered_with_a_quote_error_that_names_the_pool(
    case: Case, first: int, second: int, amount: int, mode: SwapMode
) -> None:
    pool = case.pool()
    mints = [*(mint.address for mint in pool.mints), Pubkey.default()]
    request = QuoteRequest(input_mint=mints[first], output_mint=mints[second], amount=amount, mode=mode)
    least = 0 if case.zero_succeeds else 1
    possible = {first % 3, second % 3} == {0, 1} and least <= amount <= U64_MAX and mode in case.modes
    try:
        quote = pool.quote(request)
    except QuoteError as refusal:
        assert str(case.address) in refusal.message
    else:
        assert possible
        assert quote.amount_in >= least
