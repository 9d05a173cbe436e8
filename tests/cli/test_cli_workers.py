"""`dex submit` and `dex worker`: several processes on one real PostgreSQL, killed and told to stop; one on SQLite."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from dexroute import Dex, KeypairSigner
from dexroute.errors import ConfigError, RpcUnreachable
from dexroute.localnet.rpc.dispatch import METHODS
from dexroute.localnet.rpc.failure import RpcFailure
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Params
from dexroute.storage.store import open_store
from dexroute.storage.ticket_engine import ticket_engine
from dexroute.types.orders import EventKind, OrderState
from tests.cli.runner import Cli
from tests.cli.worker_processes import Site, receipts_landed_once, served_site
from tests.playground import copied
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import an_order

AMOUNT = 10_000_000  # lamports of each order


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
    async with asyncio.timeout(120):
        for order in orders:
            while (await journal.order(order)).is_open:
                await asyncio.sleep(0.1)


async def check_each_landed_once(dex: Dex, orders: list[str], had: int) -> None:
    """By the journal and by the wallet: what the orders say they received is what came."""
    receipts = await receipts_landed_once(dex, orders)
    executed = [receipt.order.executed for receipt in receipts]
    assert all(amounts is not None and amounts.amount_in == AMOUNT for amounts in executed)
    assert await usdc(dex) - had == sum(amounts.amount_out for amounts in executed if amounts is not None)


async def execute(url: str, sql: str, *values: object) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.execute(sql, *values))
    finally:
        await connection.close()


async def fetched(url: str, sql: str, *values: object) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(sql, *values))
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


async def test_a_killed_workers_orders_are_finished_by_the_other(site: Site) -> None:
    """The first dies by SIGKILL with its first signature recorded and not yet sent, other orders half-way."""
    async with site.dex() as dex:
        had = await usdc(dex)
        orders = await submitted(dex, 6)
        async with site.worker("--concurrency", "3", failpoint="after-commit-signed") as one:
            assert await one.ended() == -signal.SIGKILL
            async with site.worker("--concurrency", "3") as other:
                await other.until("started")
                await until_ended(dex, orders)
                assert await other.ended(signal.SIGTERM) == 0
        await check_each_landed_once(dex, orders, had)
        assert sorted(other.steps("confirmed")) == sorted(orders) and len(other.steps("signed")) < len(orders)
        for order in orders:
            events = (await (await dex.orders()).receipt(order)).events
            assert sum(event.kind is EventKind.SIGNED for event in events) == 1, "what the dead one had signed is what landed"


async def test_a_worker_killed_beside_another_is_missed_at_once(site: Site) -> None:
    """kill -9 with orders under way: the other takes them up long before their leases end, and carries out every one once."""
    async with (
        site.dex() as dex,
        site.worker("--concurrency", "2") as other,
        site.worker("--concurrency", "4", failpoint="after-commit-intent") as one,
    ):
        await asyncio.gather(one.until("started"), other.until("started"))
        had = await usdc(dex)
        other.process.send_signal(signal.SIGSTOP)  # or it might take them all
        orders = await submitted(dex, 7)
        assert await one.ended() == -signal.SIGKILL
        held = "claimed_by LIKE $1 AND state IN ('PENDING', 'ROUTING', 'BUILDING', 'SUBMITTED')"
        dead = f"%:{one.process.pid}:%"
        left = await fetched(site.database, f"SELECT count(*) FROM orders WHERE {held}", dead)
        assert left, "it was killed with orders at work"
        an_hour_more = f"UPDATE orders SET lease_until_ms = lease_until_ms + 3600000 WHERE {held} AND lease_until_ms IS NOT NULL"
        assert await execute(site.database, an_hour_more, dead) == f"UPDATE {left}"
        other.process.send_signal(signal.SIGCONT)
        await until_ended(dex, orders)
        await check_each_landed_once(dex, orders, had)
        receipts = [await (await dex.orders()).receipt(order) for order in orders]
        claims = [[event for event in receipt.events if event.kind is EventKind.CLAIMED] for receipt in receipts]
        assert sum(len(of_one) > 1 for of_one in claims) == left, "each was taken up again, and no other"
        assert await other.ended(signal.SIGTERM) == 0


async def test_a_worker_whose_connections_are_cut_goes_on(site: Site) -> None:
    async with site.dex() as dex, site.worker("--concurrency", "3") as one, site.worker("--concurrency", "3") as other:
        await asyncio.gather(one.until("started"), other.until("started"))
        had = await usdc(dex)
        orders = await submitted(dex, 5)
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for _ in range(3):
            await asyncio.sleep(0.7)
            await execute(site.database, cut)
        async with asyncio.timeout(120):
            while await fetched(site.database, "SELECT count(*) FROM orders WHERE state <> 'CONFIRMED'"):
                await asyncio.sleep(0.1)
        await check_each_landed_once(dex, orders, had)
        assert [await one.ended(signal.SIGTERM), await other.ended(signal.SIGTERM)] == [0, 0]


async def test_orders_under_way_are_handed_back_to_the_next_worker(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(node: Node, params: Params) -> str:
        raise RpcFailure(-32005, "Node is behind by 42 slots")

    async with site.dex() as dex:
        had = await usdc(dex)
        orders = await submitted(dex, 4)
        with monkeypatch.context() as for_now:
            for_now.setitem(METHODS, "sendTransaction", deaf)  # nothing lands while the first one works
            async with site.worker("--grace", "0") as one:
                await one.steps_until("signed")
                assert await one.ended(signal.SIGTERM) == 0
        stopped = one.said("stopped")
        assert stopped is not None and not one.steps("confirmed")
        assert all([(await (await dex.journal()).order(order)).is_open for order in orders])
        held = "DELETE FROM orders WHERE lease_until_ms IS NOT NULL AND state NOT IN ('CONFIRMED', 'FAILED', 'CANCELLED')"
        assert await execute(site.database, held) == "DELETE 0", "every lease of an open order was let go"
        async with site.worker("--until-idle") as other:
            assert await other.ended() == 0
        await check_each_landed_once(dex, orders, had)
        for order in orders:
            events = (await (await dex.orders()).receipt(order)).events
            assert sum(event.kind is EventKind.SIGNED for event in events) == 1, "what was signed is what was sent"


async def test_no_order_is_lost_with_the_engines_tables(site: Site) -> None:
    async with site.dex() as dex, site.worker("--concurrency", "2") as one:
        await one.until("started")
        had = await usdc(dex)
        orders = await submitted(dex, 5)
        schema = ticket_engine(site.database, "any").schema
        emptied = f"TRUNCATE {schema}.procrastinate_jobs, {schema}.procrastinate_workers CASCADE"
        await one.steps_until("signed")  # by now the tables are there, and tickets in them
        await execute(site.database, emptied)
        orders += await submitted(dex, 3)
        await until_ended(dex, orders)
        await check_each_landed_once(dex, orders, had)
        await execute(site.database, f"DROP SCHEMA {schema} CASCADE")
        last = await submitted(dex, 1)
        await until_ended(dex, last)
        await check_each_landed_once(dex, [*orders, *last], had)
        assert await one.ended(signal.SIGTERM) == 0


async def test_a_worker_is_woken_and_does_not_have_to_look(site: Site) -> None:
    """By its ticket: it looks once an hour, and whoever submits is another session."""
    async with site.dex() as submitter, site.dex() as dex:
        worker, stop = await dex.worker(sweep_ms=3_600_000), asyncio.Event()
        working = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(120):
            while worker.engine_trouble is not None:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            had = await usdc(dex)
            orders = [await submitted(submitter, 1) for _ in range(2)]
            while sum(worker.ended.values()) < 2:
                await asyncio.sleep(0.02)
        await check_each_landed_once(submitter, [order for (order,) in orders], had)
        stop.set()
        await asyncio.wait_for(working, 120)
        assert not worker.at_work and not worker.troubles


async def test_a_worker_needs_its_engine_and_says_which_extra(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "procrastinate.schema", None)
    async with site.dex() as dex:
        (order,) = await submitted(dex, 1)  # an order needs none
        assert (await (await dex.journal()).order(order)).state is OrderState.PENDING
        with pytest.raises(ConfigError, match=r"dexroute\[worker\]"):
            await dex.worker()


async def test_one_worker_serves_several_wallets_and_leaves_the_rest(site: Site, tmp_path: Path) -> None:
    """Each wallet's day is its own: a limit one wallet has used up holds up no other."""
    keys = [tmp_path / f"{name}.json" for name in ("second", "stranger")]
    second, stranger = [KeypairSigner.create(key) for key in keys]
    limits = {"DEXROUTE_POLICY_DAY_LIMITS": f"So11111111111111111111111111111111111111112={2 * AMOUNT}"}
    async with site.dex() as first, site.dex(second) as other, site.dex(stranger) as third:
        for dex in (other, third):
            await dex.faucet().airdrop(dex.signer.pubkey, 10**9)
        orders = [(dex, await submitted(dex, count)) for dex, count in ((first, 3), (other, 2), (third, 1))]
        had = [await usdc(dex) for dex in (first, other)]
        async with site.worker("-k", str(keys[0]), "--until-idle", environment=limits) as worker:
            assert await worker.ended() == 0
        started = worker.said("started")
        assert started is not None and set(started["wallets"]) == {str(first.signer.pubkey), str(second.pubkey)}
        left_alone = worker.said("left_alone")
        assert left_alone is not None and (left_alone["other_cluster"], left_alone["other_wallets"]) == (0, 1)
        receipts = [await (await first.orders()).receipt(order) for order in orders[0][1]]
        landed = [receipt.order.id for receipt in receipts if receipt.order.state is OrderState.CONFIRMED]
        (refused,) = [receipt.order for receipt in receipts if receipt.order.id not in landed]
        assert refused.failure is not None and refused.failure.code == "POLICY_REFUSED"
        await check_each_landed_once(first, landed, had[0])
        await check_each_landed_once(other, orders[1][1], had[1])
        left = await (await third.journal()).order(orders[2][1][0])
        assert left.state is OrderState.PENDING and not left.claimed_by, "its key is not here"
        # and so for `dex orders resume`, which says what it left
        resumed = await site.run("orders", "resume", "-k", str(keys[0]))
        assert resumed.code == 2 and "is not here" in resumed.json["still_open"][0]["message"], resumed
        resumed = await site.run("orders", "resume", "-k", str(keys[1]))
        assert resumed.code == 0 and [order["state"] for order in resumed.json["orders"]] == ["CONFIRMED"], resumed
        await check_each_landed_once(third, orders[2][1], 0)


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
    assert "started" in lines and "stopped" in lines and "left alone" not in lines


def test_open_orders_it_leaves_alone_are_told_by_a_worker(cli: Cli) -> None:
    """One that was placed under another -u would wait for ever, and nobody say so."""

    async def placed() -> None:
        async with open_store(f"sqlite:///{cli.market / 'journal.sqlite3'}") as store:
            for _ in range(2):
                await store.place(an_order())  # of a cluster called "genesis"

    asyncio.run(placed())
    (line,) = [line for line in cli("worker", "--until-idle").out.splitlines() if "left alone" in line]
    assert line.endswith("left alone  2 open orders of another cluster (-u)")


def test_what_is_left_open_is_told_to_programs_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    away = RpcUnreachable("the node does not answer; try again")
    monkeypatch.setattr("dexroute.sdk.worker.Worker.troubles", {"07": away, "08": away})
    told = json.loads(cli("worker", "--until-idle", "--format", "json", code=5).err)["error"]
    assert told["code"] == "RPC_UNREACHABLE" and told["context"]["orders"] == ["07", "08"]
    assert "order 08 is still open: the node does not answer" in " ".join(cli("worker", "--until-idle", code=5).err.split())
