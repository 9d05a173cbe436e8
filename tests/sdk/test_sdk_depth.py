"""Depth of pools of ticks and bins, as recorded on chain: every level is a quote, however far it reaches."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dexroute import Dex, RouteOptions
from dexroute.localnet.recorded import place_recorded
from tests.vectors import state_named

LEVELS = (10, 50, 200, 1_000)


@pytest.mark.parametrize(("venue", "name"), [("raydium-clmm", "several-arrays"), ("meteora-dlmm", "traded-a")])
async def test_levels_of_recorded_pools_are_quotes(tmp_path: Path, venue: str, name: str) -> None:
    state = state_named(venue, name)
    pair = next((swap.request.input_mint, swap.request.output_mint) for swap in state.swaps if swap.succeeded)
    async with Dex(url="embedded", data_dir=tmp_path) as dex:
        assert dex.connection.embedded is not None
        place_recorded(dex.connection.embedded, state)
        await dex.add_pool(state.pool)
        depth = await dex.depth(*pair, levels_bps=LEVELS)
        (pool,) = depth.pools
        only = RouteOptions(pools=frozenset({state.pool}), max_splits=1)
        checked = 0
        for levels, ends, mid in ((pool.sells, pair, depth.mid.ratio), (pool.buys, pair[::-1], 1 / depth.mid.ratio)):
            assert [level.bps for level in levels] == list(LEVELS)
            assert [level.amount_in for level in levels] == sorted(level.amount_in for level in levels)
            for level in levels:
                if not level.amount_in:
                    continue
                quote = await dex.quote(*ends, level.amount_in, route=only)
                assert quote.amount_out == level.amount_out
                average = Fraction(level.amount_out, level.amount_in) / mid
                assert average >= Fraction(10_000 - level.bps, 10_000), "every part got at least the level's price, so all did"
                checked += 1
        assert checked >= 6
