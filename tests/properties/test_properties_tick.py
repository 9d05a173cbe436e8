"""Ticks and square-root prices: against exact powers, against each other, and at both ends."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.math import tick as ticks

prices = st.integers(ticks.MIN_SQRT_PRICE_X64, ticks.MAX_SQRT_PRICE_X64 - 1)
# Most prices are small in a uniform draw of integers; draw the magnitude first.
spread_prices = st.integers(33, 95).flatmap(lambda bits: st.integers(1 << bits, (1 << bits + 1) - 1))


def test_the_ends_are_the_ones_the_program_names() -> None:
    assert ticks.sqrt_price_at_tick(ticks.MIN_TICK) == ticks.MIN_SQRT_PRICE_X64
    assert ticks.sqrt_price_at_tick(ticks.MAX_TICK) == ticks.MAX_SQRT_PRICE_X64
    assert ticks.sqrt_price_at_tick(0) == 1 << 64
    assert ticks.tick_at_sqrt_price(ticks.MIN_SQRT_PRICE_X64) == ticks.MIN_TICK
    assert ticks.tick_at_sqrt_price(ticks.MAX_SQRT_PRICE_X64 - 1) == ticks.MAX_TICK - 1
    for outside in (ticks.MIN_TICK - 1, ticks.MAX_TICK + 1):
        with pytest.raises(ValueError, match="outside"):
            ticks.sqrt_price_at_tick(outside)
    for price in (ticks.MIN_SQRT_PRICE_X64 - 1, ticks.MAX_SQRT_PRICE_X64):
        with pytest.raises(ValueError, match="outside"):
            ticks.tick_at_sqrt_price(price)


@given(st.integers(ticks.MIN_TICK, ticks.MAX_TICK))
def test_prices_are_powers_of_the_base(tick: int) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal("1.0001") ** (Decimal(tick) / 2) * (1 << 64)
    price = ticks.sqrt_price_at_tick(tick)
    # A truncation for each of up to 19 factors, down to 33 bits: still far below the 2^-15 from one tick to the next.
    assert abs(price - exact) <= exact / (1 << 30) + 2


@given(st.integers(ticks.MIN_TICK, ticks.MAX_TICK - 1))
def test_a_ticks_price_belongs_to_it_and_one_unit_less_to_the_tick_below(tick: int) -> None:
    price = ticks.sqrt_price_at_tick(tick)
    assert ticks.sqrt_price_at_tick(tick + 1) > price
    assert ticks.tick_at_sqrt_price(price) == tick
    if tick > ticks.MIN_TICK:
        assert ticks.tick_at_sqrt_price(price - 1) == tick - 1


@given(st.one_of(prices, spread_prices.filter(lambda price: ticks.MIN_SQRT_PRICE_X64 <= price < ticks.MAX_SQRT_PRICE_X64)))
def test_the_tick_of_a_price_is_the_greatest_not_above_it(price: int) -> None:
    tick = ticks.tick_at_sqrt_price(price)
    assert ticks.sqrt_price_at_tick(tick) <= price < ticks.sqrt_price_at_tick(tick + 1)
