"""Raydium's API v3: `GET /pools/info/mint` lists pools holding two mints, richest first.

Answer: `{"success": true, "data": {"count", "data": [{"type", "programId", "id", "mintA": {"address", ...}, "mintB": ..., "tvl",
...}], "hasNextPage"}}` (raydium-io/raydium-sdk-V2, src/api/type.ts: PoolsApiReturn, ApiV3PoolInfoItem).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Self

from dexroute.chain.apis.json_api import ApiLimits, JsonApi, for_each_pair, mint_of, whole_dollars
from dexroute.chain.rpc.fields import Field
from dexroute.errors import RpcError
from dexroute.fetchers.discovery import DiscoveredPool, MintPair
from dexroute.fetchers.registry import VenueRegistry

if TYPE_CHECKING:
    import httpx

RAYDIUM_API: Final = "https://api-v3.raydium.io"
_PAGE_SIZE: Final = 100  # pools beyond the hundred richest of a pair are dust


class RaydiumApi:
    """PoolSource over Raydium's public API. Pools of programs no registered venue knows are left out."""

    name = "raydium-api"

    def __init__(
        self,
        venues: VenueRegistry,
        *,
        base_url: str = RAYDIUM_API,
        limits: ApiLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venues = venues
        self._api = JsonApi(base_url, limits=limits, transport=transport, sleep=sleep)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()

    async def find(self, pairs: Sequence[MintPair]) -> tuple[DiscoveredPool, ...]:
        """One request for each pair. Raises NetworkError."""
        return await for_each_pair(pairs, self._of_pair)

    async def _of_pair(self, pair: MintPair) -> list[DiscoveredPool]:
        query: dict[str, str | int] = {
            "mint1": str(pair[0]),
            "mint2": str(pair[1]),
            "poolType": "all",
            "poolSortField": "liquidity",
            "sortType": "desc",
            "pageSize": _PAGE_SIZE,
            "page": 1,
        }
        answer = await self._api.get("/pools/info/mint", query)
        assert answer is not None
        if answer["success"].value is not True:
            reason = answer.get("msg")
            raise RpcError(f"Raydium's API refuses: {reason.text()[:200] if reason else 'no reason given'}")
        found = [self._pool(entry) for entry in answer["data"]["data"].items()]
        return [pool for pool in found if pool is not None and set(pool.mints) == set(pair)]

    def _pool(self, entry: Field) -> DiscoveredPool | None:
        venue = self._venues.by_program(entry["programId"].pubkey())
        if venue is None:
            return None
        tvl = entry.get("tvl")
        return DiscoveredPool(
            address=entry["id"].pubkey(),
            venue_id=venue.id,
            mints=(mint_of(entry["mintA"]), mint_of(entry["mintB"])),
            source=self.name,
            tvl_usd=whole_dollars(tvl.value) if tvl else None,
        )
