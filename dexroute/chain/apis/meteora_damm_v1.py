"""Meteora's API for DAMM v1: `GET /pools/search` lists pools by filters, `include_pool_token_pairs` among them.

Answer: `{"data": [{"pool_address", "pool_token_mints": [A, B], "pool_tvl": "123.45", ...}], "page", "total_count"}`, amounts as
text (docs.meteora.ag/api-reference/pools/filter_and_get_pool_info, damm-v1/openapi.json). A pair's two mints are joined by
"-"; which order the API wants is not said, so both are given.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final, Unpack

from dexroute.chain.apis.json_api import whole_dollars
from dexroute.chain.apis.pair_source import Connection, PairSource
from dexroute.chain.rpc.fields import Field
from dexroute.fetchers.discovery import DiscoveredPool, MintPair

METEORA_DAMM_V1_API: Final = "https://damm-api.meteora.ag"
_VENUE_ID: Final = "meteora-damm-v1"
_PAGE_SIZE: Final = 100  # pools beyond the hundred richest of a pair are dust


class MeteoraDammV1Api(PairSource):
    """PoolSource over Meteora's public API for DAMM v1."""

    def __init__(self, base_url: str = METEORA_DAMM_V1_API, **connection: Unpack[Connection]) -> None:
        super().__init__(base_url, **connection)

    @property
    def name(self) -> str:
        return f"{_VENUE_ID}-api"

    async def _of_pair(self, pair: MintPair) -> list[DiscoveredPool]:
        first, second = pair
        query: dict[str, str | int | list[str]] = {
            "page": 0,
            "size": _PAGE_SIZE,
            "sort_key": "tvl",
            "order_by": "desc",
            "include_pool_token_pairs": [f"{first}-{second}", f"{second}-{first}"],
        }
        answer = await self._api.get("/pools/search", query)
        assert answer is not None
        found = [self._pool(entry) for entry in answer["data"].items()]
        return [pool for pool in found if pool is not None and set(pool.mints) == set(pair)]

    def _pool(self, entry: Field) -> DiscoveredPool | None:
        """None for a pool of more than two tokens: those are of another program."""
        mints = tuple(mint.pubkey() for mint in entry["pool_token_mints"].items())
        if len(mints) != 2:
            return None
        return DiscoveredPool(
            address=entry["pool_address"].pubkey(), venue_id=_VENUE_ID, mints=mints, source=self.name, tvl_usd=_dollars(entry)
        )


def _dollars(entry: Field) -> int | None:
    """The liquidity, which is text here; None when it is no sensible number: it only ranks."""
    tvl = entry.get("pool_tvl")
    if tvl is None or not isinstance(tvl.value, str):
        return whole_dollars(tvl.value) if tvl else None
    try:
        return whole_dollars(Decimal(tvl.value[:40]))
    except InvalidOperation:
        return None
