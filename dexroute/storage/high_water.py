"""How many signatures were ever committed to a SQLite journal, kept beside it: one that holds fewer was restored from a backup."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from dexroute.errors import DatabaseError

_DIGITS: Final = 20


class HighWater:
    """`<journal>.signed`, a number. Written after the commit it counts and before anybody hears of that: what was sent is counted,
    and a crash between the two leaves the journal ahead, which is no restore."""

    def __init__(self, journal: Path) -> None:
        """Raises DatabaseError when the file cannot be used."""
        self._path = journal.with_name(f"{journal.name}.signed")
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(
                f"{self._path}, which tells whether the journal was restored from a backup, cannot be written: {error.strerror}; "
                "make it yours and writable, or choose another --data-dir",
                database=str(journal),
            ) from error
        self.count = 0

    def read(self) -> int | None:
        """The number kept; None when there is none yet. Raises DatabaseError when it is no number."""
        kept = os.pread(self._file, _DIGITS + 1, 0)
        if not kept:
            return None
        try:
            return int(kept)
        except ValueError:
            raise DatabaseError(
                f"{self._path} does not hold a number: it tells whether the journal was restored from a backup. Move it aside if "
                "you are sure that it was not"
            ) from None

    def set(self, count: int) -> None:
        """Durable when it returns."""
        os.pwrite(self._file, f"{count:0{_DIGITS}d}\n".encode(), 0)
        os.fdatasync(self._file)
        self.count = count

    def add(self, signatures: int) -> None:
        if signatures:
            self.set(self.count + signatures)

    def close(self) -> None:
        os.close(self._file)
