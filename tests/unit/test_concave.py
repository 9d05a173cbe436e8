"""Concave curves in pieces: hulls over dents, fees with caps, and the inverse."""

from __future__ import annotations

from itertools import pairwise, repeat
from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.fetchers.curve import Curve
from dexroute.math.concave import Piece, concave, less_input_fee, less_output_fee

pieces_of_any_slope = st.lists(
    st.builds(Piece, st.floats(1.0, 1e6), st.floats(1e-3, 1e3), st.sampled_from([0.0, 1e-9, 1e-6, 1e-3, 1.0])),
    min_size=1,
    max_size=8,
)
shares = st.one_of(st.just(0.0), st.floats(1e-9, 1.0))


def value_of(pieces: list[Piece], x: float) -> float:
    """Laid end to end, dents and all."""
    out = 0.0
    for piece in pieces:
        if x <= piece.amount_in:
            return out + piece.out(x)
        x -= piece.amount_in
        out += piece.amount_out
    return out


@given(pieces=pieces_of_any_slope, share=shares, cut=st.floats(0.1, 1.0))
def test_the_hull_is_concave_and_nowhere_below(pieces: list[Piece], share: float, cut: float) -> None:
    most = cut * sum(piece.amount_in for piece in pieces)
    hull = Curve(concave(pieces, most), True)
    assert isclose(hull.capacity_in, most, rel_tol=1e-9)
    for before, after in pairwise(hull.pieces):
        assert after.slope <= before.end_slope * (1 + 1e-9)
    x = share * most
    assert hull.amount_out(x) >= value_of(pieces, x) * (1 - 1e-9)
    assert isclose(hull.capacity_out, value_of(pieces, most), rel_tol=1e-9)


@given(pieces=pieces_of_any_slope, share=shares)
def test_the_hull_is_the_least_one(pieces: list[Piece], share: float) -> None:
    """At every point it lies on the pieces, or on a straight line between two points that do."""
    most = sum(piece.amount_in for piece in pieces)
    hull = concave(pieces, most)
    at = 0.0
    for piece in hull:
        start, end = at, at + piece.amount_in
        on_pieces = [isclose(Curve(hull, True).amount_out(x), value_of(pieces, x), rel_tol=1e-6) for x in (start, end)]
        assert all(on_pieces)
        at = end


def test_pieces_that_are_concave_already_stay_as_they_are() -> None:
    pieces = (Piece(10.0, 2.0, 0.1), Piece(5.0, 0.4, 0.0), Piece(1.0, 0.1, 0.3))
    assert concave(pieces, 100.0) == pieces
    assert concave(pieces, 12.0) == (pieces[0], Piece(2.0, 0.4, 0.0))
    assert concave((), 5.0) == ()


def test_a_pool_of_pieces_is_not_read_further_than_asked() -> None:
    assert [piece.amount_in for piece in concave(repeat(Piece(1.0, 1.0, 0.0)), 2.5)] == [1.0, 1.0, 0.5]


@given(pieces=pieces_of_any_slope, rate=st.sampled_from([0.01, 0.3, 0.999]), cap=st.floats(1e-3, 1e5), share=shares)
def test_fees_with_a_cap(pieces: list[Piece], rate: float, cap: float, share: float) -> None:
    net = share * sum(piece.amount_in for piece in pieces)
    gross = net / (1 - rate) if net * rate / (1 - rate) <= cap else net + cap
    assert isclose(value_of(list(less_input_fee(pieces, rate, cap)), gross), value_of(pieces, net), rel_tol=1e-6)
    out = value_of(pieces, net)
    assert isclose(value_of(list(less_output_fee(pieces, rate, cap)), net), out - min(rate * out, cap), rel_tol=1e-6, abs_tol=1e-9)


def test_a_transfer_fee_of_everything_leaves_what_is_above_its_cap() -> None:
    pieces = [Piece(100.0, 2.0, 0.01)]
    gross = list(less_input_fee(pieces, 1.0, 7.0))
    assert value_of(gross, 7.0) == 0.0
    assert isclose(value_of(gross, 57.0), pieces[0].out(50.0))
    arriving = list(less_output_fee(pieces, 1.0, 7.0))
    assert isclose(value_of(arriving, 50.0), pieces[0].out(50.0) - 7.0)


@given(pieces=pieces_of_any_slope, share=shares)
def test_the_inverse_undoes_the_curve(pieces: list[Piece], share: float) -> None:
    curve = Curve(concave(pieces, inf), True)
    x = share * curve.capacity_in
    assert isclose(curve.amount_out(curve.amount_in(curve.amount_out(x))), curve.amount_out(x), rel_tol=1e-9)
    assert curve.amount_in(curve.capacity_out * 1.001) == inf
    assert curve.marginal(x) >= 0.0
    assert curve.marginal(curve.capacity_in * 1.001) == 0.0
    assert curve.amount_out(curve.capacity_in * 2) == pytest.approx(curve.capacity_out)
