"""Clusters for tests: in memory, with a clock that only tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from dexroute.localnet import ClusterOptions, EmbeddedCluster


class ManualTime:
    """`dexroute.ports.Clock` that stands still until told otherwise."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    async def sleep_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms

    def pass_slots(self, count: int) -> None:
        self.ms += 400 * count


class Rpc:
    """Raw JSON-RPC: what goes over the wire, with no client's opinion of it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def whole(self, method: str, *params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        answer: dict[str, Any] = (await self.http.post("http://cluster/", json=body)).json()
        assert answer["id"] == 7
        assert answer["jsonrpc"] == "2.0"
        return answer

    async def result(self, method: str, *params: Any) -> Any:
        answer = await self.whole(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    async def value(self, method: str, *params: Any) -> Any:
        result = await self.result(method, *params)
        assert set(result) == {"context", "value"}
        return result["value"]

    async def error(self, method: str, *params: Any) -> dict[str, Any]:
        answer = await self.whole(method, *params)
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def cluster(time: ManualTime) -> Iterator[EmbeddedCluster]:
    opened = EmbeddedCluster.open(None, clock=time)
    yield opened
    opened.close()


@pytest.fixture
async def rpc(cluster: EmbeddedCluster) -> AsyncIterator[Rpc]:
    async with httpx.AsyncClient(transport=cluster.transport) as http:
        yield Rpc(http)


@pytest.fixture
def fast() -> ClusterOptions:
    """50 ms slots: for tests against a served cluster, where time is real."""
    return ClusterOptions(ticks_per_slot=8)


Opener = Callable[..., EmbeddedCluster]
