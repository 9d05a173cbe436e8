"""The command tree."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dexroute import __version__
from dexroute.cli import (
    config,
    demo,
    depth,
    doctor,
    explain,
    export,
    localnet,
    orders,
    pools,
    quote,
    route,
    selftest,
    submit,
    swap,
    tables,
    tokens,
    wallet,
    worker,
)


class _QuickHelp(TyperGroup):
    """`dex --help` is what people type most and what completion scripts start: it is written without Rich, whose Markdown and
    traceback rooms take longer to load than everything else together. The help of each command is Rich's."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.rich_markup_mode = None
        super().format_help(ctx, formatter)


app = typer.Typer(
    name="dex",
    cls=_QuickHelp,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # dexroute.cli.entry says what a person needs; locals may hold keys
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dexroute {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Try `dex demo` first: offline, in seconds, nothing is kept. `dex COMMAND --help` shows options and examples. "
    "Exit codes: 0 ok, 1 bug, 2 usage, 3 no route, 4 a guard refused, 5 network (try again), 6 landed with an error, 7 expired."
)
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """The self-hosted swap router for Solana: quotes to the last base unit, lands exactly once, records every step."""


for room in (
    quote,
    swap,
    submit,
    worker,
    route,
    depth,
    orders,
    export,
    pools,
    tables,
    tokens,
    wallet,
    localnet,
    demo,
    config,
    doctor,
    explain,
    selftest,
):
    room.register(app)
