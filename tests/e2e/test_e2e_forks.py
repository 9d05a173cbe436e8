"""A block that was confirmed and then never happened."""

from __future__ import annotations

import pytest
from solders.signature import Signature

from tests.e2e.chain import Pace
from tests.e2e.conftest import Opener
from tests.e2e.stage import Stage


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_confirmed_swap_that_lost_its_block_lands_once(open_stage: Opener, comes_back: bool) -> None:
    """By itself, or because the same bytes are sent again: in the end there is one swap, of the one signature."""
    stage: Stage = await open_stage(Pace(slot_ms=400, finalize_after=150, hash_blocks=2_000))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    stage.chain.let_pass(160)  # what was done so far is finalized
    first = await stage.dex("swap", "5", str(a), str(b), "--yes")
    assert first["state"] == "CONFIRMED" and stage.holding(a) == 10**9 - 5_000_000
    sends = len(stage.node.sent)
    assert stage.chain.fork(140, lambda _: comes_back) == 1
    assert stage.landed() == [] and stage.holding(a) == 10**9, "the swap never happened"
    for _ in range(20):
        await stage.dex("orders", "resume")
        if first["signature"] in stage.landed():
            break
    (order,) = (await stage.dex("orders", "list"))["orders"]
    assert order["state"] == "CONFIRMED" and order["signature"] == first["signature"]
    assert stage.landed() == [order["signature"]] and len(set(stage.node.sent)) == 1
    assert comes_back or len(stage.node.sent) > sends, "what vanished was sent again"
    assert order["slot"] == stage.chain.landed[Signature.from_string(order["signature"])].slot
    assert 10**9 - stage.holding(a) == int(order["amount_in"]) and stage.holding(b) == int(order["amount_out"])
