"""`dex config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    @command(app, "config")
    async def config(session: Session) -> None:
        """Every setting in force and where it comes from. Credentials are not shown."""
        origins = session.settings().describe()
        shape = {origin.name: {"value": origin.value, "source": origin.source} for origin in origins}

        def render(console: Console) -> None:
            from rich.table import Table

            table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
            table.add_column("setting", no_wrap=True)
            table.add_column("value", overflow="fold")
            table.add_column("from", overflow="fold", style="dim")
            for origin in origins:
                table.add_row(origin.name, "–" if origin.value is None else str(origin.value), origin.source)
            console.print(table)

        session.emit(shape, render)
