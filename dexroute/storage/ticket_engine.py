"""procrastinate, kept in its place: a PostgreSQL schema of its own beside the journal, and nothing in it that cannot be lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, Final

from solders.pubkey import Pubkey
from sqlalchemy.engine import URL

from dexroute.errors import ConfigError
from dexroute.storage.advisory import TICKETS
from dexroute.storage.location import locate

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.worker import Worker

TASK: Final = "take_next"
_PATIENCE_S: Final = 10
_ASYNCPG_TO_LIBPQ: Final = {
    "host": "host",
    "port": "port",
    "password": "password",
    "ssl": "sslmode",
    "target_session_attrs": "target_session_attrs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEngine:
    """Where the tickets of one cluster's orders are kept: `conninfo` as libpq wants it, `schema` their place in the database."""

    conninfo: str
    schema: str
    genesis_hash: str

    def queue(self, wallet: Pubkey) -> str:
        """Short, since PostgreSQL cuts the names of channels at 63 bytes."""
        return f"dex-{blake2b(f'{self.genesis_hash}:{wallet}'.encode(), digest_size=8).hexdigest()}"

    def app(self, *, connections: int) -> App:
        """A new client, not yet open; it connects with `open_async`."""
        from procrastinate import App, PsycopgConnector

        connector = PsycopgConnector(
            conninfo=self.conninfo,
            min_size=1,
            max_size=connections,
            timeout=_PATIENCE_S,
            kwargs={"options": f"-c search_path={self.schema}", "connect_timeout": _PATIENCE_S},
        )
        app = App(connector=connector)
        app.job_manager = _forgiving(app)
        return app

    async def prepare(self) -> None:
        """Make the schema unless it is there. Several may do so at once. Raises psycopg.Error."""
        import psycopg
        from procrastinate.schema import SchemaManager
        from psycopg import sql

        async with await psycopg.AsyncConnection.connect(self.conninfo, connect_timeout=_PATIENCE_S) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (TICKETS,))
            found = await (await connection.execute("SELECT to_regclass(%s)", (f"{self.schema}.procrastinate_jobs",))).fetchone()
            if found is not None and found[0] is not None:
                return
            name = sql.Identifier(self.schema)
            await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))  # half of one is none
            await connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
            await connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))
            await connection.execute(SchemaManager.get_schema())


def ticket_engine(database: str, genesis_hash: str) -> TicketEngine:
    """The engine beside a PostgreSQL journal; nothing is connected to yet. Raises ConfigError where it is not installed."""
    try:
        from procrastinate.schema import SchemaManager
        from psycopg.conninfo import make_conninfo
    except ImportError:
        raise ConfigError(
            "several workers on one PostgreSQL need the job engine procrastinate: pip install 'dexroute[worker]'"
        ) from None
    for noisy in ("procrastinate", "psycopg"):  # what they meet is told by `trouble`; who configures logging still hears them
        logging.getLogger(noisy).addHandler(logging.NullHandler())
    version = sha256(SchemaManager.get_schema().encode()).hexdigest()[:8]
    return TicketEngine(
        conninfo=make_conninfo(**_libpq(locate(database).url)), schema=f"dexroute_tickets_{version}", genesis_hash=genesis_hash
    )


def engine_faults() -> tuple[type[Exception], ...]:
    """What the engine raises when its server is away, or its tables are."""
    import psycopg
    import psycopg_pool
    from procrastinate.exceptions import ConnectorException

    return (psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed, ConnectorException, OSError)


def watched_worker(app: App, **options: Any) -> Worker:
    """A worker that ends when its listener or its heartbeat does."""
    from procrastinate.worker import Worker

    class Watched(Worker):
        async def _periodic_deferrer(self) -> None:
            # without periodic tasks this side task returns at once, and 3.10.0 watches the others only until the first has ended
            await asyncio.Event().wait()

    return Watched(app, **options)


def _libpq(url: URL) -> dict[str, Any]:
    """The same server in libpq's words."""
    named = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    for theirs, ours in _ASYNCPG_TO_LIBPQ.items():
        if (value := url.query.get(theirs)) is not None:
            named[ours] = value if isinstance(value, str) else ",".join(value)
    return {name: value for name, value in named.items() if value is not None}


def _forgiving(app: App) -> Any:
    from procrastinate.manager import JobManager

    class Forgiving(JobManager):
        """A ticket that cannot be given back (the tables were emptied, the server is away) is no loss."""

        async def finish_job(self, *ticket: Any, **how: Any) -> None:
            with suppress(*engine_faults()):
                await super().finish_job(*ticket, **how)

    return Forgiving(app.connector)
