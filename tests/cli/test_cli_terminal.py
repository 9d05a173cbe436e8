"""What others wrote reaches a terminal as text only: neither escape sequences nor Rich's markup are obeyed."""

from __future__ import annotations

import io

import pytest

from dexroute.cli.failure import report
from dexroute.cli.session import OutputFormat
from dexroute.cli.terminal import plain_console, printable
from dexroute.errors import SimulationFailed
from tests.cli.runner import Cli

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\x9b31m\r[/bold][red]x"


def test_printable_keeps_text_and_nothing_else() -> None:
    assert printable("héllo\t→ 世界\n") == "héllo\t→ 世界\n"
    assert printable(HOSTILE) == "�]0;owned��[2J�gnp.exe�31m�[/bold][red]x"


@pytest.mark.parametrize("nested", [False, True])
def test_a_console_prints_foreign_text_as_it_stands(nested: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    written = io.StringIO()
    console = plain_console(written, width=200)
    if nested:
        table = Table.grid()
        table.add_row(HOSTILE)
        console.print(table, table)
    else:
        console.print(HOSTILE)
        console.print(Text(HOSTILE))
    told = written.getvalue()
    assert told.count("[/bold][red]x") == 2
    assert printable(told) == told


def test_a_styled_console_writes_its_own_sequences_only() -> None:
    written = io.StringIO()
    console = plain_console(written, width=200)
    console._force_terminal = True
    console.print(HOSTILE, style="bold")
    assert "\x1b[2J" not in written.getvalue() and "[2J" in written.getvalue()


def test_program_logs_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A pool's program may log anything; the last lines of it are part of what a failed simulation says."""
    assert (
        report(
            SimulationFailed(f"failed: {HOSTILE}", candidates=[{"pools": ["a"], "reason": f"logged {HOSTILE}"}]), OutputFormat.TABLE
        )
        == 4
    )
    told = capsys.readouterr().err
    assert told.count("[2J") == 2
    assert printable(told) == told


def test_a_key_that_looks_like_markup(cli: Cli) -> None:
    """It is the caller's own word: whatever it is, the receipt of a swap that landed is printed."""
    told = cli("swap", "1", "SOL", "USDC", "--yes", "--key", "[/red] :smile: [bold]").out
    assert "[/red] :smile: [bold]" in told and "CONFIRMED" in told
