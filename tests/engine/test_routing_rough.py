"""Flows over merged pieces: what merging keeps, and how near such a flow is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing_markets import generated_market
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import Order, many_pieces, solve_network
from dexroute.engine.routing.pieces import merged

MADE = generated_market(400, 12, seed=7)
MARKET = Market(MADE.pools)
WITHIN = 0.01


def test_merged_pieces_take_and_give_what_they_did_from_the_same_price_on() -> None:
    fewer = 0
    for edge in range(len(MARKET.source)):
        steps = MARKET.curve(edge)
        amounts, slopes, bends = merged(steps.columns, WITHIN)
        assert amounts.sum() == pytest.approx(steps.capacity_in, rel=1e-9)
        assert (slopes * amounts / (1.0 + bends * amounts)).sum() == pytest.approx(steps.capacity_out, rel=1e-9)
        assert slopes[0] == steps.pieces[0].slope
        assert (bends >= 0.0).all()
        fewer += len(amounts) < len(steps.pieces)
    assert fewer > 100


def test_merged_pieces_stay_beside_the_curve() -> None:
    looked = 0
    for edge in range(len(MARKET.source)):
        steps = MARKET.curve(edge)
        amounts, slopes, bends = merged(steps.columns, WITHIN)
        if len(amounts) == len(steps.pieces):
            continue
        ends = np.cumsum(amounts)
        for x in np.linspace(0.05, 0.95, 7) * steps.capacity_in:
            place = int(np.searchsorted(ends, x))
            before = ends[place] - amounts[place]
            whole = (slopes * amounts / (1.0 + bends * amounts))[:place].sum()
            out = whole + slopes[place] * (x - before) / (1.0 + bends[place] * (x - before))
            assert out == pytest.approx(steps.amount_out(float(x)), rel=WITHIN)
            looked += 1
    assert looked > 500


def test_a_piece_alone_stays_as_it_is() -> None:
    columns = np.array([[5.0], [2.0], [0.1]])
    assert merged(columns, WITHIN) is columns
    apart = np.array([[5.0, 5.0], [2.0, 1.0], [0.0, 0.0]])
    assert merged(apart, WITHIN) is apart
    nothing = np.empty((3, 0))
    assert merged(nothing, WITHIN) is nothing


@pytest.mark.parametrize("exact_in", [True, False])
def test_a_rough_flow_is_about_a_basis_point_off(exact_in: bool) -> None:
    edges = list(range(len(MARKET.source)))
    assert many_pieces(MARKET, edges)
    worths = {
        number: MADE.worths[place] for place, mint in enumerate(MADE.mints) if (number := MARKET.number_of[mint.address]) >= 0
    }
    source, target = (MARKET.number_of[MADE.mints[place].address] for place in (0, 1))
    amount = 0.02 * min(MADE.depths[0], MADE.depths[1]) / MADE.worths[0 if exact_in else 1]
    order = Order(input=source, output=target, amount=amount, exact_in=exact_in, keep=1.0, handicap={})
    exact, rough = (solve_network(MARKET, edges, order, worths, tolerance=1e-7, rough=rough) for rough in (False, True))
    assert exact.solved and rough.solved
    assert rough.rough and not exact.rough
    assert rough.value == pytest.approx(exact.value, rel=2e-4)
    assert rough.value != exact.value
