"""Guards that compare a route with the world outside it: reference prices, price feeds, the age of what was read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.planning.guards import check_slot_age
from dexroute.engine.planning.reference_price import (
    OracleGuard,
    ReferencePrice,
    check_deviation,
    deviation_bps,
    oracle_reference,
    pools_reference,
)
from dexroute.engine.routing import RouteQuote
from dexroute.errors import OracleUnusable, PriceDeviation, StaleSnapshot, UsageError
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.accounts import AccountSnapshot, ChainClock
from dexroute.types.mints import Mint
from dexroute.types.routes import Hop, Leg, Route
from tests.engine.small_market import SWAPS_OFF, mint, pool
from tests.pyth import price_update

A, B, C = (mint(name) for name in "ABC")
SOL = Mint(address=A.address, decimals=9, token_program=A.token_program)
CLOCK = ChainClock(slot=500, epoch=1, unix_timestamp=1_000_000)


def reference(*pools: CpmmPool) -> ReferencePrice | None:
    return pools_reference(pools, {one.address: one.vault_amounts for one in pools}, A.address, B.address)


def quoted(amount_in: int, amount_out: int) -> RouteQuote:
    hop = Hop(
        venue_id="x",
        pool=A.address,
        input_mint=A.address,
        output_mint=B.address,
        amount_in=amount_in,
        amount_out=amount_out,
        fees=(),
    )
    return RouteQuote(amount_in=amount_in, amount_out=amount_out, route=Route(legs=(Leg(hops=(hop,)),)), bound=None)


def test_a_shallow_pool_does_not_move_the_median() -> None:
    deep = [pool("1", (A, B), (10**9, 2 * 10**9)), pool("2", (B, A), (3 * 10**9, 10**9))]
    pushed = [pool(f"p{number}", (A, B), (10**3, 10**6)) for number in range(5)]
    found = reference(*deep, *pushed)
    assert found is not None and found.ratio == 3, "the deepest quotes 3, and half of all there is to be had is in it"
    assert found.pools == 7
    (cheap,) = [pool("1", (A, B), (10**9, 2 * 10**9))]
    alone = reference(cheap)
    assert alone is not None and alone.ratio == 2 and alone.pools == 1


def test_two_hops_count_as_one_pool_as_deep_as_their_shallower_half() -> None:
    there, back = pool("there", (A, C), (10**9, 10**10)), pool("back", (C, B), (10**9, 5 * 10**8))
    between = reference(there, back)
    assert between is not None and between.ratio == 5 and between.pools == 2, "ten, halved"
    outweighed = reference(there, back, pool("direct", (A, B), (6 * 10**8, 6 * 10**8)))
    assert outweighed is not None and outweighed.ratio == 1, "the direct pool holds 600m, the path's halves 5,000m and 500m"
    outweighing = reference(there, back, pool("direct", (A, B), (4 * 10**8, 4 * 10**8)))
    assert outweighing is not None and outweighing.ratio == 5


def test_pools_that_say_nothing_are_left_out() -> None:
    closed = pool("closed", (A, B), (10**12, 10**12), status=SWAPS_OFF)
    empty = pool("empty", (A, B), (0, 0))
    assert reference(closed, empty) is None
    assert reference(pool("elsewhere", (A, C), (10**9, 10**9))) is None
    found = reference(closed, empty, pool("open", (A, B), (10**6, 7 * 10**6)))
    assert found is not None and found.ratio == 7 and found.pools == 1


def test_the_limit_is_exact_and_only_a_shortfall_counts() -> None:
    at_two = ReferencePrice(ratio=Fraction(2), source="here")
    assert deviation_bps(quoted(10_000, 19_900), at_two) == 50
    check_deviation(quoted(10_000, 19_900), [at_two], 50)
    check_deviation(quoted(10_000, 40_000), [at_two], 0)
    with pytest.raises(PriceDeviation) as refused:
        check_deviation(quoted(10_000, 19_899), [at_two, ReferencePrice(ratio=Fraction(1), source="there")], 50)
    context = refused.value.context
    assert (context["deviation_bps"], context["max_deviation_bps"], context["reference"]) == (51, 50, "here")
    assert (context["amount_in"], context["amount_out"], context["reference_amount_out"]) == ("10000", "19899", "20000")
    assert refused.value.exit_code == 4
    for number in ("19899", "20000", "51 bps", "50 bps"):
        assert number in refused.value.message
    check_deviation(quoted(10_000, 1), [at_two], 10_000)


def test_without_a_reference_a_limit_refuses_and_no_limit_does_not() -> None:
    check_deviation(quoted(1, 1), [], 10_000)
    with pytest.raises(PriceDeviation, match="no reference price"):
        check_deviation(quoted(1, 1), [], 9_999)
    for limit in (-1, 10_001):
        with pytest.raises(UsageError):
            check_deviation(quoted(1, 1), [], limit)


FEEDS = (Pubkey.new_unique(), Pubkey.new_unique())


def oracle(paid: dict[str, int], got: dict[str, int], **limits: int) -> ReferencePrice:
    accounts = {}
    for feed, said in zip(FEEDS, (paid, got), strict=True):
        accounts[feed] = price_update(
            price=said["price"],
            exponent=said["exponent"],
            confidence=said.get("confidence", 0),
            publish_time=said.get("publish_time", CLOCK.unix_timestamp),
        )
    guard = OracleGuard(feeds=((SOL.address, FEEDS[0]), (B.address, FEEDS[1])), **limits)
    return oracle_reference(guard, AccountSnapshot(clock=CLOCK, accounts=accounts), SOL, B)


def test_two_feeds_make_a_price_in_base_units() -> None:
    found = oracle({"price": 150_00, "exponent": -2}, {"price": 99_980_000, "exponent": -8})
    assert found.ratio == Fraction(15_000, 100) / Fraction(9_998, 10_000) / 1000, "150 dollars, over 0.9998, 9 and 6 decimals"
    assert all(str(feed) in found.source for feed in FEEDS)


def test_stale_and_unsure_feeds_are_refused() -> None:
    good = {"price": 10_000, "exponent": -2}
    assert oracle({**good, "publish_time": CLOCK.unix_timestamp - 60, "confidence": 100}, good).ratio == Fraction(1, 1000)
    for bad, context in (
        ({"publish_time": CLOCK.unix_timestamp - 61}, ("age_s", 61, "max_age_s", 60)),
        ({"publish_time": CLOCK.unix_timestamp + 61}, ("age_s", -61, "max_age_s", 60)),
        ({"confidence": 101}, ("confidence_bps", 101, "max_confidence_bps", 100)),
    ):
        for feeds in (({**good, **bad}, good), (good, {**good, **bad})):
            with pytest.raises(OracleUnusable) as refused:
                oracle(*feeds)
            found = refused.value.context
            assert (found[context[0]], found[context[2]]) == (context[1], context[3])
            assert refused.value.exit_code == 4
    assert oracle({**good, "publish_time": CLOCK.unix_timestamp - 61}, good, max_age_s=61).ratio
    with pytest.raises(UsageError, match="no price feed is named"):
        oracle_reference(OracleGuard(feeds=((B.address, FEEDS[1]),)), AccountSnapshot(clock=CLOCK, accounts={}), SOL, B)


def test_slots_behind_are_counted_and_refused_above_the_limit() -> None:
    assert check_slot_age(100, 100, 0) == 0
    assert check_slot_age(100, 107, 7) == 7
    assert check_slot_age(100, 99, 0) == 0, "the snapshot itself is the newest thing known"
    with pytest.raises(StaleSnapshot) as refused:
        check_slot_age(100, 108, 7)
    context = refused.value.context
    assert (context["slot"], context["newest_slot"], context["slot_age"], context["max_slot_age"]) == (100, 108, 8, 7)
    assert refused.value.exit_code == 4 and refused.value.retryable
    with pytest.raises(UsageError):
        check_slot_age(1, 1, -1)
