"""Where the journals of these tests live: fresh SQLite files, and databases on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dexroute.ports import OrderStore
from dexroute.storage.store import SqlStore, open_store
from tests.servers.postgres import empty_postgres
from tests.simulation.memory_store import MemoryStore


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


@pytest.fixture(params=["sqlite", "postgresql", "memory", "memory, leased"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OrderStore]:
    """Whatever promises to be a journal, the one of the simulation too: what no test reaches into past the port."""
    if request.param.startswith("memory"):
        yield MemoryStore(leased="leased" in request.param)
        return
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    async with open_store(
        url if request.param == "sqlite" else await empty_postgres(request.getfixturevalue("postgres"))
    ) as opened:
        yield opened
