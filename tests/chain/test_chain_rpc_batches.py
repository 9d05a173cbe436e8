"""Calls made at the same moment share a request where the node takes batches, and lose nothing where it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from solders.signature import Signature

from dexroute.chain.rpc import RpcClient, batches
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.errors import NetworkError, RateLimited, RpcError, RpcUnreachable
from tests.chain.scripted_node import Reply, ScriptedNode

SECRET = "api-key-1234567"
WIRE = bytes(1232)


def answered(question: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": question["id"], "result": {"asked": question["params"]}}


def refused(question: Any, code: int = -32000, message: str = "no") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": question["id"], "error": {"code": code, "message": message}}


def said(value: Any, status: int = 200, **headers: str) -> Reply:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Reply(body=body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Node(ScriptedNode):
    """Answers single questions; what it makes of a batch is `batch`'s to say."""

    def __init__(self) -> None:
        super().__init__()
        self.batch: Callable[[list[Any]], Reply] = lambda questions: said([answered(one) for one in reversed(questions)])
        self.single: Callable[[Any], Reply] = lambda question: said(answered(question))
        self.replies.append(lambda question: self.batch(question) if isinstance(question, list) else self.single(question))

    @property
    def batches(self) -> list[list[Any]]:
        return [question for question in self.questions if isinstance(question, list)]

    def endpoint(self, **options: Any) -> JsonRpcEndpoint:
        return JsonRpcEndpoint(f"{self.url}/?key={SECRET}", transport=None, **({"timeout_ms": 5_000} | options))


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node()
    server = await asyncio.start_server(node.serve, "127.0.0.1", 0)
    node.port = server.sockets[0].getsockname()[1]
    yield node
    server.close()
    node.hang_up()


async def ask(endpoint: JsonRpcEndpoint, *params: Any, method: str = "getTransaction") -> list[Any]:
    """All at one moment: what each asked for as its answer tells it, or its error."""
    calls = (endpoint.call(method, [one]) for one in params)
    found = await asyncio.gather(*calls, return_exceptions=True)
    return [one if isinstance(one, BaseException) else one["asked"].value[0] for one in found]


async def test_what_is_asked_at_one_moment_is_one_request_a_method_and_each_gets_its_own_answer(node: Node) -> None:
    endpoint = node.endpoint()
    one, other, alone = await asyncio.gather(
        ask(endpoint, *range(10)), ask(endpoint, 1, 2, 2, method="sendTransaction"), ask(endpoint, 7, method="getLatestBlockhash")
    )
    assert one == list(range(10)) and other == [1, 2, 2] and alone == [7]
    assert sorted(map(len, node.batches)) == [2, 10], "equal questions are one"
    assert [question["method"] for question in node.questions if isinstance(question, dict)] == ["getLatestBlockhash"]
    assert all(len({question["method"] for question in batch}) == 1 for batch in node.batches)
    assert endpoint.asked == {"getTransaction": 10, "sendTransaction": 3, "getLatestBlockhash": 1}
    await endpoint.aclose()


async def test_one_question_is_no_batch_and_neither_are_those_that_few_ask(node: Node) -> None:
    endpoint = node.endpoint()
    for number in range(3):
        assert await ask(endpoint, number) == [number]
    assert await ask(endpoint, 1, 2, 3, method="getMultipleAccounts") == [1, 2, 3]
    assert await ask(node.endpoint(in_batches=False), 1, 2, 3) == [1, 2, 3]
    assert len(node.questions) == 9 and not node.batches
    await endpoint.aclose()


