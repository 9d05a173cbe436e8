"""Shares of a whole that add up to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dexroute.cli.rounding import share_texts
from dexroute.math.rounding import apportion


@given(st.integers(0, 10**6), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8).filter(any))
def test_no_share_is_a_whole_unit_off_and_none_is_lost(whole: int, parts: list[int]) -> None:
    shares = apportion(whole, parts)
    assert sum(shares) == whole
    for share, part in zip(shares, parts, strict=True):
        assert abs(share * sum(parts) - whole * part) < sum(parts)
    assert apportion(whole, [part * 3 for part in parts]) == shares


def test_shares_for_reading() -> None:
    assert share_texts([833_366, 166_634]) == ["83.34 %", "16.66 %"]
    assert share_texts([333_334, 333_333, 333_333]) == ["33.34 %", "33.33 %", "33.33 %"]
    assert share_texts([1_000_000]) == ["100.00 %"]
    assert share_texts([999_999, 1]) == ["100.00 %", "0.00 %"]
