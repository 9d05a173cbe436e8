"""The SDK's own quotes over a world of the engine's tests, and its builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.chain.tokens import TokenList
from dexroute.config import load_settings
from dexroute.engine.planning import PlannedSwap, SwapBuilder
from dexroute.engine.planning.tip import JITO_TIP_ACCOUNTS, Tip
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.host.clock import HostClock
from dexroute.sdk.learning import Learning
from dexroute.sdk.pool_finder import PoolFinder
from dexroute.sdk.quote import Quote
from dexroute.sdk.quoting import Quoter
from dexroute.sdk.recent_fees import RecentFees
from dexroute.sdk.strategies import preference
from dexroute.sdk.table_shelf import TableShelf
from dexroute.sdk.tokens import TokenBook
from tests.engine.leg_world import World
from tests.engine.screened import policy_of

_CLUSTER = "a LiteSVM"


@dataclass(frozen=True)
class WorldQuoter:
    """`quoter` reads the world's pools, which the terms name; `builder` builds what it quotes; both know the tables of `shelf`."""

    quoter: Quoter
    builder: SwapBuilder
    shelf: TableShelf

    def add_tables(self, world: World) -> None:
        self.shelf.add(world.tables)


def world_quoter(world: World, user: Keypair, directory: Path, *, tip: Tip | None = None) -> WorldQuoter:
    cluster, clock, shelf = world.cluster, HostClock(), TableShelf(())
    tipping: Mapping[str, object] = {"tip_accounts": JITO_TIP_ACCOUNTS, "max_tip_lamports": tip.most_lamports} if tip else {}
    screening = policy_of(world.venues, **tipping)
    builder = SwapBuilder(cluster, cluster, world.venues, lambda: world.tables, screening=screening, tip=tip)
    settings = load_settings({"url": "embedded", "data_dir": directory}, environment={})
    reader = PoolReader(cluster, world.venues)
    quoter = Quoter(
        reader,
        world.venues,
        PoolFinder(cluster, world.venues, settings, clock, _CLUSTER, None),
        Learning(reader, builder, world.venues, _CLUSTER, None),
        TokenBook(TokenList.open(directory, _CLUSTER), cluster),
        clock,
        user.pubkey(),
        max_pools=1_000,
        newest_slot=_no_slot,
        preference=lambda strategy: preference(strategy, None, _CLUSTER, world.venues, 0),
        shelf=shelf,
        learned_units=builder.learned_units,
        fees=RecentFees(builder.recent_fees, clock),
        tip=tip,
    )
    return WorldQuoter(quoter, builder, shelf)


def planned_of(quote: Quote) -> PlannedSwap:
    return PlannedSwap(quote=quote.best, pools=quote.pools, request=quote.request, limit=quote.limit)


def pools_of(world: World) -> frozenset[Pubkey]:
    return frozenset(world.pools.values())


async def _no_slot() -> int:
    raise NotImplementedError
