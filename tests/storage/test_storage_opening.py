"""Opening a journal: new, known, newer, damaged, foreign, busy."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from dexroute.errors import ConfigError, DatabaseError, DatabaseUnavailable, DataDirBusy
from dexroute.storage.location import locate
from dexroute.storage.schema import HEAD
from dexroute.storage.store import open_store
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import an_order, to_confirmed


async def filled(file: Path) -> None:
    async with open_store(file) as store:
        await to_confirmed(store, an_order(key="k"))


async def test_a_new_journal_is_private_durable_and_survives_reopening(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "journal.db"
    await filled(file)
    async with open_store(file) as store:
        for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
            assert stat.S_IMODE((file.parent / name).stat().st_mode) == 0o600, name
        assert await store.order_by_key("k") is not None
        async with store._sessions.writing() as session:
            pragmas = {
                name: (await (await session.connection()).execute(text(f"PRAGMA {name}"))).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_writes_begin_immediate(tmp_path: Path) -> None:
    """A second writer waits at BEGIN, not somewhere in the middle."""
    file = tmp_path / "journal.db"
    async with open_store(file) as store:
        other = sqlite3.connect(file, timeout=0)
        async with store._sessions.writing() as writer:
            await writer.connection()
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
        async with store._sessions.reading() as session:
            assert (await (await session.connection()).execute(text("SELECT count(*) FROM orders"))).scalar() == 0, (
                "a read waits for no writer"
            )
        other.close()


def test_a_known_journal_opens_without_alembic(tmp_path: Path) -> None:
    """The CLI's start must not pay for migrations it does not need."""
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom dexroute.storage.store import open_store\n"
        "async def main():\n    async with open_store(Path(sys.argv[1])):\n        print('alembic' in sys.modules)\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "journal.db")]
    answers = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert answers == ["True", "False"]


async def test_a_newer_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    await filled(file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(DatabaseError, match=r"schema 9999, newer.*upgrade dexroute") as refused:
        async with open_store(file):
            pass
    assert file.read_bytes() == before and refused.value.context["known"] == HEAD


async def test_a_newer_postgres_journal_is_refused(postgres: str) -> None:
    url = await empty_postgres(postgres)
    async with open_store(url) as store, store._sessions.writing() as session:
        await (await session.connection()).execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer"):
        async with open_store(url):
            pass


@pytest.mark.parametrize("damage", ["text", "cut", "holes", "header"])
async def test_a_corrupt_journal_is_named_and_left_alone(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "journal.db"
    await filled(file)
    whole = file.read_bytes()
    damaged = {
        "text": b"this is no database, and longer than its sixteen magic bytes",
        "cut": whole[: len(whole) // 2],
        "holes": whole[:4096] + os.urandom(len(whole) - 4096),
        "header": whole[:16] + b"\xff" * 84 + whole[100:],
    }[damage]
    file.write_bytes(damaged)
    with pytest.raises(DatabaseError, match="corrupt") as refused:
        async with open_store(file):
            pass
    assert str(file) in str(refused.value) and refused.value.exit_code == 2
    assert file.read_bytes() == damaged


async def test_a_foreign_sqlite_file_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(DatabaseError, match="not a journal"):
        async with open_store(file):
            pass
    assert file.read_bytes() == before


async def test_a_directory_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(DatabaseError, match=r"journal\.db cannot be opened"):
        async with open_store(tmp_path / "journal.db"):
            pass


async def test_a_second_process_is_refused_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom dexroute.storage.store import open_store\n"
        "async def main():\n    async with open_store(Path(sys.argv[1])):\n"
        "        print('open', flush=True)\n        sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        with pytest.raises(DataDirBusy, match=str(tmp_path)) as busy:
            async with open_store(file):
                pass
        assert busy.value.exit_code == 5 and busy.value.retryable
    finally:
        holder.kill()
        holder.communicate()
    async with open_store(file) as store:
        assert await store.orders() == ()


async def test_one_process_cannot_open_one_journal_twice(tmp_path: Path) -> None:
    async with open_store(tmp_path / "journal.db"):
        with pytest.raises(DataDirBusy):
            async with open_store(tmp_path / "journal.db"):
                pass


@pytest.mark.parametrize("url", ["mysql://u:s3cret@host/db", "not a url", "sqlite://", "sqlite:///:memory:"])
async def test_a_url_that_cannot_hold_a_journal_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        async with open_store(url):
            pass
    assert "s3cret" not in str(refused.value) and "postgresql://" in str(refused.value)


async def test_a_postgres_that_dies_while_it_is_greeted_is_retryable() -> None:
    """It has no error of its own class then: the driver tells it by SQLSTATE alone."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.write(b"N")  # no TLS here; and then the start-up message is never answered
        await reader.read(4)
        writer.close()

    dying = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = dying.sockets[0].getsockname()[1]
    async with dying:
        with pytest.raises(DatabaseUnavailable, match="nothing is lost"):
            async with open_store(f"postgresql+asyncpg://dex@127.0.0.1:{port}/journal"):
                pass


async def test_an_unreachable_postgres_is_retryable_and_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        async with open_store("postgresql://someone:s3cret@127.0.0.1:1/journal"):
            pass
    assert refused.value.exit_code == 5 and "127.0.0.1" in str(refused.value) and "s3cret" not in str(refused.value)


async def test_a_file_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    """A full disk, as SQLite sees one: no more pages."""
    file = tmp_path / "journal.db"
    await filled(file)
    async with open_store(file) as store:
        await store._sessions.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1"))
        with pytest.raises(DatabaseUnavailable, match="disk is full"):
            for number in range(2_000):
                await store.place(an_order(key=f"{number}" * 20))
        known = await store.order_by_key("k")
        assert known is not None and len(await store.events(known.id)) == known.event_seq


async def test_options_of_a_url_that_nobody_would_understand_are_refused_by_name() -> None:
    """An option unknown to the driver would be a TypeError deep inside it."""
    for option in ("application_name=x", "sslpassword=hunter2", "server_settings=x"):
        with pytest.raises(ConfigError, match="option") as refused:
            locate(f"postgresql://me:s3cret@db/journal?{option}")
        told = str(refused.value)
        assert option.split("=")[0] in told and "sslmode" in told and "hunter2" not in told and "s3cret" not in told


async def test_a_postgres_is_reached_with_libpqs_word_for_no_tls(postgres: str) -> None:
    url = await empty_postgres(postgres)
    async with open_store(f"{url}{'&' if '?' in url else '?'}sslmode=disable") as store:
        assert await store.orders() == ()


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@db/journal", "postgresql://me@db/journal?password=hunter2"])
def test_a_database_is_named_without_its_credentials(url: str) -> None:
    location = locate(url)
    assert "hunter2" not in location.label and "db/journal" in location.label
    assert "hunter2" in location.url.render_as_string(hide_password=False), "the connection still needs it"
