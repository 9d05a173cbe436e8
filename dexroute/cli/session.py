"""What a command is given: the caller's shared options, the SDK opened with them, and where results go."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexroute.cli.streams import say
from dexroute.cli.terminal import plain_console, printable

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.cli.words import Words
    from dexroute.config import Settings
    from dexroute.engine.execution.claim import EventWatcher
    from dexroute.sdk import Dex
    from dexroute.sdk.journal_view import JournalView


_REDIRECTED_WIDTH = 200
_NAMED_COMMAND = re.compile(r"`dex ([^`]+)`")
_WITHOUT_KEY = ("orders list", "orders show", "orders watch", "orders stats", "pools", "tokens", "tables list", "explain", "export")


class OutputFormat(StrEnum):
    TABLE = "table"
    JSON = "json"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The shared options of one command. `url` are the cluster's nodes as named, the preferred one first; `keypair` the keys, of
    which most commands take one."""

    url: Sequence[str] | None
    keypair: Sequence[str] | None
    data_dir: Path | None
    commitment: str | None
    format_: OutputFormat | ExportFormat
    opened: list[Dex] = field(default_factory=list, repr=False)

    @property
    def is_json(self) -> bool:
        return self.format_ == OutputFormat.JSON

    def settings(self) -> Settings:
        """Flags over environment over files over defaults."""
        from dexroute.config import EMBEDDED, load_settings
        from dexroute.errors import UsageError

        named = tuple(dict.fromkeys(self.url or ()))
        if EMBEDDED in named and len(named) > 1:
            raise UsageError("the embedded cluster has no other nodes: name it alone, or leave it out (-u)")
        overrides: dict[str, Any] = {
            "url": named[0] if named else None,
            "rpc_urls": named[1:] or None,
            "keypair": self.keypair[0] if self.keypair else None,
            "keypairs": tuple(self.keypair[1:]) if self.keypair else None,  # whoever names keys means these alone
            "data_dir": self.data_dir,
            "commitment": str(self.commitment) if self.commitment else None,
        }
        return load_settings({key: value for key, value in overrides.items() if value is not None})

    def dex(self, watcher: EventWatcher | None = None) -> Dex:
        """The SDK with these settings; use it as `async with`. `watcher` hears of every durable step of every order."""
        from dexroute.cli.passphrase import type_passphrase
        from dexroute.sdk import Dex

        opened = Dex(self.settings(), passphrase=type_passphrase, watcher=watcher)
        self.opened.append(opened)
        return opened

    def journal(self) -> AbstractAsyncContextManager[JournalView]:
        """The journal, only to read: also while a worker or another command holds it."""
        from dexroute.sdk.journal_view import open_journal_view

        return open_journal_view(self.settings())

    @property
    def words(self) -> Words | None:
        """How to put an error of this command into words; None as long as no cluster's tokens are known."""
        from dexroute.cli.words import Words

        books = [dex.tokens for dex in self.opened if hasattr(dex, "tokens")]
        return Words(books[-1]) if books else None

    def as_typed(self, text: str) -> str:
        """The text with what was said of cluster, directory and key behind every command it names (in backticks): a next step that
        works as printed. A URL may hold a provider's key, and is not repeated."""

        def whole(found: re.Match[str]) -> str:
            named = found[1]
            said = [f"-u {'URL' if '://' in url else url}" for url in self.url or ()]
            if self.data_dir is not None:
                said.append(f"--data-dir {shlex.quote(str(self.data_dir))}")
            if not named.startswith(_WITHOUT_KEY) and " -k " not in named:
                said += ["-k remote:URL" if "://" in key else f"-k {shlex.quote(key)}" for key in self.keypair or ()]
            return found[0] if named.startswith("localnet") else f"`{' '.join(['dex', named, *said])}`"

        return _NAMED_COMMAND.sub(whole, text)

    def emit(self, value: Any, render: Callable[[Console], None]) -> None:
        """The command's result on stdout: `value` as JSON, or `render` on a console."""
        if self.is_json:
            import json

            print(json.dumps(value, indent=2))  # noqa: T201
            return
        self.show(render)

    def show(self, render: Callable[[Console], None]) -> None:
        """What a person reads, on stdout."""
        if sys.stdout.isatty():
            render(plain_console(sys.stdout))
            return
        # Redirected output has no width of its own: lines are as long as what they say.
        written = io.StringIO()
        render(plain_console(written, width=_REDIRECTED_WIDTH))
        for line in written.getvalue().splitlines():
            print(line.rstrip())  # noqa: T201

    def note(self, text: str) -> None:
        """Progress for people, on stderr; programs that read JSON are not disturbed."""
        if not self.is_json:
            say(printable(text))
