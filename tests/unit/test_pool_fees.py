"""The fee that follows volatility: worked values from the specification, and what must hold for every state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.volatility import Volatility, price_move_bps
from tests.programs.samples import NOW, TERMS, U64, fee_terms


@pytest.mark.parametrize(
    ("volatility_bps", "fee_ppm"),
    [(0, 3_000), (1, 3_001), (10, 3_020), (100, 5_000), (141, 6_977), (500, 53_000), (10_000, 100_000)],
)
def test_fee_grows_with_the_square_of_volatility(volatility_bps: int, fee_ppm: int) -> None:
    assert TERMS.fee_ppm(volatility_bps) == fee_ppm


@given(fee_terms(), st.integers(0, 9_999))
def test_fee_never_falls_with_volatility_and_has_a_ceiling(terms: FeeTerms, bps: int) -> None:
    assert terms.base_fee_ppm <= terms.fee_ppm(bps) <= terms.fee_ppm(bps + 1) <= 100_000


@pytest.mark.parametrize(
    ("elapsed", "remembered"),
    [(-5, 300), (0, 300), (30, 300), (31, 299), (315, 150), (598, 1), (599, 0), (600, 0), (10**9, 0)],
)
def test_volatility_is_held_then_decays(elapsed: int, remembered: int) -> None:
    assert Volatility(bps=300, last_swap_at=NOW).at(NOW + elapsed, TERMS) == remembered


@given(fee_terms(), st.integers(0, 10_000), st.integers(0, 20_000))
def test_memory_never_grows_by_waiting(terms: FeeTerms, bps: int, elapsed: int) -> None:
    memory = Volatility(bps=bps, last_swap_at=NOW)
    assert memory.at(NOW + elapsed, terms) >= memory.at(NOW + elapsed + 1, terms)
    assert memory.at(NOW + terms.decay_period_s + 1, terms) == 0


def test_first_swap_sets_the_reference_even_within_the_filter_period() -> None:
    after = Volatility().after_swap(5, TERMS, (1_000, 1_000), (1_010, 991))
    assert after == Volatility(bps=188, carried_bps=0, reference=(1_000, 1_000), last_swap_at=5)


def test_a_burst_keeps_its_reference_and_what_it_inherited() -> None:
    start = Volatility(bps=100, carried_bps=0, reference=(500, 500), last_swap_at=NOW)
    second = start.after_swap(NOW + 315, TERMS, (1_000_000, 1_000_000), (1_005_000, 995_025))
    assert (second.reference, second.carried_bps) == ((1_000_000, 1_000_000), 50)
    assert second.bps == 50 + 99
    third = second.after_swap(NOW + 345, TERMS, (1_005_000, 995_025), (1_000_000, 1_000_000))
    assert (third.reference, third.carried_bps, third.bps) == ((1_000_000, 1_000_000), 50, 50)
    assert third.last_swap_at == NOW + 345


def test_volatility_stops_at_its_maximum() -> None:
    assert Volatility().after_swap(NOW, TERMS, (1_000, 1_000), (2_000, 501)).bps == TERMS.max_volatility_bps


def test_there_and_back_is_no_move_and_no_measure_is_the_ceiling() -> None:
    assert price_move_bps((7, 9), (7, 9), ceiling=500) == 0
    assert price_move_bps((7, 9), (14, 18), ceiling=500) == 0
    assert price_move_bps((1, 1), (1, 2**50 - 1), ceiling=500) == (2**50 - 2) * 10_000
    assert price_move_bps((1, 1), (1, 2**64 - 1), ceiling=500) == 500
    assert price_move_bps((2**64 - 1, 1), (1, 2**64 - 1), ceiling=500) == 500


@settings(max_examples=200)
@given(U64, U64, U64, U64)
def test_shifted_move_is_within_rounding_of_the_exact_one(ref_a: int, ref_b: int, res_a: int, res_b: int) -> None:
    x, y = res_b * ref_a, ref_b * res_a
    moved = price_move_bps((ref_a, ref_b), (res_a, res_b), ceiling=10**30)
    exact = abs(x - y) * 10_000 // y
    if exact <= 10_000:
        # 50 leading bits of the larger: the smaller keeps at least 49 where they differ by less than a factor of two
        assert abs(moved - exact) <= 1
    else:
        assert moved > 9_990


def test_splitting_a_swap_does_not_lower_the_mark() -> None:
    once = Volatility().after_swap(NOW, TERMS, (10**9, 10**9), (1_010_000_000, 990_099_010))
    step = Volatility().after_swap(NOW, TERMS, (10**9, 10**9), (1_005_000_000, 995_024_876))
    twice = step.after_swap(NOW, TERMS, (1_005_000_000, 995_024_876), (1_010_000_000, 990_099_010))
    assert once == twice


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"base_fee_ppm": 100_001}, "base_fee_ppm"),
        ({"protocol_share_ppm": 500_001}, "protocol_share_ppm"),
        ({"dynamic_fee_ppm": -1}, "dynamic_fee_ppm"),
        ({"max_volatility_bps": 10_001}, "max_volatility_bps"),
        ({"decay_period_s": 2**32}, "decay_period_s"),
        ({"decay_period_s": 30}, "not longer"),
        ({"filter_period_s": 0, "decay_period_s": 0}, "not longer"),
        ({"filter_period_s": 5, "decay_period_s": 5, "dynamic_fee_ppm": 0}, "not longer"),
    ],
)
def test_impossible_terms_say_why(change: dict[str, int], fault: str) -> None:
    assert fault in (replace(TERMS, **change).fault() or "")


def test_possible_terms() -> None:
    assert TERMS.fault() is None
    assert FeeTerms(base_fee_ppm=0).fault() is None
    assert FeeTerms(base_fee_ppm=100_000, protocol_share_ppm=500_000, dynamic_fee_ppm=100_000, max_volatility_bps=10_000,
                    filter_period_s=2**32 - 2, decay_period_s=2**32 - 1).fault() is None  # fmt: skip


def test_protocol_part_rounds_down() -> None:
    assert [TERMS.protocol_part(fee) for fee in (0, 4, 5, 9, 10)] == [0, 0, 1, 1, 2]
