"""How every command is registered: shared options, one event loop, errors to exit codes.

A command is an async function whose first parameter is a `Session`; the options all commands share (cluster, keypair, data
directory, commitment, format) are added to its signature here, so that no command repeats them.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dexroute.cli.failure import leave_with
from dexroute.cli.session import OutputFormat, Session
from dexroute.errors import DexError


class CommitmentChoice(StrEnum):
    processed = "processed"
    confirmed = "confirmed"
    finalized = "finalized"


_SHARED: dict[str, Any] = {
    "url": Annotated[
        str | None,
        typer.Option(
            "--url",
            "-u",
            metavar="URL_OR_MONIKER",
            help="Cluster: a URL or mainnet-beta, devnet, testnet, localhost, embedded.",
            rich_help_panel="Cluster and wallet",
        ),
    ],
    "keypair": Annotated[
        Path | None,
        typer.Option(
            "--keypair", "-k", metavar="PATH", help="Keypair file (solana id.json).", rich_help_panel="Cluster and wallet"
        ),
    ],
    "data_dir": Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            metavar="DIR",
            help="Where journal and embedded cluster are kept.  [env: DEXROUTE_DATA_DIR]",
            rich_help_panel="Cluster and wallet",
        ),
    ],
    "commitment": Annotated[
        CommitmentChoice | None,
        typer.Option("--commitment", help="Commitment of reads.", show_choices=True, rich_help_panel="Cluster and wallet"),
    ],
    "format_": Annotated[
        OutputFormat,
        typer.Option("--format", help="Tables for people, JSON for programs.", rich_help_panel="Output"),
    ],
}
_SHARED_DEFAULTS: dict[str, Any] = {"format_": OutputFormat.TABLE}

AsyncCommand = Callable[..., Awaitable[None]]


def command(app: typer.Typer, name: str, **settings: Any) -> Callable[[AsyncCommand], AsyncCommand]:
    """Register an async command under `name`. `settings` go to Typer's `command`."""

    def register(function: AsyncCommand) -> AsyncCommand:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=_SHARED_DEFAULTS.get(key), annotation=annotation)
            for key, annotation in _SHARED.items()
        ]

        def entry(**values: Any) -> None:
            session = Session(**{key: values.pop(key) for key in _SHARED})
            _run(function(session, **values), session)

        own_by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        entry.__signature__ = inspect.Signature([*own_by_name, *shared])  # type: ignore[attr-defined]
        entry.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
        entry.__doc__ = function.__doc__
        entry.__name__ = getattr(function, "__name__", name)
        app.command(name, **settings)(entry)
        return function

    return register


def _run(work: Awaitable[None], session: Session) -> None:
    async def whole() -> None:
        await work

    try:
        asyncio.run(whole())
    except DexError as error:
        leave_with(error, session.format)
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing is lost: `dex orders resume` continues what was sent", err=True)
        raise typer.Exit(130) from None
