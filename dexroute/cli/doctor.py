"""`dex doctor`: is everything a swap needs in order here?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

_COLORS = {"ok": "green", "warning": "yellow", "failed": "red"}


def register(app: typer.Typer) -> None:
    @command(app, "doctor")
    async def doctor(session: Session) -> None:
        """Check keypair, RPC, clock, storage and programs. Exits with the first failed check's code."""
        from dexroute.sdk.checkup import run_checkup

        findings = await run_checkup(session.settings())
        shape = {
            "ok": all(finding.status != "failed" for finding in findings),
            "checks": [
                {"check": finding.check, "status": finding.status, "detail": finding.detail, "code": finding.code}
                for finding in findings
            ],
        }

        def render(console: Console) -> None:
            from rich.table import Table
            from rich.text import Text

            table = Table(box=None, show_header=False, padding=(0, 1), show_edge=False)
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True)
            table.add_column(overflow="fold")
            for finding in findings:
                table.add_row(Text(finding.status, style=_COLORS[finding.status]), finding.check, finding.detail)
            console.print(table)

        session.emit(shape, render)
        failed = [finding for finding in findings if finding.status == "failed"]
        if failed:
            session.note(f"not in order: {', '.join(finding.check for finding in failed)}")
            raise typer.Exit(failed[0].exit_code)
