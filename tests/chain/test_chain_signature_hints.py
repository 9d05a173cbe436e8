"""What a WebSocket says of a signature: heard once, never waited for, and of no consequence when it is dead or lies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from dexroute.chain.signature_hints import SignatureHints
from tests.chain.pubsub_node import until

SIGNATURE = "5" * 88


@asynccontextmanager
async def told_by(*says: str | bytes, keep: bool = True) -> AsyncIterator[tuple[SignatureHints, list[Any], Callable[[int], None]]]:
    """Hints from a node that answers each subscription with `says`; what it was asked; and a way to let time pass."""
    asked: list[Any] = []
    now = 0

    async def node(connection: ServerConnection) -> None:
        asked.append(json.loads(await connection.recv()))
        for text in says:
            await connection.send(text)
        if keep:
            await connection.wait_closed()

    def later(duration_ms: int) -> None:
        nonlocal now
        now += duration_ms

    async with serve(node, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        hints = SignatureHints(f"ws://127.0.0.1:{port}/secret-path?api-key=secret-key", now_ms=lambda: now)
        yield hints, asked, later
        await hints.aclose()


def notification(method: str = "signatureNotification") -> str:
    result = {"context": {"slot": 5}, "value": {"err": None}}
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": {"result": result, "subscription": 3}})


ANSWER = json.dumps({"jsonrpc": "2.0", "id": 1, "result": 3})


async def test_a_confirmed_signature_is_told_once() -> None:
    async with told_by(ANSWER, notification("slotNotification"), notification(), notification()) as (hints, asked, _):
        with hints.watch(SIGNATURE) as told:
            await asyncio.wait_for(told.wait(), 20)
            told.clear()
            await asyncio.sleep(0.05)
            assert not told.is_set()
        (question,) = asked
        assert (question["method"], question["params"]) == ("signatureSubscribe", [SIGNATURE, {"commitment": "confirmed"}])
        assert "secret" not in repr(hints)


@pytest.mark.parametrize(
    "says",
    [
        (),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no such method"}}),),
        ("{",),
        ("[1]",),
        (b"\xff\xfe",),
    ],
)
async def test_a_node_of_no_use_is_left_alone_for_a_while(says: tuple[str | bytes, ...]) -> None:
    async with told_by(*says, keep=False) as (hints, asked, later):
        for tries in (1, 2):
            with hints.watch(SIGNATURE) as told:
                await until(lambda: not hints._tasks)  # it was asked, and found to be of no use
                assert not told.is_set()
            for _ in range(3):  # asked once, then not again before its time
                with hints.watch(SIGNATURE) as told:
                    assert not hints._tasks and not told.is_set()
            assert len(asked) == tries
            later(20_000)


async def test_nothing_is_waited_for() -> None:
    silent, dead = told_by(), SignatureHints("ws://127.0.0.1:9/")
    async with silent as (hints, asked, _):
        watched = [hints.watch(SIGNATURE) for _ in range(20)]
        events = [one.__enter__() for one in watched]
        await until(lambda: len(asked) == 8)
        await asyncio.sleep(0.05)
        assert len(asked) == 8, "so many sockets and no more"
        for one in watched:
            one.__exit__(None, None, None)
        assert not any(event.is_set() for event in events)
    with dead.watch(SIGNATURE) as told:
        await asyncio.sleep(0.05)
    assert not told.is_set()
    await dead.aclose()
