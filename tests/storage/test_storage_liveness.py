"""Who lives, by PostgreSQL's locks: the dead are found out at once, the living are left alone, and where nothing is known the lease
decides."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from sqlalchemy import Connection

from dexroute.errors import DatabaseUnavailable, OrderTakenOver
from dexroute.storage import liveness
from dexroute.storage.liveness import LOCKED
from dexroute.storage.store import SqlStore, open_store
from dexroute.types.orders import EventKind, Order, OrderState
from tests.servers.postgres import PostgresServer, empty_postgres, postgres_server
from tests.storage.orders_at_hand import an_order

LEASE_MS: Final = 600_000
SESSIONS: Final = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'"


@pytest.fixture
async def url(postgres: str) -> str:
    return await empty_postgres(postgres)


async def taken_up(store: SqlStore, owner: str) -> tuple[Order, ...]:
    name = await store.alive_as(owner)
    return await store.take(owner=name, genesis_hash="genesis", at_ms=1, limit=9, lease_ms=LEASE_MS)


async def placed(store: SqlStore, owner: str) -> Order:
    return (await store.place(an_order(), owner=await store.alive_as(owner), lease_ms=LEASE_MS))[0]


async def looked(store: SqlStore, for_s: float) -> int:
    """How many orders of the dead were found in this time."""
    freed, until = 0, time.monotonic() + for_s
    while time.monotonic() < until:
        with suppress(DatabaseUnavailable):  # its own session is cut
            freed += await store.free_dead()
        await asyncio.sleep(0.05)
    return freed


def slow_look(seconds: float) -> Callable[[Connection, Collection[str]], tuple[set[str], int, float]]:
    """The look of `Liveness`, said to have taken so long."""
    look = liveness._free

    def slowly(connection: Connection, dead: Collection[str]) -> tuple[set[str], int, float]:
        free, freed, _ = look(connection, dead)
        return free, freed, seconds

    return slowly


async def holders(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [row["pid"] for row in await connection.fetch(SESSIONS)]
    finally:
        await connection.close()


async def test_who_died_is_found_out_and_who_lives_is_left_alone(url: str) -> None:
    async with open_store(url) as dying, open_store(url) as living, open_store(url) as other:
        lost, kept = await placed(dying, "dying"), await placed(living, "living")
        assert (lost.claimed_by, kept.claimed_by) == (f"dying{LOCKED}", f"living{LOCKED}")
        assert await taken_up(other, "other") == () and await looked(other, 2.5) == 0, "both live"
        assert dying._liveness is not None
        await dying._liveness.close()  # what the end of its process does
        began = time.monotonic()
        while not await other.free_dead():
            assert time.monotonic() - began < 15
            await asyncio.sleep(0.05)
        assert time.monotonic() - began >= 0.9, "it had a moment to come back"
        assert [order.id for order in await taken_up(other, "other")] == [lost.id]
        with pytest.raises(OrderTakenOver):
            await dying.advance(lost, lost, EventKind.ROUTING, at_ms=1)
        assert (await living.advance(kept, kept, EventKind.ROUTING, at_ms=1, lease_ms=LEASE_MS))[0].fencing == kept.fencing


async def test_a_process_of_this_machine_that_has_ended_is_not_waited_for(url: str) -> None:
    """Started anew at once after a kill, a worker goes on at once. The lock has to be free all the same."""
    say = "from dexroute.host.processes import process_name; print(process_name())"
    name = subprocess.run([sys.executable, "-c", say], check=True, capture_output=True, text=True).stdout.strip()
    async with open_store(url) as killed, open_store(url) as other:
        order = await placed(killed, name)
        await other.alive_as("other")
        assert await looked(other, 1.5) == 0 and await taken_up(other, "other") == (), "its session lives"
        assert killed._liveness is not None
        await killed._liveness.close()
        began = time.monotonic()
        while not await other.free_dead():
            assert time.monotonic() - began < 15
            await asyncio.sleep(0.02)
        assert other._liveness is not None and other._liveness._seen_free[f"{name}{LOCKED}"][1] == 1, "the first look was enough"
        assert [taken.id for taken in await taken_up(other, "other")] == [order.id]


async def test_who_is_suspected_is_looked_at_again_however_long_a_look_takes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that took a third of a second, on a machine with other things to do, once were ten seconds apart: the third of them
    came when the lease had ended."""

    async with open_store(url) as one, open_store(url) as other:
        order = await placed(one, "one")
        await other.alive_as("other")
        assert one._liveness is not None
        await one._liveness.close()
        monkeypatch.setattr(liveness, "_free", slow_look(0.33))
        began = time.monotonic()
        while not await other.free_dead():
            assert time.monotonic() - began < 9
            await asyncio.sleep(0.05)
        assert [taken.id for taken in await taken_up(other, "other")] == [order.id]


