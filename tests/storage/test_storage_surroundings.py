"""Aliases of one file, a full disk, a database nobody may write to, a clock gone wrong: refused clearly, with every order there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from dexroute.errors import DatabaseError, DatabaseUnavailable, DataDirBusy
from dexroute.storage.store import open_store
from dexroute.types.orders import EventKind, OrderState
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import an_order


@pytest.mark.parametrize("alias", ["file", "directory", "dots"])
async def test_a_journal_is_the_same_under_any_name(tmp_path: Path, alias: str) -> None:
    (tmp_path / "real").mkdir()
    file = tmp_path / "real" / "journal.db"
    (tmp_path / "link").symlink_to(file if alias == "file" else tmp_path / "real")
    others = {"file": "link", "directory": "link/journal.db", "dots": "real/../real/journal.db"}
    other = tmp_path / others[alias]
    async with open_store(file) as store:
        order, _ = await store.place(an_order())
        for name in (other, f"sqlite:///{other}"):
            with pytest.raises(DataDirBusy):
                async with open_store(name):
                    pass
    async with open_store(other) as store:
        assert await store.order(order.id) == order
    assert {path.name for path in (tmp_path / "real").iterdir()} == {"journal.db", "journal.db.lock", "journal.db.signed"}


async def test_a_second_hard_link_is_refused(tmp_path: Path) -> None:
    """SQLite's log lies beside the name it was opened by: under the other name its commits would be missed."""
    async with open_store(tmp_path / "journal.db") as store:
        await store.place(an_order())
    os.link(tmp_path / "journal.db", tmp_path / "other.db")
    for name in ("journal.db", "other.db"):
        with pytest.raises(DatabaseError, match="2 names"):
            async with open_store(tmp_path / name):
                pass
    (tmp_path / "other.db").unlink()
    async with open_store(tmp_path / "journal.db") as store:
        assert len(await store.orders()) == 1


FILLING = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from dexroute.errors import DexError
from dexroute.storage.store import open_store
from tests.storage.orders_at_hand import an_order

async def main():
    kept, refused = [], []
    async with open_store(Path(sys.argv[1])) as store:
        await store.place(an_order(key="first"))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # as far as SQLite can tell, the disk is full
        results = await asyncio.gather(*(store.place(an_order(key=f"{n:04d}" * 40)) for n in range(600)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                refused.append([type(result).__name__, str(result)])
                assert isinstance(result, DexError), result
            else:
                kept.append(result[0].id)
        first = await store.order_by_key("first")
        assert first is not None, "what was there can still be read"
    print(json.dumps({"kept": kept, "refused": refused}))

asyncio.run(main())
"""


async def test_a_real_full_disk_loses_nothing_that_was_told_kept(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    told = subprocess.run([sys.executable, "-c", FILLING, str(file)], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    assert answer["refused"] and all("nothing" in message for _, message in answer["refused"])
    async with open_store(file) as store:
        there = {order.id for order in await store.orders()}
        assert set(answer["kept"]) <= there and len(there) == len(answer["kept"]) + 1
        for order_id in there:
            assert len(await store.events(order_id)) == 1


READING = """
import asyncio, os, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from dexroute.errors import DexError
from dexroute.storage.store import open_store

async def main():
    with TemporaryDirectory() as elsewhere:
        async with open_store(Path(elsewhere) / "journal.db"):
            pass  # everything is imported
    if os.getuid() == 0:
        os.setuid(65534)  # for root, no file is read-only
    try:
        async with open_store(Path(sys.argv[1])):
            print("opened")
    except DexError as error:
        print(error.exit_code, error.code, error.message)

asyncio.run(main())
"""


async def test_a_journal_nobody_may_write_to_is_refused_and_unchanged() -> None:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "journal.db"
        async with open_store(file) as store:
            order, _ = await store.place(an_order())
        before = file.read_bytes()
        for part in file.parent.iterdir():
            part.chmod(0o444)
        file.parent.chmod(0o555)
        command = [sys.executable, "-c", READING, str(file)]
        told = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        file.parent.chmod(0o700)
        for part in file.parent.iterdir():
            part.chmod(0o600)
        assert told.stdout.startswith("2 ") and directory in told.stdout, told.stdout + told.stderr
        assert file.read_bytes() == before
        async with open_store(file) as store:
            assert await store.order(order.id) == order


async def test_a_postgres_that_became_read_only_is_told_and_nothing_is_half_written(postgres: str) -> None:
    url = await empty_postgres(postgres)
    async with open_store(url) as store:
        order, _ = await store.place(an_order())
        async with store._sessions.writing() as session:
            await (await session.connection()).execute(text("ALTER DATABASE postgres SET default_transaction_read_only = on"))
        await store._sessions._writer.dispose()  # as after its restart: connections are new
        try:
            with pytest.raises((DatabaseError, DatabaseUnavailable), match="read-only"):
                await store.place(an_order())
            with pytest.raises((DatabaseError, DatabaseUnavailable), match="read-only"):
                await store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1)
            assert await store.order(order.id) == order and len(await store.events(order.id)) == 1
        finally:
            async with store._sessions.writing() as session:
                connection = await session.connection()
                await connection.execute(text("SET TRANSACTION READ WRITE"))
                await connection.execute(text("ALTER DATABASE postgres RESET default_transaction_read_only"))
        await store._sessions._writer.dispose()
        assert (await store.place(an_order()))[1]


async def test_times_before_1970_and_far_ahead_are_recorded_as_they_are(tmp_path: Path) -> None:
    """A clock that is wrong by decades changes the order of a listing, and nothing that is decided."""
    async with open_store(tmp_path / "journal.db") as store:
        for now_ms in (0, 4_102_444_800_000):
            order, _ = await store.place(an_order(now_ms=now_ms))
            moved, _ = await store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=-5)
            assert await store.order(order.id) == moved and moved.updated_ms == -5


FULL = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from dexroute.errors import DexError
from dexroute.storage.store import open_store

async def main():
    async with open_store(Path(sys.argv[2])):
        pass  # everything is imported
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing may grow, not even the lock's name or the index of the log
    try:
        async with open_store(Path(sys.argv[1])):
            print("opened", end="")
    except DexError as error:
        print(error.exit_code, error.code, error.message, end="")

asyncio.run(main())
"""


async def test_a_journal_on_a_full_disk_is_not_called_corrupt(tmp_path: Path) -> None:
    """Whoever was told to begin anew would do everything again that the journal knows."""
    file = tmp_path / "journal.db"
    async with open_store(file) as store:
        order, _ = await store.place(an_order())
    read, write = os.pipe()
    command = [sys.executable, "-c", FULL, str(file), str(tmp_path / "other.db")]
    told = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    assert answer.startswith("5 DATABASE_UNAVAILABLE"), (answer, told.stderr)
    assert "is it full?" in answer and "corrupt" not in answer and "anew" not in answer and "--data-dir" not in answer
    async with open_store(file) as store:
        assert await store.order(order.id) == order
