"""Meteora's data APIs: `GET /pools/groups/{mints}` lists the pools of a pair, for DAMM v2 and DLMM alike.

The two mints are joined by "-" in the order of their base58 text. Answer: `{"total", "pages", "current_page", "page_size",
"data": [{"address", "token_x": {"address", ...}, "token_y": ..., "tvl", "is_blacklisted", ...}]}`
(docs.meteora.ag/api-reference/damm-v2/pools/group and .../dlmm/pools/group). A pair without pools may be HTTP 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Unpack

from dexroute.chain.apis.json_api import mint_of, whole_dollars
from dexroute.chain.apis.pair_source import Connection, PairSource
from dexroute.chain.rpc.fields import Field
from dexroute.errors import UsageError
from dexroute.fetchers.discovery import DiscoveredPool, MintPair

METEORA_APIS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "meteora-damm-v2": "https://damm-v2.datapi.meteora.ag",
        "meteora-dlmm": "https://dlmm.datapi.meteora.ag",
    }
)
_PAGE_SIZE: Final = 100


class MeteoraApi(PairSource):
    """PoolSource over one of Meteora's public APIs. Raises UsageError for a venue that has none."""

    def __init__(self, venue_id: str = "meteora-damm-v2", base_url: str | None = None, **connection: Unpack[Connection]) -> None:
        url = base_url or METEORA_APIS.get(venue_id)
        if url is None:
            raise UsageError(f"Meteora has no API for {venue_id!r}; it has for: {', '.join(METEORA_APIS)}", venue=venue_id)
        super().__init__(url, **connection)
        self._venue_id = venue_id

    @property
    def name(self) -> str:
        return f"{self._venue_id}-api"

    async def _of_pair(self, pair: MintPair) -> list[DiscoveredPool]:
        group = "-".join(sorted(str(mint) for mint in pair))
        query: dict[str, str | int] = {"page": 1, "page_size": _PAGE_SIZE, "sort_by": "tvl:desc"}
        answer = await self._api.get(f"/pools/groups/{group}", query, absent_is_none=True)
        if answer is None:
            return []
        listed = [entry for entry in answer["data"].items() if not _is_blacklisted(entry)]
        return [pool for pool in map(self._pool, listed) if set(pool.mints) == set(pair)]

    def _pool(self, entry: Field) -> DiscoveredPool:
        tvl = entry.get("tvl")
        return DiscoveredPool(
            address=entry["address"].pubkey(),
            venue_id=self._venue_id,
            mints=(mint_of(entry["token_x"]), mint_of(entry["token_y"])),
            source=self.name,
            tvl_usd=whole_dollars(tvl.value) if tvl else None,
        )


def _is_blacklisted(entry: Field) -> bool:
    flag = entry.get("is_blacklisted")
    return flag is not None and flag.value is not False
