"""How every command is registered: shared options, and one event loop that ends in good order when the process is told to stop.

A command is an async function whose first parameter is a `Session`; the options all commands share (cluster, keypair, data
directory, commitment, format) are added to its signature here, so that no command repeats them. Options several commands share are
a frozen dataclass whose fields are options (`Annotated[..., typer.Option(...)] = default`): a parameter of that type stands for all
of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dexroute.cli.session import ExportFormat, OutputFormat, Session
from dexroute.cli.streams import reader_gone, say
from dexroute.errors import DexError, UsageError


class CommitmentChoice(StrEnum):
    processed = "processed"
    confirmed = "confirmed"
    finalized = "finalized"


_SHARED: dict[str, Any] = {
    "url": Annotated[
        list[str] | None,
        typer.Option(
            "--url",
            "-u",
            metavar="URL_OR_MONIKER",
            help="Cluster: a URL or mainnet-beta, devnet, testnet, localhost, embedded (default: as the Solana CLI is configured, "
            "else mainnet-beta). Again: further nodes of the same cluster.",
            rich_help_panel="Cluster and wallet",
        ),
    ],
    "keypair": Annotated[
        list[str] | None,
        typer.Option(
            "--keypair",
            "-k",
            metavar="PATH|keychain:NAME|remote:URL",
            help="Keypair file (solana-keygen's, or encrypted), or where else the key is (default: the Solana CLI's).",
            rich_help_panel="Cluster and wallet",
        ),
    ],
    "data_dir": Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            metavar="DIR",
            help="Where journal and embedded cluster are kept (default: DEXROUTE_DATA_DIR, else see dex config).",
            rich_help_panel="Cluster and wallet",
        ),
    ],
    "commitment": Annotated[
        CommitmentChoice | None,
        typer.Option(
            "--commitment", help="Commitment of reads (default confirmed).", show_choices=True, rich_help_panel="Cluster and wallet"
        ),
    ],
}
_FORMAT_HELP: dict[type[StrEnum], str] = {
    OutputFormat: "Tables for people, JSON for programs.",
    ExportFormat: "CSV for spreadsheets and tax tools, JSON for programs.",
}

AsyncCommand = Callable[..., Awaitable[None]]


def examples(*lines: str) -> str:
    """An epilog of example command lines, each on its own line."""
    return "\n\n".join(["Examples:", *(f"  $ {line}" for line in lines)])


def command(
    app: typer.Typer, name: str, *, formats: type[StrEnum] = OutputFormat, several_wallets: bool = False, **settings: Any
) -> Callable[[AsyncCommand], AsyncCommand]:
    """Register an async command under `name`; of its `formats` the first is the default. Unless it is for `several_wallets`, it
    takes one key. `settings` go to Typer's `command`."""
    format_: Any = Annotated[formats, typer.Option("--format", help=_FORMAT_HELP[formats], rich_help_panel="Output")]
    options = _SHARED | {"format_": format_}
    defaults = {"format_": next(iter(formats))}

    def register(function: AsyncCommand) -> AsyncCommand:
        written = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        groups: dict[str, Any] = {
            parameter.name: parameter.annotation for parameter in written if is_dataclass(parameter.annotation)
        }
        own = [
            option
            for parameter in written
            for option in (_options_of(parameter.annotation) if parameter.name in groups else (parameter,))
        ]
        shared = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(key), annotation=annotation)
            for key, annotation in options.items()
        ]

        def entry(**values: Any) -> None:
            session = Session(**{key: values.pop(key) for key in options})
            if not several_wallets and len(session.keypair or ()) > 1:
                raise UsageError("this command is for one wallet: name one key (-k)", keys=len(session.keypair or ()))
            for key, group in groups.items():
                values[key] = group(**{field.name: values.pop(field.name) for field in fields(group)})
            try:
                _run(function(session, **values), session)
            except DexError as error:
                if session.is_json:
                    raise
                from dexroute.cli.failure import report

                raise typer.Exit(report(error, OutputFormat.TABLE, session.words, session.as_typed)) from None

        own_by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        entry.__signature__ = inspect.Signature([*own_by_name, *shared])  # type: ignore[attr-defined]
        entry.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *shared]}
        entry.__doc__ = _unwrapped(function.__doc__)
        entry.__name__ = getattr(function, "__name__", name)
        app.command(name, **settings)(entry)
        return function

    return register


def _unwrapped(text: str | None) -> str | None:
    """A docstring with each paragraph on one line: a terminal's width breaks it, not the source's."""
    if text is None:
        return None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def _options_of(group: Any) -> list[inspect.Parameter]:
    """The fields of an option group as parameters."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
        for field in fields(group)
    ]


def _run(work: Awaitable[None], session: Session) -> None:
    """Run to the end; on SIGINT or SIGTERM cancel, so that databases and locks are let go of, and leave as shells expect."""
    import asyncio
    import signal

    stopped: list[int] = []

    async def whole() -> None:
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            stopped.append(signal.SIGTERM)
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        await work

    try:
        asyncio.run(whole())
    except BrokenPipeError:
        raise typer.Exit(reader_gone()) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        number = stopped[0] if stopped else signal.SIGINT
        say(session.as_typed("interrupted; nothing is lost: `dex orders resume` continues what was sent"))
        raise typer.Exit(128 + number) from None
