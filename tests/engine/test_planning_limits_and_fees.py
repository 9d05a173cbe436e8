"""Limits, priority fees and guards: arithmetic that decides what may leave a wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy, check_price_impact, swap_limit
from dexroute.engine.planning.fee_samples import recent_fees
from dexroute.engine.planning.limits import hop_request
from dexroute.engine.planning.priority_fee import compute_unit_price, priority_fee_lamports
from dexroute.engine.routing import RouteOptions, RouteQuote, find_route
from dexroute.engine.routing.landing import UNITS_APART, unit_limit
from dexroute.errors import InvalidAmount, PriceImpactTooHigh, PriorityFeeTooHigh, RpcUnreachable, SlippageExceeded, UsageError
from dexroute.math.rounding import U64_MAX
from dexroute.types.network import MAX_COMPUTE_UNITS
from dexroute.types.routes import Route
from tests.engine.small_market import exact_in, exact_out, mint, pool
from tests.engine.svm_cluster import SvmCluster

A, B, C = (mint(name) for name in "ABC")
DEEP = (10**12, 10**12)
TWO_HOPS = [pool("there", (A, C), DEEP), pool("back", (C, B), DEEP)]


def quoted(amount_in: int, amount_out: int) -> RouteQuote:
    return RouteQuote(amount_in=amount_in, amount_out=amount_out, route=Route(legs=()), bound=None)


@pytest.mark.parametrize(
    ("amounts", "slippage_bps", "least", "most"),
    [
        ((1_000, 999), 50, 994, 1_005),  # 994.005 down, 1,005 exactly
        ((1_001, 1), 9_999, 1, 2_002),  # never a limit of nothing; 2,001.8999 up
        ((U64_MAX, U64_MAX), 1, U64_MAX * 9_999 // 10_000, U64_MAX),
        ((7, 7), 0, 7, 7),
    ],
)
def test_limits_round_against_the_market_and_for_the_user(
    amounts: tuple[int, int], slippage_bps: int, least: int, most: int
) -> None:
    assert swap_limit(quoted(*amounts), exact_in(A, B, 1), slippage_bps) == least
    assert swap_limit(quoted(*amounts), exact_out(A, B, 1), slippage_bps) == most


def test_a_promised_limit_is_kept_or_refused() -> None:
    assert swap_limit(quoted(100, 90), exact_in(A, B, 100), 50, fixed=90) == 90
    assert swap_limit(quoted(100, 90), exact_out(A, B, 90), 50, fixed=100) == 100
    with pytest.raises(SlippageExceeded) as caught:
        swap_limit(quoted(100, 90), exact_in(A, B, 100), 50, fixed=91)
    assert (caught.value.context["quoted"], caught.value.context["limit"]) == ("90", "91")
    with pytest.raises(SlippageExceeded):
        swap_limit(quoted(101, 90), exact_out(A, B, 90), 50, fixed=100)
    for slippage_bps in (-1, 10_000):
        with pytest.raises(InvalidAmount):
            swap_limit(quoted(1, 1), exact_in(A, B, 1), slippage_bps)


@pytest.mark.parametrize("hop_slippage_bps", [0, 30])
def test_a_hop_must_deliver_what_the_next_one_spends(hop_slippage_bps: int) -> None:
    options = RouteOptions(hop_slippage_bps=hop_slippage_bps)
    request = exact_in(A, B, 10**6)
    hops = find_route(TWO_HOPS, request, options).route.hops
    (first, first_limit), (second, second_limit) = (hop_request(hops, place, request, 900_000) for place in (0, 1))
    assert first.amount == 10**6
    assert first_limit == second.amount == hops[1].amount_in
    assert second_limit == 900_000

    request = exact_out(A, B, 10**6)
    hops = find_route(TWO_HOPS, request, options).route.hops
    (first, first_limit), (second, second_limit) = (hop_request(hops, place, request, 1_100_000) for place in (0, 1))
    assert second.amount == 10**6
    assert second_limit == first.amount == hops[0].amount_out
    assert first_limit == 1_100_000


@given(
    samples=st.lists(st.integers(0, 10**9), max_size=150),
    percentile=st.integers(0, 100),
    cap=st.integers(0, 10**9),
    floor=st.integers(0, 10**9),
    units=st.integers(1, 1_400_000),
)
def test_the_cap_holds_whatever_others_pay(samples: list[int], percentile: int, cap: int, floor: int, units: int) -> None:
    policy = PriorityFeePolicy(percentile=percentile, cap_lamports=cap, floor_micro_lamports=floor)
    price = compute_unit_price(policy, [samples], units)
    assert 0 <= priority_fee_lamports(units, price) <= cap
    wanted = max(floor, *(samples or [0])) if percentile == 100 else None
    if wanted is not None and wanted * units <= cap * 10**6:
        assert price == wanted


def test_the_bid_is_a_percentile_of_recent_fees() -> None:
    samples = [*range(1, 101)]
    for percentile, price in ((0, 1), (50, 50), (75, 75), (76, 76), (100, 100)):
        assert compute_unit_price(PriorityFeePolicy(percentile=percentile), [samples[::-1]], 100_000) == price
    assert compute_unit_price(PriorityFeePolicy(), [], 100_000) == 0
    assert compute_unit_price(PriorityFeePolicy(floor_micro_lamports=90), [samples], 100_000) == 90


def test_a_fixed_price_is_paid_or_refused_never_lowered() -> None:
    policy = PriorityFeePolicy(fixed_micro_lamports=1_000_000, cap_lamports=100)
    assert compute_unit_price(policy, [[5]], 100) == 1_000_000
    with pytest.raises(PriorityFeeTooHigh) as caught:
        compute_unit_price(policy, [[5]], 101)
    assert caught.value.context["priority_fee_lamports"] == "101"
    for wrong in ({"percentile": 101}, {"cap_lamports": -1}, {"fixed_micro_lamports": -1}):
        with pytest.raises(UsageError):
            PriorityFeePolicy(**wrong)


def test_price_impact_above_the_limit_is_refused_with_the_numbers() -> None:
    one = pool("one", (A, B), DEEP)
    quote = find_route([one], exact_in(A, B, 10**11))
    pools = {one.address: one}
    assert check_price_impact(quote, pools, 10_000) == check_price_impact(quote, pools, 907) == 907
    with pytest.raises(PriceImpactTooHigh) as caught:
        check_price_impact(quote, pools, 906)
    assert caught.value.context["price_impact_bps"] == 907
    with pytest.raises(UsageError):
        check_price_impact(quote, pools, 10_001)


def test_no_node_alone_decides_what_is_bid() -> None:
    """The median of the nodes: of three, one that lies moves nothing beyond what the honest say; of two, the lower counts."""

    def bid(*told: list[int]) -> int:
        return compute_unit_price(PriorityFeePolicy(cap_lamports=10_000), told, 100_000)

    assert bid([100] * 4) == bid([100] * 4, []) == 100
    assert bid([100] * 4, [300] * 4) == bid([300] * 4, [100] * 4) == 100
    for lie in ([0], [2**64 - 1] * 150):
        assert 100 <= bid([100] * 4, [300] * 4, lie) <= 300
    assert bid([2**64 - 1] * 150) == bid(*[[2**64 - 1]] * 3) == 100_000, "the cap, in lamports for the whole transaction"


class FeeNode(SvmCluster):
    """Tells fees after a while, or fails."""

    def __init__(self, told: tuple[int, ...] | Exception, after_s: float = 0) -> None:
        self.told, self.after_s = told, after_s

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        await asyncio.sleep(self.after_s)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


async def test_fees_are_asked_of_every_node_and_none_is_waited_for() -> None:
    silent, dead = FeeNode((9,), 60), FeeNode(RpcUnreachable("gone"))
    async with asyncio.timeout(30):
        assert await recent_fees([FeeNode((1,)), FeeNode((2, 3))], []) == ((1,), (2, 3))
        assert await recent_fees([dead, silent, FeeNode((2,), 0.05)], []) == ((2,),)
        assert await recent_fees([dead, FeeNode(())], []) == ()
        with pytest.raises(RpcUnreachable):
            await recent_fees([dead, dead], [])
        with pytest.raises(ZeroDivisionError):
            await recent_fees([FeeNode((1,)), FeeNode(ZeroDivisionError())], [])


@pytest.mark.parametrize("units", [50_000, 1_213_000, 1_214_700, 1_300_000])
def test_equal_swaps_are_told_apart_by_their_units_up_to_the_most_there_may_be(units: int) -> None:
    limits = {unit_limit(units, apart=apart) for apart in range(UNITS_APART)}
    assert len(limits) == UNITS_APART == 4_096
    assert units < min(limits) and max(limits) <= MAX_COMPUTE_UNITS