async def test_a_machine_that_stood_still_buries_nobody(url: str) -> None:
    """Everyone stopped for longer than the moment a lost session has to come back: it is given that moment all the same."""
    async with open_store(url) as one, open_store(url) as other:
        order = await placed(one, "one")
        await other.alive_as("other")
        assert one._liveness is not None and other._liveness is not None
        await one._liveness.close()
        while not other._liveness._seen_free:
            assert await other.free_dead() == 0
            await asyncio.sleep(0.05)
        time.sleep(1.5)
        assert await other.free_dead() == 0, "it was seen to be away once"
        assert await taken_up(other, "other") == ()
        while not await other.free_dead():
            await asyncio.sleep(0.05)
        assert [taken.id for taken in await taken_up(other, "other")] == [order.id]


async def test_who_only_lost_its_session_takes_its_lock_again(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        order = await placed(one, "one")
        await other.alive_as("other")
        looking = asyncio.create_task(looked(other, 3))
        killer = await asyncpg.connect(url)
        for _ in range(3):
            before = set(await holders(url))
            for pid in before:
                await killer.execute("SELECT pg_terminate_backend($1)", pid)
            async with asyncio.timeout(15):
                while len(found := set(await holders(url)) - before) < 2:
                    await asyncio.sleep(0.02)
            assert not found & before
        await killer.close()
        assert await one.alive_as("one") == await one.alive_as(f"one{LOCKED}") == f"one{LOCKED}"
        assert await looking == 0 and await taken_up(other, "other") == ()
        assert (await one.order(order.id)).fencing == order.fencing


async def test_nothing_is_claimed_while_the_lock_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is gone: claims wait a moment, then say so; when it is back, everybody has a lock again and nobody died."""
    monkeypatch.setattr("dexroute.storage.liveness._PATIENCE_S", 0.5)
    with postgres_server() as server:
        async with open_store(server.url) as one, open_store(server.url) as other:
            order = await placed(one, "one")
            await placed(other, "other")
            await asyncio.to_thread(server.kill)
            async with asyncio.timeout(15):
                while True:
                    with suppress(DatabaseUnavailable):
                        await one.alive_as("one")
                        await asyncio.sleep(0.02)
                        continue
                    break
            with pytest.raises(DatabaseUnavailable):
                await taken_up(one, "one")
            await asyncio.to_thread(server.start)
            await back(server, 2)
            monkeypatch.undo()
            assert await one.alive_as("one") == f"one{LOCKED}"
            assert await other.alive_as("other") == f"other{LOCKED}"
            assert await looked(other, 2.5) == 0
            assert (await one.order(order.id)).claimed_by == f"one{LOCKED}"


async def back(server: PostgresServer, locks: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError, asyncpg.PostgresError):
                if len(await holders(server.url)) == locks:
                    return
            await asyncio.sleep(0.05)


async def test_of_a_worker_without_a_lock_nothing_is_concluded(url: str) -> None:
    """An older dexroute's, or one behind a pooler."""
    async with open_store(url) as one, open_store(url) as other:
        order, _ = await one.place(an_order(), owner="host:1:abcd", lease_ms=LEASE_MS)
        await other.alive_as("other")
        assert await looked(other, 2.5) == 0 and await taken_up(other, "other") == ()
        assert (await one.order(order.id)).state is OrderState.PENDING


async def test_a_lock_through_a_pooler_proves_nothing_and_is_not_taken(url: str) -> None:
    async with pooler(url) as pooled, open_store(pooled) as store:
        assert await store.alive_as("one") == "one"
        order = await placed(store, "one")
        assert order.claimed_by == "one" and await looked(store, 1.5) == 0 and not await holders(url)


@asynccontextmanager
async def pooler(url: str) -> AsyncIterator[str]:
    """A proxy that does to a session's start what poolers do: it makes up the number of the backend."""
    socket = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"

    async def serve(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, questions = await asyncio.open_unix_connection(socket)
        asking = asyncio.create_task(passed_on(client, questions))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await server.readexactly(5)
                body = await server.readexactly(int.from_bytes(head[1:], "big") - 4)
                answers.write(head + (b"\x00\x00\x00\x07" + body[4:] if head[:1] == b"K" else body))
                await answers.drain()
        asking.cancel()
        answers.close()
        questions.close()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://postgres:@127.0.0.1:{port}/postgres?ssl=disable"
    finally:
        listening.close()
