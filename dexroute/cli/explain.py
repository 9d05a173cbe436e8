"""`dex explain`: what an error code means, and why a transaction failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from dexroute.sdk.explaining import ExplainedTransaction
    from dexroute.types.program_errors import ProgramError

_LOG_LINES = 12

What = Annotated[
    str, typer.Argument(metavar="CODE|NAME|SIGNATURE", help="6005 or 0x1775, ExceededSlippage, FUNDS_PROMISED, or a transaction.")
]
Program = Annotated[
    str | None,
    typer.Option("--program", "--venue", metavar="NAME", help="Only this venue's or program's errors: its id or its address."),
]


def register(app: typer.Typer) -> None:
    @command(app, "explain")
    async def explain(session: Session, what: What, program: Program = None) -> None:
        """What an error code means for a trader and what to do about it: [bold]dex explain 6005[/bold]. A code means something else
        in every program, so all are listed. A transaction's signature is looked up on the cluster and its failure explained."""
        from dexroute.sdk.explaining import error_shape, explain_code, explain_transaction, signature_in

        signature = signature_in(what)
        if signature is None:
            found = explain_code(what, program=program)
            session.emit({"errors": [error_shape(error) for error in found]}, lambda console: _render_errors(console, found))
            return
        explained = await explain_transaction(session.settings(), signature)
        cause, landed = explained.cause, explained.landed
        shape = {
            "signature": str(signature),
            "slot": landed.slot,
            "succeeded": cause is None,
            "error": landed.error.raw if landed.error else None,
            "fee_lamports": str(landed.fee_lamports),
            "instruction_index": cause.instruction_index if cause else None,
            "program_id": str(cause.program_id) if cause and cause.program_id else None,
            "code": cause.code if cause else None,
            "name": cause.name if cause else None,
            "errors": [error_shape(error) for error in cause.errors] if cause else [],
            "logs": list(landed.logs),
        }
        session.emit(shape, lambda console: _render_transaction(console, explained))


def _render_transaction(console: Console, explained: ExplainedTransaction) -> None:
    from rich.text import Text

    cause, landed = explained.cause, explained.landed
    if cause is None:
        console.print(f"transaction {explained.signature} succeeded at slot {landed.slot}: there is nothing to explain")
        return
    where = f" in instruction {cause.instruction_index}" if cause.instruction_index is not None else ""
    console.print(Text(f"transaction {explained.signature} failed{where} at slot {landed.slot}, its fee was paid", style="bold"))
    if cause.errors:
        _render_errors(console, cause.errors)
    else:
        console.print(Text(str(cause)))
    for line in landed.logs[-_LOG_LINES:]:
        console.print(Text(f"  {line}", style="dim"))


def _render_errors(console: Console, errors: Iterable[ProgramError]) -> None:
    from rich.text import Text

    for error in errors:
        code = "" if error.code is None else f" {error.code} ({error.code:#x})"
        edition = f", {error.edition}" if error.edition else ""
        console.print(Text.assemble((f"{error.program}{code} {error.name}", "bold"), (f" [{error.class_}{edition}]", "dim")))
        console.print(Text(f"  {error.meaning}"))
        console.print(Text(f"  next: {error.next_step}"))
