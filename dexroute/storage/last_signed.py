"""The signature this machine committed last to a journal, kept apart from it: a journal that does not know it was restored from a
backup, its whole directory or its server's database with it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from dexroute.types.orders import EventKind, OrderEvent

_LONGEST: Final = 88  # characters of a signature in base 58


class LastSigned:
    """A file for each journal, by its own name for itself and the place it is at: a copy that is tried out elsewhere is another.

    A second net under the count beside a SQLite file, and PostgreSQL's only one. It is written before the bytes are sent, but not
    synced, and where the folder cannot be used there is no such net.
    """

    def __init__(self, folder: Path, journal: str, label: str) -> None:
        self._path = folder / "last-signed" / hashlib.sha256(f"{journal} {label}".encode()).hexdigest()[:32]

    def read(self) -> str | None:
        with suppress(OSError, ValueError):
            return self._path.read_text("ascii").strip() or None
        return None

    def hear(self, event: OrderEvent) -> None:
        """Of every event once it is durable, before its caller does."""
        if event.kind is EventKind.SIGNED:
            self._write(str(event.facts["signature"]))

    def forget(self) -> None:
        self._write("")

    def _write(self, signature: str) -> None:
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # always as long, so that it is never cut short on the way to another one
            with self._path.open("r+" if self._path.exists() else "x", encoding="ascii") as file:
                file.write(f"{signature:<{_LONGEST}}\n")
