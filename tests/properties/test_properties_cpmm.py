"""The constant-product curve and proportional fees: rounding stands with the pool, and inverses are the cheapest ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.math import cpmm
from dexroute.math.fee_rate import fee_inside, gross_for_net
from dexroute.math.rounding import U64_MAX

amounts = st.one_of(st.integers(1, 1_000), st.integers(1, U64_MAX))
SCALE = 1_000_000


@given(amounts, amounts, amounts)
def test_the_product_never_falls_and_the_reserve_never_empties(amount: int, reserve_in: int, reserve_out: int) -> None:
    out = cpmm.amount_out(amount, reserve_in, reserve_out)
    assert 0 <= out < reserve_out
    assert (reserve_in + amount) * (reserve_out - out) >= reserve_in * reserve_out
    # One unit more could not have been paid.
    assert (reserve_in + amount) * (reserve_out - out - 1) < reserve_in * reserve_out


@given(amounts, amounts, amounts)
def test_amount_in_is_the_least_that_buys_the_output(amount: int, reserve_in: int, reserve_out: int) -> None:
    if amount >= reserve_out:
        with pytest.raises(ValueError, match="cannot be bought"):
            cpmm.amount_in(amount, reserve_in, reserve_out)
        return
    needed = cpmm.amount_in(amount, reserve_in, reserve_out)
    assert cpmm.amount_out(needed, reserve_in, reserve_out) >= amount
    assert needed == 0 or cpmm.amount_out(needed - 1, reserve_in, reserve_out) < amount


def test_what_has_no_price_is_no_number() -> None:
    for arguments in ((0, 0, 5), (-1, 5, 5), (1, -1, 5), (1, 5, -1)):
        with pytest.raises(ValueError, match="no constant-product price"):
            cpmm.amount_out(*arguments)


@given(amounts, st.integers(0, SCALE - 1))
def test_gross_for_net_is_the_least_amount_that_leaves_the_net(net: int, rate: int) -> None:
    gross = gross_for_net(net, rate, SCALE)
    assert gross - fee_inside(gross, rate, SCALE) >= net
    assert gross - 1 - fee_inside(gross - 1, rate, SCALE) < net


def test_a_fee_of_everything_has_no_gross_amount() -> None:
    for rate in (SCALE, SCALE + 1):
        with pytest.raises(ValueError, match="leaves nothing"):
            gross_for_net(1, rate, SCALE)
