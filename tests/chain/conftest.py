"""Fixtures around the scripted node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from dexroute.chain.retry import RetryPolicy
from dexroute.chain.rpc import RpcClient
from tests.chain.scripted_node import ClientFactory, ScriptedNode, Waits


@pytest.fixture
async def node() -> AsyncIterator[ScriptedNode]:
    """A scripted node on a free port."""
    scripted = ScriptedNode()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    server.close()
    scripted.hang_up()


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def client_of(waits: Waits) -> AsyncIterator[ClientFactory]:
    """Makes clients that wait without sleeping, and closes them."""
    made: list[RpcClient] = []

    def make(url: str, *, timeout_ms: int = 5_000, retry: RetryPolicy | None = None, **more: Any) -> RpcClient:
        sleep: Callable[[float], Awaitable[None]] = waits
        made.append(RpcClient(url, timeout_ms=timeout_ms, retry=retry, sleep=sleep, **more))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def client(node: ScriptedNode, client_of: ClientFactory) -> RpcClient:
    return client_of(node.url)
