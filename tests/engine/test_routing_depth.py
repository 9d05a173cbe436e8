"""Depth of single pools: where the price leaves a band, in exact quotes."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.engine.routing.depth import depth_levels, worst_prices
from dexroute.fetchers.base import Pool
from dexroute.types.requests import QuoteRequest
from tests.engine.small_market import SWAPS_OFF, mint, pool

A, B = mint("A"), mint("B")
LEVELS = (10, 25, 50, 100, 200)


def paid(one: Pool, amount: int, *, selling: bool) -> int:
    ends = (A, B) if selling else (B, A)
    request = QuoteRequest(input_mint=ends[0].address, output_mint=ends[1].address, amount=amount)
    return one.quote(request).amount_out if amount else 0


@given(
    reserves=st.tuples(st.integers(10**9, 10**15), st.integers(10**9, 10**15)),
    trade_ppm=st.sampled_from([100, 2_500, 10_000]),
    selling=st.booleans(),
)
def test_up_to_the_amount_the_price_is_kept_and_beyond_it_is_not(reserves: tuple[int, int], trade_ppm: int, selling: bool) -> None:
    one = pool("one", (A, B), reserves, trade_ppm=trade_ppm)
    worst = worst_prices(Fraction(reserves[1], reserves[0]), LEVELS, selling=selling)
    ends = (A.address, B.address) if selling else (B.address, A.address)
    levels = depth_levels(one, *ends, worst=worst, most_in=4 * max(reserves))
    assert [level.bps for level in levels] == list(LEVELS)
    held, other = reserves if selling else (reserves[1], reserves[0])
    for level, (_, price) in zip(levels, worst, strict=True):
        assert level.amount_out == paid(one, level.amount_in, selling=selling)
        # x at which the marginal price of a constant product with a fee on the input falls to `price`
        keep = Fraction(1_000_000 - trade_ppm, 1_000_000)
        root = isqrt(int(held * other * keep / price * 10**12))
        exact = max((Fraction(root, 10**6) - held) / keep, Fraction(0))
        telling = int(100_000 / min(price, Fraction(1))) + 1
        rounding = held / 100_000  # a part that pays 100,000 units tells the price to a tenth of a basis point
        assert abs(level.amount_in - exact) <= exact / 900 + telling + rounding
        if trade_ppm >= 100 * level.bps and selling:
            assert level.amount_in == 0, "the fee alone is outside"
    assert sorted(level.amount_in for level in levels) == [level.amount_in for level in levels]


@pytest.mark.parametrize("selling", [True, False])
def test_a_closed_pool_has_no_depth(selling: bool) -> None:
    closed = pool("closed", (A, B), (10**12, 10**12), status=SWAPS_OFF)
    worst = worst_prices(Fraction(1), LEVELS, selling=selling)
    assert {level.amount_in for level in depth_levels(closed, A.address, B.address, worst=worst, most_in=10**12)} == {0}
