"""Many callers, some of whom stop waiting: connections are kept, bounded, and never lost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from dexroute.chain.apis.json_api import JsonApi
from dexroute.chain.rpc import connections
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.fields import Field
from dexroute.chain.whole_calls import MOST_AT_ONCE
from dexroute.errors import RpcUnreachable


@dataclass
class KeepingNode:
    """Answers every question after `delay_s`, on connections it keeps open. `connections` are open now."""

    delay_s: float = 0.001
    connections: int = 0
    asked: int = 0
    now: int = 0
    most: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length:")[2].split()[0]) if "content-length:" in head else 0
                question = json.loads(await reader.readexactly(length) or '{"id": 0}')
                self.asked += 1
                self.now += 1
                self.most = max(self.most, self.now)
                await asyncio.sleep(self.delay_s)
                self.now -= 1
                body = json.dumps({"jsonrpc": "2.0", "id": question["id"], "result": 7}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        self.connections -= 1
        writer.close()

    async def has_no_more_than(self, most: int) -> None:
        """Soon: that the client closed one is not seen at once."""
        async with asyncio.timeout(30):
            while self.connections > most:
                await asyncio.sleep(0.01)

    def endpoint(self, timeout_ms: int = 10_000) -> JsonRpcEndpoint:
        return JsonRpcEndpoint(f"http://127.0.0.1:{self.port}", transport=None, timeout_ms=timeout_ms)


@pytest.fixture
async def node() -> AsyncIterator[KeepingNode]:
    node = KeepingNode()
    server = await asyncio.start_server(node.serve, "127.0.0.1", 0)
    node.port = server.sockets[0].getsockname()[1]
    yield node
    server.close()
    for writer in node.writers:
        writer.close()


async def test_many_callers_share_connections_that_are_kept(node: KeepingNode) -> None:
    endpoint = node.endpoint()
    for _ in range(5):
        answers = await asyncio.gather(*(endpoint.call("getSlot", []) for _ in range(100)))
        assert {answer.uint() for answer in answers} == {7}
        await node.has_no_more_than(MOST_AT_ONCE)
    assert node.asked == 500 and 1 < node.most <= MOST_AT_ONCE
    await endpoint.aclose()


async def test_one_caller_after_the_other_uses_one_connection_and_what_a_burst_left_is_closed(
    node: KeepingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = node.endpoint()
    for _ in range(20):
        await endpoint.call("getSlot", [])
    assert len(node.writers) == 1
    await asyncio.gather(*(endpoint.call("getSlot", []) for _ in range(8)))
    assert node.connections == len(node.writers) == 8
    monkeypatch.setattr(connections, "KEPT_S", 0.0)
    for _ in range(8):
        await endpoint.call("getSlot", [])
    await node.has_no_more_than(1)
    assert node.connections == 1 and len(node.writers) == 8
    await endpoint.aclose()


def test_a_client_of_a_node_starts_without_a_terminal() -> None:
    """What makes a worker slow to be back after a kill."""
    code = "import sys, dexroute.chain.rpc, httpx; slow = {'rich', 'pygments', 'click'} & set(sys.modules); assert not slow, slow"
    subprocess.run([sys.executable, "-c", code], check=True)
    # all that is lost by it: httpx itself foresees that its command line is not there
    told = subprocess.run([sys.executable, "-c", "import dexroute.chain, httpx; httpx.main()"], capture_output=True, check=False)
    assert told.returncode == 1 and b"could not run" in told.stdout and b"Traceback" not in told.stderr


@pytest.mark.parametrize("kind", ["json-rpc", "json api"])
async def test_callers_that_stop_waiting_lose_no_connection(node: KeepingNode, kind: str) -> None:
    endpoint, chance = node.endpoint(), Random(5)
    api = JsonApi(f"http://127.0.0.1:{node.port}")
    dropped = 0

    async def ask() -> Field:
        return await endpoint.call("getSlot", []) if kind == "json-rpc" else (await api.get_whole("/slot", {}))[0]["result"]

    for _ in range(40):
        calls = [asyncio.create_task(ask()) for _ in range(MOST_AT_ONCE * 2)]
        for call in chance.sample(calls, len(calls)):
            await asyncio.sleep(chance.choice((0, 0, 0, 0.000_3)))
            dropped += call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert dropped > 500
    answers = await asyncio.gather(*(ask() for _ in range(MOST_AT_ONCE * 2)))
    assert [answer.uint() for answer in answers] == [7] * MOST_AT_ONCE * 2
    await node.has_no_more_than(MOST_AT_ONCE)
    await endpoint.aclose()
    await api.aclose()


async def test_a_node_that_is_slow_for_all_is_a_timeout_for_all_and_answers_again_later(node: KeepingNode) -> None:
    endpoint, node.delay_s = node.endpoint(timeout_ms=1_000), 30.0
    late = await asyncio.gather(*(endpoint.call("getSlot", []) for _ in range(MOST_AT_ONCE * 2)), return_exceptions=True)
    assert len(late) == MOST_AT_ONCE * 2 and all(isinstance(error, RpcUnreachable) for error in late)
    node.delay_s = 0.001
    assert (await endpoint.call("getSlot", [])).uint() == 7
    await endpoint.aclose()


async def test_closing_drops_what_is_on_its_way(node: KeepingNode) -> None:
    endpoint, node.delay_s = node.endpoint(), 5.0
    waiting = asyncio.create_task(endpoint.call("getSlot", []))
    while not node.asked:
        await asyncio.sleep(0.001)
    await endpoint.aclose()
    with pytest.raises(RpcUnreachable, match="the client was closed"):
        await waiting