REFUSALS: dict[str, Callable[[list[Any]], Reply]] = {
    "invalid request": lambda _: said({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid request"}}),
    "one object": lambda questions: said(answered(questions[0])),
    "nothing": lambda _: said(b""),
    "html": lambda _: said(b"<html>", 400),
    "too large": lambda _: said(b"", 413),
    "out of order": lambda _: said(b"", 500),
    "an empty list": lambda _: said([]),
    "no ids": lambda questions: said([answered(one) | {"id": None} for one in questions]),
    "other ids": lambda questions: said([answered(one) | {"id": one["id"] + 1_000} for one in questions]),
    "no objects": lambda questions: said([1, "x", None]),
    "some are missing": lambda questions: said([answered(one) for one in questions[1:]]),
    "each is an error": lambda questions: said([refused(one, -32600, "no batches on this plan") for one in questions]),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_node_that_takes_no_batches_is_asked_one_by_one_and_for_a_while_only_so(node: Node, refusal: str) -> None:
    node.batch = REFUSALS[refusal]
    endpoint = node.endpoint()
    assert await ask(endpoint, *range(5)) == list(range(5))
    assert len(node.batches) == 1 and len(node.questions) == (2 if refusal == "some are missing" else 6)
    assert await ask(endpoint, *range(5), method="sendTransaction") == list(range(5))
    assert len(node.batches) == 1
    assert endpoint.health.failure_percent == 0
    await endpoint.aclose()


async def test_after_a_while_batches_are_tried_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ALONE_S", 0.0)
    working, node.batch = node.batch, REFUSALS["too large"]
    endpoint = node.endpoint()
    for count in (1, 2):
        assert await ask(endpoint, 1, 2) == [1, 2]
        assert len(node.batches) == count
    node.batch = working
    assert await ask(endpoint, 1, 2) == [1, 2] and isinstance(node.questions[-1], list)
    await endpoint.aclose()


@pytest.mark.parametrize("behaviour", ["hang", "drop", "drip"])
async def test_a_batch_that_gets_no_answer_is_a_failure_of_all_in_it_and_the_last_batch(node: Node, behaviour: str) -> None:
    node.batch = lambda _: Reply(behaviour=behaviour)
    endpoint = node.endpoint(timeout_ms=60_000 if behaviour == "drop" else 1_500)
    assert all(isinstance(one, RpcUnreachable) and SECRET not in str(one) for one in await ask(endpoint, 1, 2, 3))
    assert await ask(endpoint, 1, 2, 3) == [1, 2, 3] and len(node.batches) == 1
    await endpoint.aclose()


async def test_an_answer_too_long_for_all_is_refused_for_all(node: Node) -> None:
    node.batch = lambda _: said(b" " * 2_000)
    endpoint = node.endpoint(largest_answer=1_000)
    assert all(isinstance(one, RpcError) and one.context["malformed"] for one in await ask(endpoint, 1, 2))
    assert await ask(endpoint, 1, 2) == [1, 2] and len(node.batches) == 1
    await endpoint.aclose()


@pytest.mark.parametrize("status", [429, 401, 403])
async def test_a_refusal_by_the_status_is_everybodys_and_nobody_asks_at_once(node: Node, status: int) -> None:
    node.batch = lambda _: said(f'{{"error": "{SECRET} is used up"}}'.encode(), status, Retry_After="7")
    endpoint = node.endpoint()
    found = await ask(endpoint, 1, 2, 3)
    assert len(node.questions) == 1
    for error in found:
        assert isinstance(error, RateLimited if status == 429 else RpcError) and SECRET not in str(error)
        assert status != 429 or error.context["retry_after_ms"] == 7_000
    assert await ask(endpoint, 1, 2) == [1, 2] and len(node.batches) == 1, "a plan may know a limit for batches alone"
    await endpoint.aclose()


async def test_a_limit_within_a_batch_is_his_whose_question_it_met(node: Node) -> None:
    node.batch = lambda questions: said([answered(questions[0]), *(refused(one, 429) for one in questions[1:])])
    endpoint = node.endpoint()
    one, *others = await ask(endpoint, 1, 2, 3)
    assert one == 1 and len(others) == 2 and all(isinstance(error, RateLimited) for error in others)
    assert len(node.questions) == 1
    await endpoint.aclose()


async def test_an_error_counts_when_it_is_the_answer_to_the_question_alone(node: Node) -> None:
    node.batch = lambda questions: said([refused(one) if one["params"] == [2] else answered(one) for one in questions])
    node.single = lambda question: said(refused(question, -32004, f"no block, {SECRET}"))
    endpoint = node.endpoint()
    one, error, other = await ask(endpoint, 1, 2, 3)
    assert one == 1 and other == 3
    assert isinstance(error, RpcError) and error.context["rpc_code"] == -32004 and SECRET not in str(error)
    assert endpoint.asked["getTransaction"] == len(node.batches[0]) + 1 == 4, "the node was asked once more"
    assert (await ask(endpoint, 1, 3)) == [1, 3] and len(node.batches) == 2, "it was not the batch's fault"
    await endpoint.aclose()


async def test_a_batch_is_no_larger_than_a_node_takes(node: Node) -> None:
    endpoint = node.endpoint()
    client = RpcClient(endpoint=endpoint)
    await asyncio.gather(*(client.send(number.to_bytes(2, "little") + WIRE[2:]) for number in range(100)))
    assert sum(map(len, node.batches)) == 100
    lengths = [int(head.lower().partition("content-length:")[2].split()[0]) for head in node.heads]
    assert 30_000 < max(lengths) < 50 * 1024
    node.questions.clear()
    await ask(endpoint, *range(100))
    assert max(map(len, node.batches)) == batches.MOST_TOGETHER and len(node.questions) == 4
    await endpoint.aclose()


async def test_every_question_waits_for_its_turn(node: Node) -> None:
    endpoint = node.endpoint(rate_per_s=20)
    assert await ask(endpoint, *range(48)) == list(range(48))
    assert list(map(len, node.batches[:2])) == [32, 8], "the bucket's forty at once, the others in time"
    assert endpoint.asked["getTransaction"] == 48 and len(node.questions) > 2
    await endpoint.aclose()


async def test_who_stops_waiting_takes_nobody_with_him(node: Node) -> None:
    endpoint = node.endpoint()
    early, late, stays = (asyncio.create_task(endpoint.call("sendTransaction", [number])) for number in range(3))
    await asyncio.sleep(0)
    early.cancel()
    while not node.questions:
        await asyncio.sleep(0)
    late.cancel()
    assert (await stays)["asked"].value == [2]
    assert [question["params"] for question in node.batches[0]] == [[1], [2]]
    for gone in (early, late):
        with suppress(asyncio.CancelledError):
            await gone
    await endpoint.aclose()


async def test_closing_ends_a_batch_on_its_way(node: Node) -> None:
    node.batch = lambda _: Reply(behaviour="hang")
    endpoint = node.endpoint()
    waiting = asyncio.create_task(ask(endpoint, 1, 2))
    while not node.questions:
        await asyncio.sleep(0.001)
    await endpoint.aclose()
    assert all(isinstance(error, NetworkError) and "the client was closed" in str(error) for error in await waiting)


async def test_transactions_of_many_orders_come_in_one_request(node: Node) -> None:
    node.batch = lambda questions: said([answered(one) | {"result": None} for one in questions])
    client = RpcClient(endpoint=node.endpoint())
    signatures = [Signature.new_unique() for _ in range(8)]
    assert await asyncio.gather(*(client.transaction(one) for one in signatures)) == [None] * 8
    assert [len(batch) for batch in node.batches] == [8]
    await client.aclose()
