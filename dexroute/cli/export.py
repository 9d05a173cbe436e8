"""`dex export`: the ledger as CSV for spreadsheets and tax tools, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.orders import order_states
from dexroute.cli.session import ExportFormat, Session
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.sdk.ledger_export import ExportedOrder

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def register(app: typer.Typer) -> None:
    @command(
        app,
        "export",
        formats=ExportFormat,
        epilog=examples(
            "dex export --output orders.csv",
            "dex export --since 2026-01-01 --until 2027-01-01 --state confirmed --output 2026.csv",
            "dex export --mint SOL --format json",
            "dex export --columns",
        ),
    )
    async def export(
        session: Session,
        output: Annotated[
            Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, whole or not at all; else to stdout.")
        ] = None,
        since: Annotated[
            str | None, typer.Option("--since", metavar="TIME", help="Placed at this time or after: 2026-01-31, 2026-01-31T12:00Z.")
        ] = None,
        until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Placed before this time (UTC).")] = None,
        state: Annotated[list[str] | None, typer.Option("--state", metavar="STATE", help="Only this state (repeatable).")] = None,
        wallet: Annotated[str | None, typer.Option("--wallet", metavar="ADDRESS", help="Only orders of this wallet.")] = None,
        mint: Annotated[
            str | None,
            typer.Option("--mint", metavar="MINT", help="Only orders that pay or receive this token (an address, or SOL)."),
        ] = None,
        limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="At most this many, oldest first.")] = None,
        columns: Annotated[bool, typer.Option("--columns", help="Say what each column means, and leave.")] = False,
    ) -> None:
        """Every order with its amounts, every cost apart, attempts, signature, slot, times and route: a row an order, oldest first.

        Amounts in base units, and in whole tokens where decimals are known.
        A worker may write meanwhile; no key is needed. CSV is RFC 4180 in UTF-8.
        What a spreadsheet would take for a formula begins with an apostrophe.
        Import long numbers as text: spreadsheets round them."""
        if columns:
            _print_columns(session)
            return
        from dexroute.sdk.ledger_export import export_orders
        from dexroute.storage.snapshot import HistoryFilter

        since_ms, until_ms = _milliseconds(since, "--since"), _milliseconds(until, "--until")
        if since_ms is not None and until_ms is not None and since_ms > until_ms:
            raise UsageError(f"--since {since} is after --until {until}; exchange the two, or drop one")
        wanted = HistoryFilter(
            since_ms=since_ms,
            until_ms=until_ms,
            states=order_states(state),
            wallet=_address(wallet, "--wallet"),
            mint=_address(mint, "--mint"),
        )
        async with aclosing(export_orders(session.settings(), wanted, limit=limit)) as orders:
            with _opened(output) as file:
                count = await (_write_json(file, orders) if session.is_json else _write_csv(file, orders))
        if output is not None:
            session.emit({"output": str(output), "orders": count}, lambda console: console.print(f"{count} orders in {output}"))


async def _write_csv(file: IO[str], orders: AsyncGenerator[ExportedOrder, None]) -> int:
    from dexroute.cli.csv_cells import csv_writer
    from dexroute.sdk.ledger import COLUMNS, ledger_row

    count = 0
    write = csv_writer(file)
    write(COLUMNS)
    async for one in orders:
        write(ledger_row(one.history, one.tokens).values())
        count += 1
    return count


async def _write_json(file: IO[str], orders: AsyncGenerator[ExportedOrder, None]) -> int:
    """`{"orders": [...]}`, an order a line: its JSON as elsewhere, and its `ledger` row with every number as a string."""
    import json

    from dexroute.engine.execution.receipt import receipt_of
    from dexroute.sdk.ledger import ledger_row

    count = 0
    file.write('{"orders": [')
    async for one in orders:
        row = {
            name: cell if cell is None or isinstance(cell, str) else f"{cell:f}" if not isinstance(cell, int) else str(cell)
            for name, cell in ledger_row(one.history, one.tokens).items()
        }
        file.write(",\n" if count else "\n")
        file.write(json.dumps(receipt_of(one.history).json() | {"ledger": row}))
        count += 1
    file.write("\n]}\n")
    return count


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """Where the export goes: stdout, or a file that is there only once it is whole."""
    import io

    from dexroute.host.files import whole_file

    if output is None:
        yield sys.stdout
        return
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is no regular file; name another --output, or leave it away and use the shell's `>`")
    try:
        with whole_file(output, replace=True) as raw:
            file = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            try:
                yield file
            finally:
                file.detach()  # writes what it still holds; `raw` is not its to close
    except OSError as error:
        raise UsageError(f"the export {output} cannot be written: {error.strerror}; name another --output") from error


def _print_columns(session: Session) -> None:
    from dexroute.cli.render_order import fact_table
    from dexroute.sdk.ledger import COLUMNS

    if session.is_json:
        import json

        print(json.dumps({"columns": dict(COLUMNS)}, indent=2))  # noqa: T201
        return
    session.show(lambda console: console.print(fact_table(list(COLUMNS.items()))))


def _milliseconds(text: str | None, option: str) -> int | None:
    """ISO 8601, UTC unless it says otherwise, exactly; a day is its first moment."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time; write it like 2026-01-31 or 2026-01-31T12:00:00Z") from None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return -(-(since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) // 1_000)


def _address(text: str | None, option: str) -> Pubkey | None:
    from solders.pubkey import Pubkey

    from dexroute.types.mints import NATIVE_MINT

    if text is None:
        return None
    if option == "--mint" and text.upper() == "SOL":
        return NATIVE_MINT
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no address (base58 of 32 bytes)") from None
