"""`dex submit` and `dex worker`: several processes on one real PostgreSQL, killed and told to stop; one on SQLite."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from dexroute import Dex
from dexroute.types.orders import EventKind, OrderState
from tests.cli.runner import Cli
from tests.cli.worker_processes import Site, served_site
from tests.playground import copied
from tests.servers.postgres import empty_postgres, postgres_server

AMOUNT = 10_000_000  # lamports of each order


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as server:
        yield server.url


@pytest.fixture
async def site(template: Path, tmp_path: Path, home: Path, postgres: str) -> AsyncIterator[Site]:
    async with served_site(copied(template, tmp_path / "market"), await empty_postgres(postgres)) as site:
        yield site


async def submitted(dex: Dex, count: int) -> list[str]:
    quote = await dex.quote("SOL", "USDC", AMOUNT, slippage_bps=500)
    return [(await dex.submit(quote)).order.id for _ in range(count)]


async def usdc(dex: Dex) -> int:
    mint = (await dex.token("USDC")).mint
    return sum(held.amount for held in (await dex.balances()).tokens if held.mint == mint)


async def until_ended(dex: Dex, orders: list[str]) -> None:
    journal = await dex.journal()
    async with asyncio.timeout(90):
        for order in orders:
            while (await journal.order(order)).is_open:
                await asyncio.sleep(0.1)


async def check_each_landed_once(dex: Dex, orders: list[str], had: int) -> None:
    """By the journal and by the wallet: what the orders say they received is what came."""
    receipts = [await (await dex.orders()).receipt(order) for order in orders]
    assert {receipt.order.state for receipt in receipts} == {OrderState.CONFIRMED}
    for receipt in receipts:
        assert sum(attempt.is_live for attempt in receipt.attempts) == 1
        assert sum(event.kind is EventKind.CONFIRMED for event in receipt.events) == 1
        assert [event.seq for event in receipt.events] == list(range(1, len(receipt.events) + 1))
    executed = [receipt.order.executed for receipt in receipts]
    assert all(amounts is not None and amounts.amount_in == AMOUNT for amounts in executed)
    assert await usdc(dex) - had == sum(amounts.amount_out for amounts in executed if amounts is not None)


async def execute(url: str, sql: str, *values: object) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.execute(sql, *values))
    finally:
        await connection.close()


async def test_two_workers_land_every_order_once_and_stop_in_good_order(site: Site) -> None:
    async with site.dex() as dex, site.worker("--concurrency", "3") as one, site.worker("--concurrency", "3") as other:
        await asyncio.gather(one.until("started"), other.until("started"))
        had = await usdc(dex)
        orders = await submitted(dex, 14)
        await until_ended(dex, orders)
        await check_each_landed_once(dex, orders, had)
        assert [await one.ended(signal.SIGTERM), await other.ended(signal.SIGINT)] == [0, 0]
        landed = [*one.steps("confirmed"), *other.steps("confirmed")]
        assert sorted(landed) == sorted(orders), "every order was landed by one of them"
        for worker in (one, other):
            stopped = worker.said("stopped")
            assert stopped is not None and stopped["confirmed"] == len(worker.steps("confirmed")) and not stopped["handed_back"]


def test_an_order_is_left_for_a_worker_and_worked_off(cli: Cli) -> None:
    """On SQLite, one process after the other."""
    before = cli.balances()
    first = cli.json("submit", "1", "SOL", "USDC", "--yes", "--priority", "low")
    second = cli.json("submit", "1", "SOL", "USDC", "--yes", "--key", "k", "--priority", "high")
    assert first["state"] == second["state"] == "PENDING" and first["signature"] is None
    assert cli.json("submit", "1", "SOL", "USDC", "--yes", "--key", "k", "--priority", "high") == second
    assert "dex worker" in cli("submit", "1", "SOL", "USDC", "--yes").out
    assert "another key" in cli.json("submit", "2", "SOL", "USDC", "--yes", "--key", "k", code=2)["message"]
    assert "--yes" in cli.json("submit", "1", "SOL", "USDC", code=2)["message"]
    assert cli.balances() == before, "nothing is signed yet"
    told = [json.loads(line) for line in cli("worker", "--until-idle", "--concurrency", "1", "--format", "json").out.splitlines()]
    assert told[0]["worker"] == "started" and told[-1] | {"confirmed": 3, "handed_back": []} == told[-1]
    landed = [line["order"] for line in told if line.get("kind") == "confirmed"]
    assert len(landed) == 3 and landed[0] == second["id"] and landed[-1] == first["id"], "by priority"
    assert cli.json("submit", "1", "SOL", "USDC", "--yes", "--key", "k")["state"] == "CONFIRMED"
    lines = cli("worker", "--until-idle").out
    assert "started" in lines and "stopped" in lines
