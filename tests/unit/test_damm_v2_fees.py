"""The fee rules of DAMM v2 against their own definitions, piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.errors import QuoteError
from dexroute.fetchers.meteora.damm_v2.base_fee import FEE_SCALE, FeeMoment, gross_of, net_of
from dexroute.fetchers.meteora.damm_v2.dynamic_fee import DynamicFee
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.meteora.damm_v2.schedulers import Cliff, MarketCapScheduler, TimeScheduler
from dexroute.math.q64 import ONE_X64
from dexroute.math.rounding import ceil_div

BUY = FeeMoment(point=100, activation_point=100, b_comes_in=True, init_sqrt_price_x64=ONE_X64, sqrt_price_x64=ONE_X64)
limiters = st.builds(
    RateLimiter,
    cliff_rate=st.integers(100_000, 500_000_000),
    increment_bps=st.integers(1, 500),
    max_fee_bps=st.integers(5_000, 9_900),
    duration=st.just(60),
    reference_amount=st.integers(1_000, 10**12),
)


def at(point: int, *, buy: bool = True, sqrt_price_x64: int = ONE_X64) -> FeeMoment:
    return FeeMoment(point=point, activation_point=100, b_comes_in=buy, init_sqrt_price_x64=ONE_X64, sqrt_price_x64=sqrt_price_x64)


def fee_piece_by_piece(limiter: RateLimiter, gross: int) -> int:
    """The definition: cut the input into reference amounts and charge each at its own rate."""
    parts, rate, left = 0, limiter.cliff_rate, gross
    highest = limiter.max_fee_bps * 100_000
    steps = (highest - limiter.cliff_rate) // (limiter.increment_bps * 100_000)
    for index in range(gross // limiter.reference_amount + 1):
        piece = min(left, limiter.reference_amount)
        rate = highest if index > steps else limiter.cliff_rate + index * limiter.increment_bps * 100_000
        parts, left = parts + piece * rate, left - piece
    return ceil_div(parts, FEE_SCALE)


@given(limiters, st.integers(0, 400), st.integers(0, 999))
def test_the_limiter_charges_each_piece_at_its_own_rate(limiter: RateLimiter, pieces: int, part: int) -> None:
    gross = max(1, limiter.reference_amount * pieces + limiter.reference_amount * part // 1_000)
    rate = limiter.rate_inside(gross, BUY)
    if gross <= limiter.reference_amount:
        assert rate == limiter.cliff_rate
    else:
        assert rate == ceil_div(fee_piece_by_piece(limiter, gross) * FEE_SCALE, gross)


@given(limiters, st.integers(1, 300), st.integers(0, 999))
def test_both_formulas_of_the_limiter_meet(limiter: RateLimiter, pieces: int, part: int) -> None:
    gross = limiter.reference_amount * pieces + limiter.reference_amount * part // 1_000
    net = net_of(gross, limiter.rate_inside(gross, BUY))
    back = gross_of(net, limiter.rate_on_top(net, BUY))
    # Each way rounds its rate to parts of 10^9, and a marginal fee of up to 99 % magnifies a unit of the net a hundredfold.
    assert abs(back - gross) <= 300 + gross // 10**6


@pytest.mark.parametrize(
    ("point", "buy", "limited"), [(99, True, False), (100, True, True), (160, True, True), (161, True, False), (100, False, False)]
)
def test_the_limiter_counts_for_buys_while_it_lasts(point: int, buy: bool, limited: bool) -> None:
    limiter = RateLimiter(cliff_rate=10_000_000, increment_bps=100, max_fee_bps=5_000, duration=60, reference_amount=1_000)
    assert (limiter.rate_inside(50_000, at(point, buy=buy)) > 10_000_000) is limited
    assert (limiter.rate_on_top(50_000, at(point, buy=buy)) > 10_000_000) is limited


def test_a_limiter_of_zeros_is_the_cliff() -> None:
    limiter = RateLimiter(cliff_rate=10_000_000, increment_bps=0, max_fee_bps=0, duration=0, reference_amount=0)
    assert limiter.rate_inside(10**18, BUY) == limiter.rate_on_top(10**18, BUY) == 10_000_000


@pytest.mark.parametrize("changed", ["increment_bps", "max_fee_bps", "reference_amount"])
def test_a_half_written_limiter_is_refused_not_divided_by(changed: str) -> None:
    settings = {"cliff_rate": 10_000_000, "increment_bps": 10, "max_fee_bps": 5_000, "duration": 60, "reference_amount": 1_000}
    limiter = RateLimiter(**{**settings, changed: 0})
    with pytest.raises(QuoteError):
        limiter.rate_inside(50_000, BUY)


def test_what_no_input_can_buy_through_the_limiter_is_refused() -> None:
    limiter = RateLimiter(cliff_rate=10_000_000, increment_bps=1, max_fee_bps=9_900, duration=60, reference_amount=2**62)
    with pytest.raises(QuoteError) as caught:
        limiter.rate_on_top(2**64 - 1, BUY)
    assert caught.value.program_error == 6000


@pytest.mark.parametrize(("point", "expected"), [(100, 900), (109, 900), (110, 800), (145, 500), (150, 400), (10_000, 400)])
def test_a_linear_schedule_falls_by_the_period_and_stops(point: int, expected: int) -> None:
    cliff = Cliff(rate=900, reduction=100, periods=5, exponential=False)
    assert TimeScheduler(cliff=cliff, period=10).rate_inside(1, at(point)) == expected
    assert TimeScheduler(cliff=cliff, period=0).rate_inside(1, at(point)) == 900


def test_a_schedule_that_falls_below_nothing_is_refused() -> None:
    below = Cliff(rate=900, reduction=500, periods=5, exponential=False)
    whole = Cliff(rate=900, reduction=10_000, periods=5, exponential=True)
    assert whole.after(0) == below.after(0) == 900
    for cliff in (below, whole):
        with pytest.raises(QuoteError) as caught:
            cliff.after(2)
        assert caught.value.program_error == 6000


@given(st.integers(100_000, 990_000_000), st.integers(1, 9_999), st.integers(0, 200))
def test_an_exponential_schedule_is_the_power_rounded_down(rate: int, reduction_bps: int, periods: int) -> None:
    cliff = Cliff(rate=rate, reduction=reduction_bps, periods=200, exponential=True)
    exact = rate * (10_000 - reduction_bps) ** periods / 10_000**periods
    try:
        assert -2 <= cliff.after(periods) - exact <= 1
    except QuoteError:
        assert exact < 1


@pytest.mark.parametrize(
    ("price_bps", "point", "expected"),
    [(9_000, 100, 900), (10_000, 100, 900), (10_199, 100, 900), (10_200, 100, 700), (30_000, 100, 100), (10_000, 161, 100)],
)
def test_a_market_cap_schedule_follows_the_price_and_expires(price_bps: int, point: int, expected: int) -> None:
    cliff = Cliff(rate=900, reduction=200, periods=4, exponential=False)
    fee = MarketCapScheduler(cliff=cliff, price_step_bps=200, lifetime=60)
    price = ceil_div(ONE_X64 * price_bps, 10_000)
    assert fee.rate_on_top(1, at(point, sqrt_price_x64=price)) == expected


def test_the_dynamic_fee_is_paid_for_what_is_stored_and_forgotten_with_time() -> None:
    fee = DynamicFee(
        max_volatility=100_000,
        control=40_000,
        bin_step_bps=1,
        filter_period=10,
        decay_period=120,
        reduction_bps=5_000,
        last_update=1_000,
        bin_step_x64=ONE_X64 // 10_000,
        sqrt_reference_x64=ONE_X64,
        volatility=40_000,
        volatility_reference=7_000,
    )
    assert fee.rate() == ceil_div(40_000 * 40_000**2, 10**11)
    price = ONE_X64 * 10_003 // 10_000 + 1
    assert fee.before_swap(price, 1_009) == fee
    decayed, forgotten = fee.before_swap(price, 1_010), fee.before_swap(price, 1_120)
    assert (decayed.sqrt_reference_x64, decayed.volatility_reference) == (price, 20_000)
    assert (forgotten.sqrt_reference_x64, forgotten.volatility_reference) == (price, 0)
    assert fee.before_swap(price, 5) == fee
    assert fee.stored_after(ONE_X64, price, 1_234) == (7_000 + 2 * 3 * 10_000, 1_234)
    assert fee.stored_after(ONE_X64, ONE_X64 + 5, 1_234)[1] == 1_000
    assert fee.stored_after(ONE_X64, ONE_X64 * 2, 1_234)[0] == 100_000
