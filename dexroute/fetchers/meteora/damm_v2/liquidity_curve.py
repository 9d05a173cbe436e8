"""A DAMM v2 pool as stretches of hyperbolae, at the lowest fees that swaps one after the other could pay.

A swap pays one rate for all of it, found before it moves the price; several can do better, and the curve lies above them:

- the dynamic fee of the first swap is of the volatility stored by others; a swap of dust stores what its references say, and where
  those decay, more dust lets them decay to nothing (`DynamicFee.least_rates`);
- a market-cap schedule lowers the rate as the price rises: the pieces follow it step by step;
- a rate limiter charges by amount: eight swaps of an eighth pay less than one, and no route has more of them (the program even
  refuses a second one in the same transaction);
- compounded fees return to the reserve of B. Where B goes out, the reserve of a constant product R falls with
  dR = -(1 - c) R dx / (x0 + x), c the share of the output that compounds, when the swaps are infinitely many: out(x) is
  R (1 - (1 + x/x0)^-(1-c)) / (1 - c).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import expm1, inf, log1p
from typing import TYPE_CHECKING, Final

from dexroute.fetchers.meteora.damm_v2.base_fee import FEE_SCALE
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.meteora.damm_v2.schedulers import MarketCapScheduler
from dexroute.math.concave import MOST_SWAPS, Piece, less_rising_fee
from dexroute.math.rounding import BPS

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool

_ONE: Final = float(1 << 64)
_MOST_STEPS: Final = 64
_GROWTH: Final = 0.1  # of the input reserve in one piece of a compounding pool


def stretches(pool: DammV2Pool, index_in: int) -> Iterator[Piece]:
    """Pieces between the two token transfers. Raises QuoteError where the pool's fees cannot be computed."""
    base, on_input = pool.fees.base, index_in == 1 and pool.collect_fee_mode != 0
    rates = _rates_on_the_way(pool, index_in)
    if isinstance(base, RateLimiter) and on_input and base.applies(pool.moment(index_in)):
        extra = rates[-1][1] - base.cliff_rate
        steps = ((MOST_SWAPS * length, _keep(pool, rate + extra)) for length, rate in base.steps())
        yield from less_rising_fee(_liquidity(pool, index_in, [(rates[-1][0], 1.0)], on_input=False), steps)
    else:
        yield from _liquidity(pool, index_in, [(end, _keep(pool, rate)) for end, rate in rates], on_input=on_input)


def _liquidity(pool: DammV2Pool, index_in: int, keeps: list[tuple[float, float]], *, on_input: bool) -> Iterator[Piece]:
    """`keeps`: (square-root price up to which, what the fee leaves of one)."""
    if pool.compounds:
        yield from _compounding(pool, index_in, keeps[-1][1])
        return
    liquidity, root = pool.liquidity / _ONE, pool.sqrt_price_x64 / _ONE
    lowest, highest = pool.sqrt_min_x64 / _ONE, pool.sqrt_max_x64 / _ONE
    for end, keep in keeps:
        if index_in == 0 and root > (target := max(end, lowest)):
            yield Piece(liquidity * (root - target) / (root * target), root * root * keep, root / liquidity)
            root = target
        elif index_in == 1 and root < (target := min(end, highest)):
            net, slope, bend = liquidity * (target - root), 1.0 / (root * root), 1.0 / (root * liquidity)
            yield Piece(net / keep, slope * keep, bend * keep) if on_input else Piece(net, slope * keep, bend)
            root = target


def _keep(pool: DammV2Pool, rate: int) -> float:
    return 1.0 - min(rate, pool.fees.max_rate()) / FEE_SCALE


def _rates_on_the_way(pool: DammV2Pool, index_in: int) -> list[tuple[float, int]]:
    """(square-root price up to which, least rate a swap could pay there), in walking order, the rates falling; the last without
    end. Base and dynamic fee fall each at its own prices."""
    base, dynamic = _base_rates(pool, index_in), [(inf if index_in else 0.0, 0)]
    if pool.fees.dynamic is not None:
        dynamic = pool.fees.dynamic.least_rates(pool.sqrt_price_x64, pool.clock.unix_timestamp, rising=index_in == 1)
    nearer = min if index_in else max
    found: list[tuple[float, int]] = []
    at_base = at_dynamic = 0
    while at_base < len(base) and at_dynamic < len(dynamic):
        end = nearer(base[at_base][0], dynamic[at_dynamic][0])
        found.append((end, base[at_base][1] + dynamic[at_dynamic][1]))
        passed_base, passed_dynamic = base[at_base][0] == end, dynamic[at_dynamic][0] == end
        at_base, at_dynamic = at_base + passed_base, at_dynamic + passed_dynamic
    return found


def _base_rates(pool: DammV2Pool, index_in: int) -> list[tuple[float, int]]:
    """The base fee's part of that: it changes on the way only where a rising price lowers it."""
    base, moment = pool.fees.base, pool.moment(index_in)
    if index_in == 0 or not isinstance(base, MarketCapScheduler) or not base.follows_price(moment):
        return [(inf if index_in else 0.0, base.rate_inside(1, moment))]
    init, first = pool.init_sqrt_price_x64 / _ONE, base.periods_risen(moment)
    steps = [
        (init * (1.0 + (periods + 1) * base.price_step_bps / BPS), base.cliff.after(periods))
        for periods in range(first, min(base.cliff.periods, first + _MOST_STEPS))
    ]
    return [*steps, (inf, base.cliff.after(base.cliff.periods))]


def _compounding(pool: DammV2Pool, index_in: int, keep: float) -> Iterator[Piece]:
    reserve_in, reserve_out = float(pool.amounts[index_in]), float(pool.amounts[1 - index_in])
    if not reserve_in or not reserve_out:
        return
    if index_in == 1:  # the fee is of the input, and what compounds of it makes what follows dearer
        yield Piece(_ONE, keep * reserve_out / reserve_in, keep / reserve_in)
        return
    trading = (1.0 - pool.fees.protocol_percent / 100) * pool.fees.compounding_bps / BPS
    power = 1.0 - (1.0 - keep) * trading
    # Piece by piece the same curve, on a larger scale; each is the hyperbola through its ends with the right slope at its start,
    # which lies above it.
    bend = _GROWTH * power / -expm1(-power * log1p(_GROWTH))
    growth = 1.0
    while growth < 1e12:
        slope = keep * reserve_out / reserve_in * growth ** -(power + 1.0)
        yield Piece(reserve_in * growth * _GROWTH, slope, (bend - 1.0) / _GROWTH / (reserve_in * growth))
        growth *= 1.0 + _GROWTH
