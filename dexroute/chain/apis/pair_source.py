"""What the sources over HTTP APIs have in common: one host, asked once for each pair."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from dexroute.chain.apis.json_api import ApiLimits, JsonApi, for_each_pair
from dexroute.fetchers.discovery import DiscoveredPool, MintPair

if TYPE_CHECKING:
    import httpx


class Connection(TypedDict, total=False):
    """How the host is asked, as JsonApi takes it."""

    limits: ApiLimits | None
    transport: httpx.AsyncBaseTransport | None
    sleep: Callable[[float], Awaitable[None]]


class PairSource:
    """PoolSource over one host. Use as `async with`."""

    def __init__(self, base_url: str, **connection: Unpack[Connection]) -> None:
        self._api = JsonApi(base_url, **connection)

    @property
    def name(self) -> str:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()

    async def find(self, pairs: Sequence[MintPair]) -> tuple[DiscoveredPool, ...]:
        """One request for each pair. Raises NetworkError."""
        return await for_each_pair(pairs, self._of_pair)

    async def _of_pair(self, pair: MintPair) -> Sequence[DiscoveredPool]:
        raise NotImplementedError
