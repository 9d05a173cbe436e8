"""`dex swap`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli import route_options as o
from dexroute.cli.command import command, examples
from dexroute.cli.consent import ask, demand_terminal
from dexroute.cli.progress import OrderProgress
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.quote import Quote


def register(app: typer.Typer) -> None:
    @command(
        app,
        "swap",
        epilog=examples(
            "dex swap 1.5 SOL USDC",
            "dex swap 100 USDC SOL --slippage-bps 30 --key 2026-02-01 --yes",
            "dex swap 1000000 BONK SOL --dry-run",
            "dex swap 25 SOL USDC --exact-out   (25 USDC must arrive)",
        ),
    )
    async def swap(
        session: Session,
        amount: o.Amount,
        from_: o.From,
        to: o.To,
        choices: o.RouteChoices,
        fees: o.FeeChoices,
        refresh: o.Refresh = False,
        key: o.Key = None,
        deadline: o.Deadline = None,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before signing.")] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Simulate; print the outcome and the unsigned transaction; sign nothing.")
        ] = False,
    ) -> None:
        """Swap exactly once.

        Shows the quote and asks before it signs; --yes does not ask. The least output (or the most input) you accept is
        enforced on chain. With --key the same command never swaps twice, however often it is run."""
        progress = OrderProgress(session)
        deadline_ms = o.deadline_ms(deadline)
        async with session.dex(progress.heard) as dex:
            await dex.open_signer()  # before anything is quoted: a missing key is the first thing to say
            terms = await o.terms_from(dex, amount, from_, to, choices, fees)
            if not dry_run and not yes:
                demand_terminal(session, otherwise="--yes (or --dry-run to look first)")
            if key is not None and not dry_run:
                with progress:
                    done = await dex.placed(key, terms)
                if done is not None:
                    session.note(f"key {key!r} stands for order {done.order.id} already; nothing new was placed")
                    await _emit_receipt(session, dex, done)
                    return
            quote = await dex.quote_terms(terms, swappable=True, refresh=refresh)
            if dry_run:
                await _preview(session, dex, quote)
                return
            if not yes:
                ask(quote, "Sign and send this swap?")
            with progress:
                receipt = await dex.swap(quote, key=key, deadline_ms=deadline_ms)
            await _emit_receipt(session, dex, receipt)


async def _emit_receipt(session: Session, dex: Dex, receipt: Any) -> None:
    from dexroute.cli.render_order import known_tokens, render_receipt

    tokens = await known_tokens(dex, [receipt])
    session.emit(receipt.json(), lambda console: render_receipt(console, receipt, tokens))


async def _preview(session: Session, dex: Dex, quote: Quote) -> None:
    import base64

    from dexroute.cli.render_quote import render_quote
    from dexroute.engine.execution.receipt import costs_json
    from dexroute.engine.planning import unsigned_wire
    from dexroute.sdk.shapes import quote_json

    prepared = await dex.preview(quote)
    wire = base64.b64encode(unsigned_wire(prepared.message)).decode()
    now_ms = time.time_ns() // 1_000_000
    shape = {
        "dry_run": True,
        "quote": quote_json(quote, now_ms=now_ms),
        "simulated": {"amount_in": str(prepared.simulated.amount_in), "amount_out": str(prepared.simulated.amount_out)},
        "costs": costs_json(prepared.costs),
        "facts": dict(prepared.facts),
        "unsigned_transaction": wire,
    }

    def render(console: Any) -> None:
        from dexroute.cli.render_order import cost_rows, fact_table

        render_quote(console, quote, age_ms=max(0, now_ms - quote.read_ms))
        paid, got = quote.input_token, quote.output_token
        rows = [
            (
                "simulated",
                f"{paid.text(prepared.simulated.amount_in)} → {got.text(prepared.simulated.amount_out)}",
            ),
            *cost_rows(prepared.costs, quote.tokens),
            ("compute units", f"{prepared.facts['compute_units']} used, limit {prepared.facts['compute_unit_limit']}"),
            ("size", f"{prepared.facts['bytes']} of 1232 bytes"),
            *(("lookup table", table) for table in prepared.facts["lookup_tables"]),
        ]
        console.print()
        console.print(fact_table(rows))
        console.print("\nunsigned transaction (base64; nothing was signed or sent):")
        console.print(wire, soft_wrap=True)

    session.emit(shape, render)
