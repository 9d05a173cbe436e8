"""What the embedded cluster keeps: one SQLite file, written in the same step as a transaction commits.

WAL with synchronous=FULL: a transaction is acknowledged only after its accounts and its record are on disk together, so a
SIGKILL or a power cut at any moment loses nothing acknowledged and never leaves half of it. Without a data directory the same
code runs on a database in memory.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.errors import DatabaseError, DatabaseUnavailable
from dexroute.localnet.accounts import AccountWrite, StoredAccount
from dexroute.localnet.record import TransactionRecord

FILE_NAME: Final = "cluster.sqlite3"
SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (address BLOB NOT NULL, slot INTEGER NOT NULL, account BLOB, PRIMARY KEY (address, slot));
CREATE TABLE transactions (
  position INTEGER PRIMARY KEY, signature BLOB NOT NULL UNIQUE, slot INTEGER NOT NULL, block_time INTEGER NOT NULL,
  wire BLOB NOT NULL, meta TEXT NOT NULL);
CREATE INDEX transactions_by_slot ON transactions (slot);
CREATE TABLE mentions (address BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (address, position)) WITHOUT ROWID;
"""
_LOCKED: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BUSY_S: Final = 0.2  # nobody else writes while the lock is held; a backup tool may for a moment
_RECENT: Final = 1_000  # transactions also kept in memory: those everybody asks for
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_COLUMNS: Final = "position, signature, slot, block_time, wire, meta"


class Ledger:
    """Accounts by version, transactions by signature, address and slot, and a few named facts."""

    def __init__(self, data_dir: Path | None) -> None:
        """Raises DatabaseError when the file is corrupt, not to be written to, or of a newer dexroute; DatabaseUnavailable when its
        disk is full or fails (as every write does)."""
        self.path = data_dir / FILE_NAME if data_dir else None
        self._recent: dict[Signature, TransactionRecord] = {}
        with self._explained():
            if self.path is not None:  # the faucet's key is in it; SQLite gives its side files the mode of this one
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
                self.path.chmod(0o600)
            self._db = sqlite3.connect(self.path or ":memory:", isolation_level=None, timeout=_BUSY_S)
            self._prepare()

    def close(self) -> None:
        self._db.close()

    def facts(self) -> dict[str, Any]:
        with self._explained():
            return {name: json.loads(value) for name, value in self._db.execute("SELECT name, value FROM facts")}

    def accounts(self) -> Iterator[AccountWrite]:
        """Every account version kept."""
        with self._explained():
            for address, slot, blob in self._db.execute("SELECT address, slot, account FROM accounts ORDER BY slot"):
                account = None if blob is None else StoredAccount.of(Account.from_bytes(blob))
                yield AccountWrite(address=Pubkey(address), slot=slot, account=account)

    def place(self, accounts: Sequence[AccountWrite], facts: dict[str, Any]) -> None:
        """Set accounts at every slot at once (their versions are replaced) and remember facts."""
        with self._step():
            for write in accounts:
                self._db.execute("DELETE FROM accounts WHERE address = ?", (bytes(write.address),))
                self._write(write)
            self._remember(facts)

    def commit(
        self, record: TransactionRecord, writes: Sequence[AccountWrite], *, facts: dict[str, Any], finalized_slot: int
    ) -> None:
        """One landed transaction: its record, what it wrote, and the facts that changed, all or nothing."""
        with self._step():
            for write in writes:
                self._write(write)
                self._db.execute(
                    "DELETE FROM accounts WHERE address = :a AND slot < "
                    "(SELECT max(slot) FROM accounts WHERE address = :a AND slot <= :f)",
                    {"a": bytes(write.address), "f": finalized_slot},
                )
            self._db.execute(
                f"INSERT INTO transactions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 (constant)
                (
                    record.position,
                    bytes(record.signature),
                    record.slot,
                    record.block_time,
                    record.wire,
                    _ENCODER.encode(record.meta),
                ),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO mentions VALUES (?, ?)", [(bytes(address), record.position) for address in record.mentions]
            )
            self._remember(facts)
        self._recent[record.signature] = record
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

    def transaction_count(self) -> int:
        with self._explained():
            return int(self._db.execute("SELECT coalesce(max(position), 0) FROM transactions").fetchone()[0])

    def transaction(self, signature: Signature) -> TransactionRecord | None:
        return self._recent.get(signature) or next(self._select("WHERE signature = ?", (bytes(signature),)), None)

    def transactions_in(self, slot: int) -> list[TransactionRecord]:
        return list(self._select("WHERE slot = ? ORDER BY position", (slot,)))

    def transactions_of(
        self, address: Pubkey, *, below: int | None, above: int, last_slot: int, limit: int
    ) -> list[TransactionRecord]:
        """Newest first, with above < position < below, up to a slot."""
        return list(
            self._select(
                "JOIN mentions USING (position) WHERE address = ? AND position < ? AND position > ? AND slot <= ? "
                "ORDER BY position DESC LIMIT ?",
                (bytes(address), below if below is not None else 2**62, above, last_slot, limit),
            )
        )

    def _select(self, clause: str, values: Sequence[Any]) -> Iterator[TransactionRecord]:
        with self._explained():
            for row in self._db.execute(f"SELECT {_COLUMNS} FROM transactions {clause}", values):  # noqa: S608 (constants)
                position, signature, slot, block_time, wire, meta = row
                mentions = self._db.execute("SELECT address FROM mentions WHERE position = ?", (position,))
                yield TransactionRecord(
                    position=position,
                    signature=Signature.from_bytes(signature),
                    slot=slot,
                    block_time=block_time,
                    wire=wire,
                    meta=json.loads(meta),
                    mentions=tuple(Pubkey(address) for (address,) in mentions),
                )

    def _write(self, write: AccountWrite) -> None:
        blob = None if write.account is None else bytes(write.account.to_solders())
        self._db.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", (bytes(write.address), write.slot, blob))

    def _remember(self, facts: dict[str, Any]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(k, json.dumps(v)) for k, v in facts.items()])

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise DatabaseError(
                f"{self.path} was written by a newer dexroute (format {version}, this one reads {SCHEMA_VERSION}); "
                "upgrade dexroute or use another --data-dir",
                path=str(self.path),
                version=version,
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if version == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._typed(error) from error

    def _typed(self, error: sqlite3.Error | OSError | ValueError) -> DatabaseError | DatabaseUnavailable:
        """Whether what is kept is in question, or only the place it is kept in."""
        what = f"the embedded cluster's file {self.path}"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _LOCKED or code in _DISK or getattr(error, "errno", None) in _NO_ROOM:
            step = "Wait for the other program that has it open" if code in _LOCKED else "See to its disk (is it full?)"
            return DatabaseUnavailable(
                f"{what} cannot be written: {error}; nothing is lost. {step}, and repeat the command", path=str(self.path)
            )
        if code == sqlite3.SQLITE_READONLY or isinstance(error, OSError):
            step = "make it yours and writable, or use another --data-dir"
        else:
            step = "restore it from a backup, or start afresh by moving it away (`dex localnet --reset`)"
        return DatabaseError(f"{what} cannot be used: {error}; {step}", path=str(self.path))
