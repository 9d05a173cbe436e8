"""`dex doctor`: is everything a swap needs in order here? With `--invariants`: is the journal?"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.session import Session
from dexroute.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.sdk.audit import JournalAudit

_COLORS = {"ok": "green", "warning": "yellow", "failed": "red"}
_MOST_SHOWN = 20


def register(app: typer.Typer) -> None:
    @command(
        app,
        "doctor",
        several_wallets=True,
        epilog=examples("dex doctor", "dex doctor --invariants", "dex doctor --invariants --chain --format json"),
    )
    async def doctor(
        session: Session,
        invariants: Annotated[
            bool, typer.Option("--invariants", help="Check the whole journal instead: every rule, every order. Needs no key.")
        ] = False,
        chain: Annotated[
            bool, typer.Option("--chain", help="With --invariants: compare every signature with the cluster too.")
        ] = False,
    ) -> None:
        """Check keypair, RPC, clock, storage and programs. Exits with the first failed check's code."""
        if chain and not invariants:
            raise UsageError("--chain goes with --invariants: it compares the journal's signatures with the cluster")
        await (_audit(session, chain=chain) if invariants else _check_up(session))


async def _check_up(session: Session) -> None:
    from dexroute.sdk.checkup import run_checkup

    findings = await run_checkup(session.settings())
    shape = {
        "ok": all(finding.status != "failed" for finding in findings),
        "checks": [
            {
                "check": finding.check,
                "status": finding.status,
                "detail": finding.detail,
                "code": finding.code,
                "facts": dict(finding.facts),
            }
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


async def _audit(session: Session, *, chain: bool) -> None:
    """Leaves with DatabaseError's code when a rule is broken, whichever it is: the journal is not what it must be."""
    from dexroute.sdk.audit import audit_journal
    from dexroute.sdk.connection import connect
    from dexroute.storage.store import read_store

    settings = session.settings()
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect(settings)) if chain else None
        store = await stack.enter_async_context(read_store(settings.database_url))
        audit = await audit_journal(store, node=connection.client if connection else None)
    session.emit(audit.json(), lambda console: _render_audit(console, audit))
    if not audit.ok:
        session.note(f"the journal breaks its rules in {audit.counts['violations']} places")
        raise typer.Exit(DatabaseError.exit_code)


def _render_audit(console: Console, audit: JournalAudit) -> None:
    from rich.text import Text

    from dexroute.cli.render_order import fact_table

    rows = [("journal", audit.journal)]
    rows.append(("checked", ", ".join(f"{audit.counts[name]} {name}" for name in ("orders", "attempts", "events", "fills"))))
    if audit.shown is not None:
        forgotten = f", {audit.forgotten} older than what the node still has" if audit.forgotten else ""
        rows.append(("on chain", f"{audit.shown} signatures compared{forgotten}"))
    if audit.not_final:
        shown = "\n".join(audit.not_final[:_MOST_SHOWN])
        beyond = audit.counts["not_final"] - _MOST_SHOWN
        more = f"\n… and {beyond} more (--format json names {len(audit.not_final)})" if beyond > 0 else ""
        rows.append(("not final yet", f"{shown}{more}"))
    console.print(fact_table(rows))
    if audit.ok:
        console.print(Text("every rule holds", style=_COLORS["ok"]))
        return
    for violation in audit.violations:
        where = f"order {violation.order_id}" if violation.order_id else "the journal"
        console.print(Text.assemble((str(violation.rule), f"bold {_COLORS['failed']}"), f"  {where}"))
        console.print(Text(f"  {violation.detail}"))
        console.print(Text(f"  → {violation.next_step}", style="dim"))
    if beyond := audit.counts["violations"] - len(audit.violations):
        console.print(f"… and {beyond} more")
