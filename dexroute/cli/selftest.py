"""`dex selftest`: the recorded swaps of every venue against this installation."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session
from dexroute.cli.terminal import plain_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from dexroute.sdk.selftest import VenueResult

_UNEQUAL_EXIT = 1

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH...]", help="Recordings (.json.gz) or directories of them; those that ship with dexroute when none."
    ),
]


def register(app: typer.Typer) -> None:
    @command(app, "selftest")
    async def selftest(session: Session, paths: Paths = None) -> None:
        """Quote recorded swaps again and compare with what the venues' programs did. Exits with 1 when anything differs."""
        from dexroute.sdk.selftest import all_equal, run_selftest

        with _progress(session) as told:
            results = run_selftest(paths or (), told)
        ok = all_equal(results)
        shape = {
            "ok": ok,
            "venues": [
                {
                    "venue": result.venue,
                    "states": result.states,
                    "swaps": result.swaps,
                    "equal": result.equal,
                    "worst_difference": str(result.worst_difference),
                    "faults": result.faults,
                }
                for result in results
            ],
        }
        session.emit(shape, lambda console: _render(console, results))
        if not ok:
            session.note(
                "this installation does not quote what the programs did: do not swap with it; please report the lines above"
            )
            raise typer.Exit(_UNEQUAL_EXIT)


def _render(console: Console, results: tuple[VenueResult, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    table.add_column("venue", no_wrap=True)
    for name in ("states", "swaps", "equal", "worst difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        worst = result.worst_difference if result.ok or result.worst_difference else "–"
        numbers = (result.states, result.swaps, result.equal, worst)
        table.add_row(result.venue, *map(str, numbers), style="green" if result.ok else "red")
    console.print(table)
    for result in results:
        for fault in result.faults:
            console.print(Text(fault, style="red"))


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[str], None]]:
    """Which state is being quoted: one moving line for a person at a terminal, nothing for anyone else."""
    if session.is_json or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.text import Text

    with plain_console(stderr=True).status("reading the recordings") as status:
        yield lambda text: status.update(Text(text))
