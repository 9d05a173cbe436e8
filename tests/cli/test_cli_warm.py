"""What one process learned, the next one knows: `dex quote` twice against a served cluster whose requests are counted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dexroute.localnet import EmbeddedCluster, ServedAt, serve
from tests.cli.runner import Cli, dex_process

BY_HAND = "11111111111111111111111111111112"


class Counting:
    """A cluster that counts the questions its server hands it."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self._cluster = cluster
        self.asked: Counter[str] = Counter()

    @property
    def dispatcher(self) -> Counting:
        return self

    def answer(self, body: bytes) -> bytes | None:
        self.asked[json.loads(body)["method"]] += 1
        return self._cluster.dispatcher.answer(body)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)


class Market:
    """A playground served on a port, and `dex` as processes on it."""

    def __init__(self, cluster: Counting, served: ServedAt, cli: Cli, home: Path) -> None:
        self._cluster = cluster
        self._here = ("-u", served.rpc_url, "--data-dir", str(cli.market), "-k", str(cli.wallet), "--format", "json")
        self._home = home
        self.journal = cli.market / "journal.sqlite3"

    async def dex(self, *arguments: str) -> tuple[Any, dict[str, int]]:
        """(what a new process printed, what the cluster was asked for it)."""
        self._cluster.asked.clear()
        if self.journal.exists():  # a search is a minute old at most, whatever the machine took for the last command
            self.write("UPDATE pool_searches SET searched_ms = ?", time.time_ns() // 1_000_000)
        outcome = await asyncio.to_thread(dex_process, *arguments, *self._here, home=self._home)
        assert outcome.code == 0, outcome.err
        return outcome.json, dict(self._cluster.asked)

    def write(self, statement: str, *values: object) -> int:
        with closing(sqlite3.connect(self.journal)) as connection, connection:
            return connection.execute(statement, values).rowcount


@pytest.fixture
async def market(cli: Cli, home: Path) -> AsyncIterator[Market]:
    async with EmbeddedCluster.open(cli.market / "embedded") as cluster:
        counting = Counting(cluster)
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(counting, rpc_port=0, on_ready=ready.set_result))  # type: ignore[arg-type]
        yield Market(counting, await ready, cli, home)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


WARM = {"getGenesisHash": 1, "getMultipleAccounts": 1}
# Beside the accounts, in the same round: by what block space costs routes are ranked.
RANKED = {**WARM, "getRecentPrioritizationFees": 1}


async def test_the_second_quote_is_one_round_trip_in_a_process_of_its_own(market: Market) -> None:
    cold, asked = await market.dex("quote", "1.5", "SOL", "USDC")
    assert asked["getMultipleAccounts"] == cold["round_trips"] > 1 and asked["getProgramAccounts"] == 7
    assert cold["requests"] == asked, "what is printed is what was asked"
    for command in ("quote", "route"):
        warm, asked = await market.dex(command, "1.5", "SOL", "USDC")
        assert asked == warm["requests"] == RANKED
        assert (warm["round_trips"], warm["freshness"]["warm"], warm["freshness"]["sources_asked"]) == (1, True, 0)
        assert {one["pools"][0] for one in warm["candidates"]} == {one["pools"][0] for one in cold["candidates"]}
    # The depth of the pair takes no account that the quote did not.
    depth, asked = await market.dex("depth", "SOL", "USDC")
    assert asked == depth["requests"] == WARM and depth["round_trips"] == 1
    again, asked = await market.dex("quote", "1.5", "SOL", "USDC", "--refresh")
    assert asked == {**RANKED, "getProgramAccounts": 7} and again["freshness"]["sources_asked"] == 7


async def test_hints_that_are_wrong_cost_round_trips_and_nothing_else(market: Market) -> None:
    cold, _ = await market.dex("quote", "1.5", "SOL", "USDC")
    # An account that is none of theirs, and does not exist, instead of those the pools take.
    assert market.write("UPDATE learned_pools SET accounts = ?, compute_units = 1", BY_HAND) >= 4
    wrong, asked = await market.dex("quote", "1.5", "SOL", "USDC")
    assert asked["getMultipleAccounts"] == wrong["round_trips"] > 1 and not wrong["freshness"]["warm"]
    assert _pools_and_amounts(wrong) == _pools_and_amounts(cold)
    mended, asked = await market.dex("quote", "1.5", "SOL", "USDC")
    assert asked == RANKED, "what was read wrote over it"
    assert _pools_and_amounts(mended) == _pools_and_amounts(cold)


def _pools_and_amounts(quote: Any) -> Any:
    return [(one["pools"], one["amount_in"], one["amount_out"]) for one in quote["candidates"]]


async def test_compute_units_of_a_simulated_swap_are_known_to_the_next_process(market: Market) -> None:
    shown, _ = await market.dex("swap", "1.5", "SOL", "USDC", "--dry-run")
    pools = {hop["pool"] for leg in shown["quote"]["route"]["legs"] for hop in leg["hops"]}
    with closing(sqlite3.connect(market.journal)) as connection:
        rows = connection.execute("SELECT address, compute_units FROM learned_pools WHERE compute_units IS NOT NULL").fetchall()
    assert {address for address, _ in rows} == pools and all(0 < units < 200_000 for _, units in rows)
