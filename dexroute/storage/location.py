"""Where a journal lives: a SQLite file or a PostgreSQL URL, and how each is named without its credentials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from dexroute.errors import ConfigError

# of the many options of asyncpg.connect and of libpq, those whose text means the same to both
_OPTIONS: Final = frozenset({"host", "port", "password", "ssl", "target_session_attrs", "prepared_statement_cache_size"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """`file` is set for SQLite only. `label` is safe to print."""

    url: URL
    file: Path | None
    label: str


def locate(database: str | Path) -> Location:
    """A path, `sqlite:///path` or `postgresql://...`. Raises ConfigError for anything else."""
    if isinstance(database, Path):
        return _sqlite(database)
    try:
        url = make_url(database)
    except ArgumentError:
        raise ConfigError("the database URL does not parse; use sqlite:///path or postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return _sqlite(Path(url.database))
    if backend in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+asyncpg", query={_asyncpg(name): value for name, value in url.query.items()})
        # without the query: `?password=` and `?sslpassword=` are credentials SQLAlchemy does not hide
        shown = url.set(drivername="postgresql", query={})
        return Location(url=url, file=None, label=shown.render_as_string(hide_password=True))
    raise ConfigError(
        f"a journal cannot be kept in {backend!r}: use sqlite:///path or postgresql://user@host/name", backend=backend
    )


def _asyncpg(option: str) -> str:
    named = "ssl" if option == "sslmode" else option
    if named not in _OPTIONS:
        known = ", ".join(sorted({*_OPTIONS, "sslmode"}))
        raise ConfigError(f"the database URL has the option {option!r}, which is none of: {known}", option=option)
    return named


def _sqlite(file: Path) -> Location:
    # by its own name: SQLite keeps its log, and we the lock, beside the file itself and not beside a link to it
    file = file.expanduser().resolve()
    return Location(url=URL.create("sqlite+aiosqlite", database=str(file)), file=file, label=str(file))
