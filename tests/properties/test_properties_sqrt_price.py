"""Square-root prices against exact fractions: never more than one unit in the last place, and never in the swapper's favour."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dexroute.math import sqrt_price as prices
from dexroute.math.q64 import ONE_X64, pow_below_one_x64

sqrt_prices = st.integers(4_295_048_016, 79_226_673_521_066_979_257_578_248_091)
liquidities = st.integers(2**64, 2**120)
amounts = st.one_of(st.integers(1, 10**6), st.integers(1, 2**64 - 1))


@given(sqrt_prices, liquidities, amounts)
def test_a_in_lowers_the_price_by_no_more_than_it_must(sqrt_price: int, liquidity: int, amount: int) -> None:
    exact = Fraction(liquidity * sqrt_price, liquidity + amount * sqrt_price)
    after = prices.price_after_a_in(sqrt_price, liquidity, amount)
    assert 0 <= after - exact < 1
    taken = prices.amount_a_between(after, sqrt_price, liquidity, round_up=True)
    assert taken <= amount


@given(sqrt_prices, liquidities, amounts)
def test_b_in_raises_the_price_by_no_more_than_it_may(sqrt_price: int, liquidity: int, amount: int) -> None:
    exact = sqrt_price + Fraction(amount << 128, liquidity)
    after = prices.price_after_b_in(sqrt_price, liquidity, amount)
    assert 0 <= exact - after < 1
    assert prices.amount_b_between(sqrt_price, after, liquidity, round_up=True) <= amount


@given(sqrt_prices, liquidities, amounts)
def test_taking_b_out_pays_at_least_what_was_asked(sqrt_price: int, liquidity: int, amount: int) -> None:
    try:
        after = prices.price_after_b_out(sqrt_price, liquidity, amount)
    except ValueError:
        assert amount << 128 > sqrt_price * liquidity
        return
    assume(after > 0)
    assert prices.amount_b_between(after, sqrt_price, liquidity, round_up=False) >= amount


@given(sqrt_prices, liquidities, amounts)
def test_taking_a_out_pays_at_least_what_was_asked(sqrt_price: int, liquidity: int, amount: int) -> None:
    try:
        after = prices.price_after_a_out(sqrt_price, liquidity, amount)
    except ValueError:
        assert amount * sqrt_price >= liquidity
        return
    assert prices.amount_a_between(sqrt_price, after, liquidity, round_up=False) >= amount


@given(sqrt_prices, sqrt_prices, liquidities)
def test_rounding_up_and_down_differ_by_at_most_one(one: int, other: int, liquidity: int) -> None:
    lower, upper = min(one, other), max(one, other)
    for between in (prices.amount_a_between, prices.amount_b_between):
        down, up = (between(lower, upper, liquidity, round_up=up) for up in (False, True))
        assert 0 <= up - down <= 1


@given(st.integers(0, ONE_X64 - 1), st.integers(0, 65_535))
def test_powers_below_one_fall_short_of_the_exact_power_by_their_truncations(base_x64: int, exponent: int) -> None:
    power = pow_below_one_x64(base_x64, exponent)
    assert 0 <= power <= ONE_X64
    if exponent <= 64:
        exact = Fraction(base_x64, ONE_X64) ** exponent * ONE_X64
        assert 0 <= exact - power < 2 * max(exponent, 1)


def test_powers_of_what_is_not_below_one_are_refused() -> None:
    for base_x64, exponent in ((ONE_X64, 1), (-1, 1), (1, -1)):
        with pytest.raises(ValueError, match="outside"):
            pow_below_one_x64(base_x64, exponent)
