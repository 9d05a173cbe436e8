"""Raydium's API v3: `GET /pools/info/mint` lists pools holding two mints, richest first.

Answer: `{"success": true, "data": {"count", "data": [{"type", "programId", "id", "mintA": {"address", ...}, "mintB": ..., "tvl",
...}], "hasNextPage"}}` (raydium-io/raydium-sdk-V2, src/api/type.ts: PoolsApiReturn, ApiV3PoolInfoItem).
"""

from __future__ import annotations

from typing import Final, Unpack

from dexroute.chain.apis.json_api import mint_of, whole_dollars
from dexroute.chain.apis.pair_source import Connection, PairSource
from dexroute.chain.rpc.fields import Field
from dexroute.errors import RpcError
from dexroute.fetchers.discovery import DiscoveredPool, MintPair
from dexroute.fetchers.registry import VenueRegistry

RAYDIUM_API: Final = "https://api-v3.raydium.io"
_PAGE_SIZE: Final = 100  # pools beyond the hundred richest of a pair are dust


class RaydiumApi(PairSource):
    """PoolSource over Raydium's public API. Pools of programs no registered venue knows are left out."""

    def __init__(self, venues: VenueRegistry, base_url: str = RAYDIUM_API, **connection: Unpack[Connection]) -> None:
        super().__init__(base_url, **connection)
        self._venues = venues

    @property
    def name(self) -> str:
        return "raydium-api"

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
