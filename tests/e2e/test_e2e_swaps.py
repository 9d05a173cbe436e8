"""Quotes and swaps of our own pools on a plain node: what the command says is what the server did."""

from __future__ import annotations

from tests.e2e.conftest import Opener
from tests.e2e.stage import NATIVE, Stage


async def test_a_quote_then_the_swap_it_promised(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b = stage.token(6), stage.token(9, fee_bps=100)
    pool = stage.own_pool(a, b, (10**12, 2 * 10**12))
    small = stage.own_pool(a, b, (10**9, 2 * 10**9), index=1)
    stage.give(a, 10**9)
    quote = await stage.dex("quote", "5", str(a), str(b))
    assert stage.landed() == [] and stage.node.sent == []
    # each pool by itself and the order split over both: the deep pool alone wins, net of what a second leg costs
    winner, *rest = ([*candidate["pools"]] for candidate in quote["candidates"])
    assert winner == [str(pool)] and sorted(map(sorted, rest)) == sorted([[str(small)], sorted([str(pool), str(small)])])
    order = await stage.swap("5", str(a), str(b))
    assert (
        (order["amount_in"], order["amount_out"]) == (quote["amount_in"], quote["amount_out"]) == ("5000000", quote["amount_out"])
    )
    assert order["min_amount_out"] == quote["min_amount_out"]
    assert order["route"]["legs"][0]["hops"][0]["pool"] == str(pool)


async def test_lamports_through_two_pools_and_back(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b = stage.token(6), stage.token(8)
    stage.own_pool(NATIVE, a, (10**12, 150 * 10**9))
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    order = await stage.swap("0.25", "SOL", str(b))
    assert order["amount_in"] == "250000000" and len(order["route"]["legs"][0]["hops"]) == 2
    (residual,) = order["costs"]["residuals"]
    assert (residual["mint"], int(residual["amount"])) == (str(a), stage.holding(a))
    back = await stage.swap("0.1", str(b), "SOL", "--exact-out")
    assert back["amount_out"] == "100000000" and int(back["amount_in"]) <= int(back["max_amount_in"])
