"""`dex quote`."""

from __future__ import annotations

import time

import typer

from dexroute.cli import route_options as o
from dexroute.cli.command import command, examples
from dexroute.cli.session import Session


def register(app: typer.Typer) -> None:
    @command(
        app,
        "quote",
        epilog=examples(
            "dex quote 1.5 SOL USDC",
            "dex quote 100 SOL USDC --exact-out   (what do 100 USDC cost?)",
            "dex quote 1 SOL USDC --venue raydium-cpmm --venue meteora-damm-v2 --max-hops 1",
            "dex quote 1 SOL USDC --pool ADDRESS --format json",
        ),
    )
    async def quote(
        session: Session,
        amount: o.Amount,
        from_: o.From,
        to: o.To,
        choices: o.RouteChoices,
        fees: o.FeeChoices,
        refresh: o.Refresh = False,
    ) -> None:
        """Compare all venues for a swap.

        Says what you get, the least the chain would enforce, price impact, fees by kind, the slot it was read at, and why each
        other candidate lost. Signs nothing, sends nothing."""
        from dexroute.cli.render_quote import render_quote
        from dexroute.sdk.shapes import quote_json

        async with session.dex() as dex:
            found = await dex.quote_terms(await o.terms_from(dex, amount, from_, to, choices, fees), refresh=refresh)
            requests = dex.connection.requests
        now_ms = time.time_ns() // 1_000_000
        shape = quote_json(found, now_ms=now_ms) | {"requests": requests}
        session.emit(shape, lambda console: render_quote(console, found, age_ms=shape["age_ms"], requests=requests))
