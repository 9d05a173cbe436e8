"""Statuses asked for at the same time are one question to the node; each caller gets its own part of the answer, or its failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from solders.signature import Signature

from dexroute.chain.rpc.together import Statuses, StatusQuestions
from dexroute.errors import RpcUnreachable
from dexroute.types.chain import Commitment, SignatureStatus

MOST = 4


class Node:
    """Answers when it is let, with the number of the question as the slot; knows `landed`."""

    def __init__(self) -> None:
        self.questions: list[list[Signature]] = []
        self.landed: set[Signature] = set()
        self.gate = asyncio.Semaphore(0)
        self.fails = False

    async def ask(self, signatures: Sequence[Signature], search_history: bool) -> Statuses:
        self.questions.append(list(signatures))
        number = len(self.questions)
        await self.gate.acquire()
        if self.fails:
            raise RpcUnreachable("down")
        status = SignatureStatus(slot=9, commitment=Commitment.CONFIRMED, error=None)
        return number, tuple(status if one in self.landed else None for one in signatures)


async def started(together: StatusQuestions, *asked: list[Signature]) -> list[asyncio.Task[Statuses]]:
    tasks = [asyncio.create_task(together.answer(signatures, search_history=False)) for signatures in asked]
    await asyncio.sleep(0.01)
    return tasks


async def test_what_comes_while_a_question_is_on_its_way_is_asked_together_after_it() -> None:
    node = Node()
    together = StatusQuestions(node.ask, MOST)
    one, two, three = (Signature.new_unique() for _ in range(3))
    node.landed = {two}
    (first,) = await started(together, [one])
    later = await started(together, [two], [three, two], [one])
    assert node.questions == [[one]], "nothing is asked before the first is answered"
    node.gate.release()
    node.gate.release()
    slot, (status,) = await first
    assert slot == 1 and status is None
    found = await asyncio.gather(*later)
    assert node.questions == [[one], [two, three, one]], "each signature once"
    assert [slot for slot, _ in found] == [2, 2, 2]
    assert [[status is not None for status in statuses] for _, statuses in found] == [[True], [False, True], [False]]


async def test_a_question_holds_no_more_than_a_node_takes() -> None:
    node = Node()
    together = StatusQuestions(node.ask, MOST)
    asked = [[Signature.new_unique() for _ in range(count)] for count in (1, 3, 2, 2, 4, 1)]
    (first,) = await started(together, asked[0])
    later = await started(together, *asked[1:])
    for _ in range(5):
        node.gate.release()
    await asyncio.gather(first, *later)
    assert [len(question) for question in node.questions] == [1, 3, 4, 4, 1]


async def test_a_failure_is_everybodys_who_asked_and_nobody_elses() -> None:
    node = Node()
    together = StatusQuestions(node.ask, MOST)
    one = Signature.new_unique()
    node.fails = True
    (first,) = await started(together, [one])
    later = await started(together, [one], [one])
    node.gate.release()
    with pytest.raises(RpcUnreachable):
        await first
    node.fails = False
    node.gate.release()
    assert [slot for slot, _ in await asyncio.gather(*later)] == [2, 2]


async def test_who_asks_no_more_is_not_asked_for_and_takes_nobody_with_him() -> None:
    node = Node()
    together = StatusQuestions(node.ask, MOST)
    one, two = Signature.new_unique(), Signature.new_unique()
    (first,) = await started(together, [one])
    gone, stays = await started(together, [one], [two])
    for task in (first, gone):
        task.cancel()
    await asyncio.sleep(0)
    node.gate.release()
    node.gate.release()
    assert await stays == (2, (None,)) and node.questions == [[one], [two]]


async def test_closing_ends_every_question() -> None:
    node = Node()
    together = StatusQuestions(node.ask, MOST)
    tasks = await started(together, [Signature.new_unique()], [Signature.new_unique()])
    await together.aclose()
    assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*tasks, return_exceptions=True))
