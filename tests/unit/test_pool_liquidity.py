"""Liquidity: worked values, refusals, and that shares never redeem more than was put in."""

from __future__ import annotations

from math import isqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.pool.liquidity import LOCKED_LP, LiquidityQuote, quote_add, quote_remove
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.types.mints import TransferFee
from tests.programs.samples import AMOUNTS, NOW, pools, sample_pool, with_transfer_fees

EMPTY = {"reserves": (0, 0), "lp_supply": 0}


def test_first_deposit_locks_a_thousand_units() -> None:
    quote = quote_add(sample_pool(**EMPTY), (4_000, 9_000))
    assert quote.amounts == (4_000, 9_000)
    assert quote.lp == 6_000 - LOCKED_LP
    assert (quote.next_pool.reserves, quote.next_pool.lp_supply) == ((4_000, 9_000), 6_000)


def test_first_deposit_counts_what_arrives() -> None:
    pool = with_transfer_fees(sample_pool(**EMPTY), (TransferFee(epoch=0, bps=1_000, maximum=10**9), None))
    quote = quote_add(pool, (10_000, 9_000))
    assert (quote.amounts, quote.lp) == ((10_000, 9_000), 8_000)
    assert quote.next_pool.reserves == (9_000, 9_000)


def test_later_deposit_takes_what_fits_the_price() -> None:
    quote = quote_add(sample_pool(reserves=(1_000, 3_000), lp_supply=2_000), (100, 10_000))
    assert (quote.lp, quote.amounts) == (200, (100, 300))
    uneven = quote_add(sample_pool(reserves=(1_001, 3_001), lp_supply=2_000), (100, 10_000))
    assert (uneven.lp, uneven.amounts) == (199, (100, 299))


def test_later_deposit_pays_the_transfer_fee_on_top() -> None:
    pool = with_transfer_fees(
        sample_pool(reserves=(10_000, 10_000), lp_supply=10_000), (TransferFee(epoch=0, bps=100, maximum=10**9), None)
    )
    quote = quote_add(pool, (1_000, 5_000))
    assert (quote.lp, quote.amounts) == (990, (1_000, 990))


def test_a_quotient_beyond_64_bits_is_no_obstacle() -> None:
    pool = sample_pool(reserves=(1, 2**62), lp_supply=2**31)
    quote = quote_add(pool, (2**64 - 1, 2**62))
    assert (quote.lp, quote.amounts) == (2**31, (1, 2**62))


def test_removing_rounds_down_and_extends_the_sums() -> None:
    pool = sample_pool(reserves=(1_001, 3_001), lp_supply=2_000, sums=PriceSums(a_x64=0, b_x64=0, at=NOW - 2))
    quote = quote_remove(pool, 1_000)
    assert quote.amounts == (500, 1_500)
    assert (quote.next_pool.reserves, quote.next_pool.lp_supply) == ((501, 1_501), 1_000)
    assert quote.next_pool.sums == PriceSums(a_x64=2 * ((3_001 << 64) // 1_001), b_x64=2 * ((1_001 << 64) // 3_001), at=NOW)
    assert quote.next_pool.volatility == pool.volatility


@pytest.mark.parametrize(
    ("changes", "amounts", "error", "code"),
    [
        (EMPTY, (1_000, 1_000), AmountTooSmall, 6_015),
        (EMPTY, (0, 10**9), AmountTooSmall, 6_015),
        ({}, (0, 5), AmountTooSmall, 6_015),
        ({"status": 2}, (5, 5), PoolNotTradable, 6_013),
        ({"reserves": (2**63, 5), "lp_supply": 2**40}, (2**63, 5), QuoteOverflow, 6_017),
        ({"reserves": (5, 5), "lp_supply": 2**63}, (5, 5), QuoteOverflow, 6_017),
    ],
)
def test_adding_refused(changes: dict[str, object], amounts: tuple[int, int], error: type[QuoteError], code: int) -> None:
    with pytest.raises(error) as caught:
        quote_add(sample_pool(**changes), amounts)
    assert caught.value.program_error == code


@pytest.mark.parametrize(
    ("changes", "lp", "error", "code"),
    [
        ({}, 0, AmountTooSmall, 6_015),
        ({"status": 4}, 5, PoolNotTradable, 6_014),
        ({"lp_supply": 5_000}, 4_001, ExceedsLiquidity, 6_016),
        (EMPTY, 1, ExceedsLiquidity, 6_016),
    ],
)
def test_removing_refused(changes: dict[str, object], lp: int, error: type[QuoteError], code: int) -> None:
    with pytest.raises(error) as caught:
        quote_remove(sample_pool(**changes), lp)
    assert caught.value.program_error == code


def added(pool: DexroutePool, amounts: tuple[int, int]) -> LiquidityQuote:
    try:
        return quote_add(pool, amounts)
    except QuoteError:
        assume(False)
        raise


@settings(max_examples=150, deadline=None)
@given(pools(), AMOUNTS, AMOUNTS, st.booleans())
def test_shares_redeem_no_more_than_was_put_in(pool: DexroutePool, most_a: int, most_b: int, first: bool) -> None:
    start = sample_pool(**EMPTY, mints=pool.mints) if first else pool
    deposit = added(start, (most_a, most_b))
    assert deposit.amounts[0] <= most_a and deposit.amounts[1] <= most_b
    withdrawn = quote_remove(deposit.next_pool, deposit.lp)
    assert withdrawn.amounts[0] <= deposit.amounts[0] and withdrawn.amounts[1] <= deposit.amounts[1]
    for side in (0, 1):
        before, after = start.reserves[side], withdrawn.next_pool.reserves[side]
        assert after >= before
        if not first:  # value of one share never falls: reserve / supply, cross-multiplied
            assert deposit.next_pool.reserves[side] * start.lp_supply >= before * deposit.next_pool.lp_supply


def test_the_first_depositor_cannot_round_the_next_one_to_nothing() -> None:
    """Attack: open with the least possible, raise the price of a share by swapping against oneself (donations do not count),
    let a victim deposit, redeem. With 1,000 units locked the attacker's own pool swallows what it was fed."""
    opened = quote_add(sample_pool(**EMPTY), (1_001, 1_001))
    assert opened.lp == 1
    victim = quote_add(opened.next_pool, (10**9, 10**9))
    redeemed = quote_remove(victim.next_pool, opened.lp)
    assert redeemed.amounts == (1, 1)
    assert quote_remove(victim.next_pool, victim.lp).amounts == (10**9, 10**9)
    assert isqrt(1_001 * 1_001) - LOCKED_LP == opened.lp
