"""Bin prices rise with the id by one step, and stay within what their truncations can lose."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.math.bin_price import bin_price_x64
from dexroute.math.q64 import ONE_X64
from tests.vectors import state_named

steps = st.sampled_from((1, 2, 5, 10, 20, 25, 80, 100, 400))


@given(steps, st.integers(-2_000, 2_000))
def test_the_price_is_the_power_to_a_billionth(step_bps: int, bin_id: int) -> None:
    if step_bps * abs(bin_id) > 200_000:
        bin_id = bin_id % 500
    exact = Fraction(10_000 + step_bps, 10_000) ** bin_id
    price = Fraction(bin_price_x64(bin_id, step_bps), ONE_X64)
    assert abs(price / exact - 1) < Fraction(1, 10**9)


@given(steps, st.integers(-700, 700))
def test_prices_rise_with_the_id(step_bps: int, bin_id: int) -> None:
    assert bin_price_x64(bin_id, step_bps) < bin_price_x64(bin_id + 1, step_bps)


def test_bin_zero_is_one_to_one_and_one_step_down_is_the_reciprocal_truncated() -> None:
    assert bin_price_x64(0, 25) == ONE_X64
    assert bin_price_x64(-1, 100) == (2**128 - 1) // (ONE_X64 + ONE_X64 // 100)


def test_prices_are_those_the_program_stored() -> None:
    compared = 0
    for name in ("many-arrays-step10", "extreme-price-step100", "bitmap-extension-positive"):
        state = state_named("meteora-dlmm", name)
        pair = state.snapshot.accounts[state.pool]
        assert pair is not None
        step_bps = int.from_bytes(pair.data[80:82], "little")
        for account in state.snapshot.accounts.values():
            if account is None or len(account.data) != 10_136:
                continue
            first_id = 70 * int.from_bytes(account.data[8:16], "little", signed=True)
            for position in range(70):
                offset = 56 + 144 * position + 16
                if stored := int.from_bytes(account.data[offset : offset + 16], "little"):
                    assert bin_price_x64(first_id + position, step_bps) == stored
                    compared += 1
    assert compared > 200


def test_a_price_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="no price"):
        bin_price_x64(200_000, 100)
