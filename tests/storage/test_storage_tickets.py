"""Tickets on a real PostgreSQL: they come at once, their tables may vanish at any moment, and never meet the journal's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from solders.keypair import Keypair

from dexroute.errors import ConfigError
from dexroute.storage import tickets
from dexroute.storage.store import open_store
from dexroute.storage.ticket_engine import TicketEngine, ticket_engine
from dexroute.storage.tickets import TicketService, TicketWriter
from tests.servers.postgres import empty_postgres, postgres_server

WALLET = Keypair().pubkey()
NEVER_S = 3_600.0


class Counted:
    """A `take_next` that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.called = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        self.called.set()

    async def comes_to(self, calls: int) -> None:
        async with asyncio.timeout(30):
            while self.calls < calls:
                self.called.clear()
                await self.called.wait()


async def listening(engine: TicketEngine, services: int) -> list[int]:
    """Wait until so many services hear the notices of new tickets; the numbers of their sessions."""
    import psycopg

    sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN%'"
    async with await psycopg.AsyncConnection.connect(engine.conninfo, autocommit=True) as connection, asyncio.timeout(30):
        while len(rows := await (await connection.execute(sql)).fetchall()) < services:
            await asyncio.sleep(0.02)
    return [pid for (pid,) in rows]


@asynccontextmanager
async def serving(engine: TicketEngine, taken: Counted) -> AsyncIterator[TicketService]:
    """A service that never looks for what no notice came for."""
    service = TicketService(engine, [WALLET], taken, at_once=2)
    running = asyncio.create_task(service.run(poll_s=NEVER_S))
    try:
        await comes(service)
        yield service
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def comes(service: TicketService) -> None:
    async with asyncio.timeout(30):
        while service.trouble is not None:
            await asyncio.sleep(0.02)


async def written(engine: TicketEngine, count: int, wallet: object = WALLET) -> None:
    writer = TicketWriter(engine)
    for _ in range(count):
        writer.announce(wallet)  # type: ignore[arg-type]
    await writer.close()


async def rows(url: str, engine: TicketEngine, table: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {engine.schema}.{table}"))
    finally:
        await connection.close()


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


@pytest.fixture
async def url(postgres: str) -> str:
    return await empty_postgres(postgres)


async def test_many_workers_make_the_tables_at_once_and_the_journal_beside_them_stays_itself(url: str) -> None:
    engine = ticket_engine(url, "genesis")
    await asyncio.gather(*(engine.prepare() for _ in range(6)))
    async with open_store(url):
        pass
    connection = await asyncpg.connect(url)
    tables = await connection.fetch("SELECT schemaname, tablename FROM pg_tables WHERE tablename LIKE 'procrastinate%'")
    await connection.close()
    assert {schema for schema, _ in tables} == {engine.schema} and len(tables) >= 3
    async with open_store(url):  # neither takes the other's for its own
        await engine.prepare()


async def test_every_ticket_comes_at_once_to_one_worker_and_leaves_nothing(url: str) -> None:
    engine = ticket_engine(url, "genesis")
    one, other = Counted(), Counted()
    async with serving(engine, one), serving(engine, other):
        await listening(engine, 2)
        await written(engine, 12)
        await written(engine, 3, Keypair().pubkey())  # nobody here holds that wallet
        async with asyncio.timeout(30):
            while one.calls + other.calls < 12 or await rows(url, engine, "procrastinate_jobs") > 3:
                await asyncio.sleep(0.02)
        assert one.calls + other.calls == 12
    assert await rows(url, engine, "procrastinate_workers") == 0


async def test_who_hears_no_notices_any_more_listens_again(url: str) -> None:
    """Its listening session is cut, by an administrator or a proxy: what came meanwhile is found, and the next is heard."""
    engine, taken = ticket_engine(url, "genesis"), Counted()
    async with serving(engine, taken):
        for cut, is_missed in enumerate((False, True, False), start=1):
            (listener,) = await listening(engine, 1)
            await execute(url, f"SELECT pg_terminate_backend({listener})")
            while not is_missed and await listening(engine, 1) == [listener]:
                await asyncio.sleep(0.02)
            await written(engine, 1)
            await taken.comes_to(cut)


@pytest.fixture
def quick_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "_HEARTBEAT_S", 0.5)


@pytest.mark.usefixtures("quick_heartbeat")
@pytest.mark.parametrize("lost", ["TRUNCATE {0}.procrastinate_jobs, {0}.procrastinate_workers CASCADE", "DROP SCHEMA {0} CASCADE"])
async def test_emptied_or_dropped_tables_are_made_again(url: str, lost: str) -> None:
    engine, taken = ticket_engine(url, "genesis"), Counted()
    async with serving(engine, taken) as service:
        await listening(engine, 1)
        await written(engine, 1)
        await taken.comes_to(1)
        await execute(url, lost.format(engine.schema))
        async with asyncio.timeout(30):
            while taken.calls < 2:  # the first ticket may find the old worker's number, or no table
                await written(engine, 1)
                await asyncio.sleep(0.3)
        await comes(service)


@pytest.mark.usefixtures("quick_heartbeat")
async def test_a_server_restarted_is_a_pause_and_never_an_error_for_who_submits() -> None:
    with postgres_server() as server:
        engine, taken = ticket_engine(server.url, "genesis"), Counted()
        async with serving(engine, taken) as service:
            await listening(engine, 1)
            server.kill()
            writer = TicketWriter(engine)
            writer.announce(WALLET)  # lost, and nobody is told: the order is in the journal
            async with asyncio.timeout(30):
                while service.trouble is None:
                    await asyncio.sleep(0.02)
            server.start()
            await comes(service)
            await writer.close()
            await listening(engine, 1)
            await written(engine, 1)
            await taken.comes_to(1)


def test_queues_are_told_apart_and_fit_a_channel() -> None:
    one, other = (ticket_engine("postgresql://u@h/d", genesis) for genesis in ("one", "other"))
    names = {engine.queue(wallet) for engine in (one, other) for wallet in (WALLET, Keypair().pubkey())}
    assert len(names) == 4 and all(len(f"procrastinate_queue_v1#{name}") < 63 for name in names)


def test_the_database_is_named_in_libpqs_words() -> None:
    from psycopg.conninfo import conninfo_to_dict

    named = ticket_engine("postgresql://me:se%20cret@db.example:5433/orders?ssl=require&prepared_statement_cache_size=0", "g")
    assert conninfo_to_dict(named.conninfo) == {
        "user": "me", "password": "se cret", "host": "db.example", "port": "5433", "dbname": "orders", "sslmode": "require",
    }  # fmt: skip
    assert conninfo_to_dict(ticket_engine("postgresql://u@/d?host=/run/pg", "g").conninfo)["host"] == "/run/pg"


def test_without_the_engine_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "procrastinate.schema", None)
    with pytest.raises(ConfigError, match=r"pip install 'dexroute\[worker\]'"):
        ticket_engine("postgresql://u@h/d", "genesis")
