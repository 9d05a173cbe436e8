"""Time-weighted prices from pool and ring bytes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from dexroute.errors import DecodeError, UsageError
from dexroute.fetchers.pool.oracle import decode_observations, time_weighted_price
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums, price_x64
from dexroute.types.accounts import AccountData
from tests.programs.samples import ADMIN, NOW, account_bytes, sample_pool

POOL = sample_pool()


def ring(observations: list[PriceSums], following: int, count: int | None = None, **changes: Any) -> AccountData:
    slots = [{"at": s.at, "cumulative_a_x64": s.a_x64, "cumulative_b_x64": s.b_x64} for s in observations]
    slots += [{"at": 0, "cumulative_a_x64": 0, "cumulative_b_x64": 0}] * (128 - len(slots))
    fields = {
        "pool": POOL.address,
        "next": following,
        "count": len(observations) if count is None else count,
        "observations": slots,
    }
    return AccountData(owner=DEFAULT_PROGRAM_ID, lamports=1, data=account_bytes("Oracle", fields | changes))


def sums(at: int, a_x64: int = 0) -> PriceSums:
    return PriceSums(a_x64=a_x64, b_x64=2 * a_x64, at=at)


def read(account: AccountData) -> tuple[PriceSums, ...]:
    return decode_observations(account, pool=POOL.address, program_id=DEFAULT_PROGRAM_ID)


def test_a_young_ring_and_a_full_one_read_oldest_first() -> None:
    assert read(ring([], 0)) == ()
    few = [sums(NOW + 20 * i, i) for i in range(3)]
    assert read(ring(few, 3)) == tuple(few)
    times = [sums(NOW + 20 * i, i) for i in range(128)]
    assert read(ring(times[100:] + times[:100], 28)) == tuple(times)


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (ring([], 0, count=129), "oracle.next"),
        (ring([], 128, count=128), "oracle.next"),
        (ring([sums(5)], 2), "oracle.next"),
        (ring([], 0, pool=ADMIN), "oracle.pool"),
        (ring([sums(5), sums(5)], 2), "oracle.at"),
        (replace(ring([], 0), data=ring([], 0).data[:-1]), "oracle.length"),
        (replace(ring([], 0), data=b"\0" * 5_164), "oracle.discriminator"),
        (replace(ring([], 0), owner=ADMIN), "oracle.owner"),
    ],
)
def test_impossible_rings_are_refused_by_field(account: AccountData, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(account)
    assert caught.value.field == field


def pool_after(history: list[tuple[int, tuple[int, int]]]) -> tuple[DexroutePool, tuple[PriceSums, ...]]:
    """A pool that had each of these reserves for so many seconds, observed at every change, read when the last span ends."""
    running, observed = sums(NOW), [sums(NOW)]
    for seconds, reserves in history[:-1]:
        running = running.extended(running.at + seconds, reserves)
        observed.append(running)
    seconds, reserves = history[-1]
    clock = replace(POOL.clock, unix_timestamp=running.at + seconds)
    return replace(POOL, reserves=reserves, sums=running, clock=clock), tuple(observed)


def test_mean_over_windows_by_hand() -> None:
    pool, observed = pool_after([(60, (1_000, 2_000)), (30, (1_000, 4_000)), (30, (1_000, 8_000))])
    short = time_weighted_price(pool, observed, 30)
    assert (short.a_in_b.ratio, short.b_in_a.ratio, short.end - short.start) == (Fraction(8), Fraction(1, 8), 30)
    middle = time_weighted_price(pool, observed, 31)
    assert (middle.a_in_b.ratio, middle.end - middle.start) == (Fraction(6), 60)
    whole = time_weighted_price(pool, observed, 120)
    assert whole.a_in_b.ratio == Fraction(60 * 2 + 30 * 4 + 30 * 8, 120)


def test_sums_wrap_without_harm() -> None:
    almost = PriceSums(a_x64=2**128 - 1, b_x64=2**128 - 1, at=NOW)
    pool = replace(POOL, sums=almost, reserves=(1, 3), clock=replace(POOL.clock, unix_timestamp=NOW + 100))
    assert time_weighted_price(pool, (almost,), 100).a_in_b.ratio == 3


def test_windows_nobody_can_answer_say_the_longest() -> None:
    pool, observed = pool_after([(60, (1_000, 2_000)), (40, (1_000, 4_000))])
    for window_s in (101, 0, -5):
        with pytest.raises(UsageError) as caught:
            time_weighted_price(pool, observed, window_s)
        assert caught.value.context["longest_s"] == 100
    with pytest.raises(UsageError):
        time_weighted_price(pool, (), 1)


def test_price_is_a_q64_rounded_down() -> None:
    assert price_x64(3, 1) == (1 << 64) // 3
    assert price_x64(1, 2**64 - 1) == (2**64 - 1) << 64


def test_sums_stand_still_without_time_or_price() -> None:
    start = sums(NOW, 7)
    assert start.extended(NOW, (1, 1)) is start
    assert start.extended(NOW - 5, (1, 1)) is start
    assert start.extended(NOW + 5, (0, 0)) is start
