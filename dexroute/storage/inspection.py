"""Looking at a SQLite file before anything is allowed to write to it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from dexroute.errors import DatabaseError
from dexroute.storage.failures import STARTED_ANEW, disk_trouble

_MAGIC: Final = b"SQLite format 3\x00"
_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_CHECKED_WHOLE_BYTES: Final = 32 << 20  # a full check of more than this would be felt at every start


def prepare_file(file: Path) -> str | None:
    """Create a missing journal file (0600) or check an existing one; returns its schema version, None when it is still empty.

    Read-only for a file that exists, except that its mode is narrowed to the owner. Raises DatabaseError naming the file when it is
    corrupt, not a dexroute journal, or cannot be read; DatabaseUnavailable when its disk is full.
    """
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            found = os.fstat(descriptor)
            size = found.st_size
            magic = os.read(descriptor, len(_MAGIC))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DatabaseError(
            f"the journal {file} cannot be opened: {error.strerror}; check its permissions or choose another --data-dir",
            database=str(file),
        ) from error
    if found.st_nlink > 1:
        raise DatabaseError(
            f"the journal {file} has {found.st_nlink} names (hard links): under another one, commits of this one could be missed. "
            "Remove the other names, or choose another --data-dir",
            database=str(file),
            links=found.st_nlink,
        )
    if size == 0:
        return None
    if magic != _MAGIC:
        raise _damaged(file, "it does not start like a SQLite file")
    try:
        return _version(file, whole=size <= _CHECKED_WHOLE_BYTES)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK:  # without room for its index of the log it cannot even be read
            raise disk_trouble(str(file), str(error)) from error
        raise _damaged(file, str(error)) from error


def _version(file: Path, *, whole: bool) -> str | None:
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
    try:
        if whole:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _damaged(file, verdict)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables or "orders" not in tables:
            raise DatabaseError(
                f"{file} is a SQLite database, but not a journal of dexroute; choose another --data-dir", database=str(file)
            )
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    finally:
        connection.close()
    if len(rows) != 1:
        raise _damaged(file, f"it names {len(rows)} schema versions instead of one")
    return str(rows[0][0])


def _damaged(file: Path, reason: str) -> DatabaseError:
    return DatabaseError(
        f"the journal {file} is corrupt: {reason}. Nothing was changed in it: restore a backup. {STARTED_ANEW}",
        database=str(file),
        reason=reason,
    )
