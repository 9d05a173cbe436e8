"""Gaps in a node's ledger, told by the heights of the blocks it lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.chain.rpc import RpcClient
from dexroute.chain.rpc.blocks import has_blocks
from dexroute.chain.rpc.fields import Field
from dexroute.errors import AccessRefused, RpcError
from tests.chain.scripted_node import ScriptedNode


class Ledger:
    """The slots a node has blocks of, with their heights."""

    def __init__(self, heights: Mapping[int, int | None]) -> None:
        self.heights = heights
        self.asked: list[str] = []

    async def read(self, method: str, params: list[Any]) -> Field:
        self.asked.append(method)
        if method == "getBlocksWithLimit":
            start, limit, _ = params
            return Field(method, "result", sorted(slot for slot in self.heights if slot >= start)[:limit])
        return Field(method, "result", {"blockHeight": self.heights[params[0]], "parentSlot": 0})


def whole(first: int, slots: list[bool]) -> dict[int, int]:
    """A chain from a slot on with a block in each of these."""
    made = [first + place for place, has_block in enumerate(slots) if has_block]
    return {slot: 7_000 + number for number, slot in enumerate(made)}


@given(st.lists(st.booleans(), min_size=20, max_size=120).map(lambda some: [True, *some, True]), st.data())
def test_a_block_that_is_missing_is_noticed_wherever_it_could_hold_the_bytes(slots: list[bool], data: st.DataObject) -> None:
    chain = whole(100, slots)
    made = sorted(chain)
    since_slot = data.draw(st.integers(made[1], made[-1]), label="since slot")
    begins = max(slot for slot in made if slot <= since_slot)
    until_height = data.draw(st.integers(chain[begins], 7_000 + len(made) + 1), label="until height")
    assert asyncio.run(has_blocks(Ledger(chain).read, since_slot, until_height)) == (until_height + 1 <= chain[made[-1]])
    lost = data.draw(st.sets(st.sampled_from(made), min_size=1), label="lost")
    left = {slot: height for slot, height in chain.items() if slot not in lost}
    needed = {slot for slot, height in chain.items() if slot >= since_slot and height <= until_height}
    told = asyncio.run(has_blocks(Ledger(left).read, since_slot, until_height))
    if lost & needed or until_height + 1 > chain[made[-1]]:
        assert told is False


def test_slots_without_a_block_are_no_gap_however_many() -> None:
    heights = {slot: slot - 1_000 for slot in range(2_000, 2_200)} | {slot: slot - 9_000 for slot in range(10_200, 10_600)}
    ledger = Ledger(heights)
    assert asyncio.run(has_blocks(ledger.read, 2_150, 1_340)) is True
    assert ledger.asked == ["getBlocksWithLimit", "getBlock", "getBlock"]
    assert asyncio.run(has_blocks(Ledger(heights).read, 1_999, 1_340)) is False, "it begins later"
    assert asyncio.run(has_blocks(Ledger({}).read, 1_999, 1_340)) is False
    assert asyncio.run(has_blocks(Ledger(dict.fromkeys(heights)).read, 2_150, 1_340)) is None, "old blocks may have no height"


async def test_what_is_asked_and_what_refusals_mean(node: ScriptedNode, client: RpcClient) -> None:
    node.answers([700, 702, 703])
    node.answers({"blockHeight": 600, "parentSlot": 699})
    node.answers({"blockHeight": 602, "parentSlot": 702})
    assert await client.has_blocks(1_212, 601) is True
    asked = [(question["method"], question["params"]) for question in node.questions]
    shown = {"commitment": "finalized", "transactionDetails": "none", "rewards": False, "maxSupportedTransactionVersion": 0}
    assert asked == [
        ("getBlocksWithLimit", [700, 1_000, {"commitment": "finalized"}]),
        ("getBlock", [700, shown]),
        ("getBlock", [703, shown]),
    ]
    node.replies.clear()
    node.refuses(-32601)
    assert await client.has_blocks(1_212, 601) is None
    node.replies.clear()
    node.says(b"no", 403)
    assert await client.has_blocks(1_212, 601) is None
    for code in (-32004, -32007, -32011):
        node.replies.clear()
        node.answers([700, 702, 703])
        node.refuses(code, "missing due to ledger jump")
        with pytest.raises(RpcError) as refused:
            await client.has_blocks(1_212, 601)
        assert not isinstance(refused.value, AccessRefused)
    wrong: list[Any] = [{"blocks": []}, [None], ["700"], [-1]]
    for nonsense in wrong:
        node.replies.clear()
        node.answers(nonsense)
        with pytest.raises(RpcError, match="getBlocksWithLimit: malformed"):
            await client.has_blocks(1_212, 601)
