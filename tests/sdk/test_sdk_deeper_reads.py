"""A large amount on a pool of ticks or bins: the quote reads on where the liquidity it was given ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from dexroute import Dex, RouteNotFound, RouteOptions
from dexroute.localnet.recorded import place_recorded
from dexroute.types.requests import SwapMode
from tests.vectors import state_named


@pytest.mark.parametrize(("venue", "name"), [("raydium-clmm", "several-arrays"), ("meteora-dlmm", "traded-a")])
async def test_large_amounts_are_quoted_whatever_they_reach(tmp_path: Path, venue: str, name: str) -> None:
    state = state_named(venue, name)
    async with Dex(url="embedded", data_dir=tmp_path) as dex:
        assert dex.connection.embedded is not None
        place_recorded(dex.connection.embedded, state)
        only = RouteOptions(pools=frozenset({state.pool}))
        largest = sorted((swap for swap in state.swaps if swap.succeeded), key=lambda swap: swap.amount_in or 0)[-3:]
        assert len(largest) == 3
        for swap in largest:
            request = swap.request
            # A little less than recorded: at another time of day fees are others, and the largest amounts drain the pool.
            amount, exact_out = request.amount * 9 // 10, request.mode is SwapMode.EXACT_OUT
            quote = await dex.quote(request.input_mint, request.output_mint, amount, exact_out=exact_out, route=only)
            assert quote.amount_in > 0 and quote.amount_out > 0


async def test_a_pool_without_the_liquidity_ends_with_its_reason_and_not_with_endless_reads(tmp_path: Path) -> None:
    state = state_named("raydium-clmm", "several-arrays")
    async with Dex(url="embedded", data_dir=tmp_path) as dex:
        assert dex.connection.embedded is not None
        place_recorded(dex.connection.embedded, state)
        request = next(swap.request for swap in state.swaps if swap.succeeded)
        only = RouteOptions(pools=frozenset({state.pool}))
        with pytest.raises(RouteNotFound, match="liquidity"):
            await dex.quote(request.input_mint, request.output_mint, 2**63, exact_out=True, route=only)
