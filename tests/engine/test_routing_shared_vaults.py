"""Pools whose tokens lie in one vault: what a swap of one does to it is in the quote of the next, within a leg and between legs."""

from __future__ import annotations

from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.engine.routing.legs import QuotedRoute, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.fetchers import decode_pool
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.meteora.damm_v1.vault import VaultSide
from dexroute.types.mints import Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import state_named


def pool_between(number: int, mints: tuple[Mint, Mint], vaults: tuple[VaultSide, VaultSide]) -> DammV1Pool:
    state = state_named("meteora-damm-v1", "product-25bps")
    template = decode_pool(state.pool, state.snapshot)
    assert isinstance(template, DammV1Pool)
    return replace(template, address=Pubkey(bytes([number]) * 32), mints=mints, sides=vaults)


def market_of_three() -> tuple[Market, list[DammV1Pool], list[Mint]]:
    """A-B, B-C and A-C over three vaults, of each of which every pool has a third; shares are worth an odd 1.37 each."""
    state = state_named("meteora-damm-v1", "product-25bps")
    template = decode_pool(state.pool, state.snapshot)
    assert isinstance(template, DammV1Pool)
    mints = [replace(template.mints[0], address=Pubkey(bytes([100 + at]) * 32)) for at in range(3)]
    sides = [
        replace(
            template.sides[0],
            accounts=replace(template.sides[0].accounts, vault=Pubkey(bytes([50 + at]) * 32)),
            enabled=True,
            total=1_370_000_003 + at,
            cash=1_370_000_003 + at,
            supply=1_000_000_000,
            share=333_333_333,
            locked_profit=0,
        )
        for at in range(3)
    ]
    pools = [
        pool_between(number, (mints[one], mints[other]), (sides[one], sides[other]))
        for number, (one, other) in enumerate(((0, 1), (1, 2), (0, 2)), 1)
    ]
    return Market(pools), pools, mints


def test_every_later_swap_finds_the_vaults_as_the_earlier_ones_left_them() -> None:
    market, pools, mints = market_of_three()
    a, b, _ = (mint.address for mint in mints)
    edges = {
        (edge_pool.address, market.mints[source]): edge
        for edge, (edge_pool, source) in enumerate(zip(market.edge_pool, market.source, strict=True))
    }
    long, direct = (edges[pools[0].address, a], edges[pools[1].address, b]), (edges[pools[2].address, a],)
    differed = 0
    for amount in range(100_003, 100_403, 7):
        quoted = quote_legs(market, [Share(long, amount), Share(direct, amount)], SwapMode.EXACT_IN, 0)
        assert isinstance(quoted, QuotedRoute)
        first, second, last = (hop.hop for hop in quoted.hops)

        now = {pool.address: pool for pool in pools}
        for hop in (first, second, last):
            pool = now[hop.pool]
            request = QuoteRequest(input_mint=hop.input_mint, output_mint=hop.output_mint, amount=hop.amount_in)
            quote = pool.quote(request)
            assert hop.amount_out == quote.amount_out
            differed += hop.amount_out != next(one for one in pools if one.address == hop.pool).quote(request).amount_out
            after = quote.next_pool
            assert isinstance(after, DammV1Pool)
            moved = {side.accounts.vault: side for side in after.sides}
            for address, other in now.items():  # what the chain does: one vault, however many pools
                sides = [
                    replace(side, total=moved[vault].total, cash=moved[vault].cash, supply=moved[vault].supply)
                    if (vault := side.accounts.vault) in moved
                    else side
                    for side in other.sides
                ]
                now[address] = replace(other, sides=(sides[0], sides[1]))
            now[hop.pool] = after
    assert differed > 0, "by a unit now and then"


def test_what_is_no_neighbour_stays_as_it_is() -> None:
    _, pools, mints = market_of_three()
    first, second, _ = pools
    a, b = mints[0].address, mints[1].address
    after = first.quote(QuoteRequest(input_mint=a, output_mint=b, amount=10**6)).next_pool
    assert second.beside(first, after) != second
    elsewhere = replace(second.sides[0], accounts=replace(second.sides[0].accounts, vault=Pubkey(bytes([9]) * 32)))
    later = replace(second.sides[0], total=second.sides[0].total + 1)
    for side in (elsewhere, later):  # another vault, or as it was read at another moment
        alone = replace(second, sides=(side, second.sides[1]))
        assert alone.beside(first, after) is alone
