"""What is learned of pools stays small and true, and a search of late never stands between a user and a pool."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, RouteNotFound
from tests.sdk.wire import Wire

PAIR = ("SOL", "USDC", "1")


async def test_a_pool_does_not_drag_along_what_its_price_left_behind(wired: tuple[Dex, Wire]) -> None:
    dex, _ = wired
    first = await dex.quote(*PAIR)
    pool = first.best.route.hops[0].pool
    own = dex._reader.learned(pool)
    for count, stays in ((10, True), (30, False)):
        behind = {Pubkey.new_unique() for _ in range(count)}
        dex._reader.learn({pool: frozenset(behind)})
        assert (await dex.quote(*PAIR)).round_trips == 1
        assert dex._reader.learned(pool) == (own | behind if stays else own), "a few may be what a large amount reaches"
        (kept,) = await (await dex.journal()).learned_pools(dex.connection.genesis_hash, [pool])
        assert kept.accounts == dex._reader.learned(pool)


async def test_a_search_of_late_serves_only_while_it_finds_a_way(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    assert (await dex.quote(*PAIR)).freshness.sources_asked == len(list(dex.venues))
    assert (await dex.quote(*PAIR)).freshness.sources_asked == 0
    assert (await dex.quote("BONK", "SOL", "1000")).freshness.sources_asked == 0, "everything was listed a moment ago"
    for _ in range(2):
        wire.calls.clear()
        with pytest.raises(RouteNotFound):
            await dex.quote("REC1A", "USDC", "1")
        assert wire.calls["getProgramAccounts"] == len(list(dex.venues)), "a pool made since would be found"
    assert (await dex.quote(*PAIR, refresh=True)).freshness.sources_asked == len(list(dex.venues))
