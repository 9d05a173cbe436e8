"""`dex route`: how an amount would travel, what proves it, and why the rest lost."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from dexroute.cli import route_options as o
from dexroute.cli.command import command, examples
from dexroute.cli.picture_option import Plot
from dexroute.cli.session import Session


def register(app: typer.Typer) -> None:
    @command(
        app,
        "route",
        epilog=examples(
            "dex route 100 SOL USDC",
            "dex route 100 SOL USDC --explain --plot route.svg",
            "dex route 5000 USDC SOL --exact-out --max-splits 4 --exclude-venue raydium-amm-v4",
            "dex route 100 SOL USDC --format json",
        ),
    )
    async def route(
        session: Session,
        amount: o.Amount,
        from_: o.From,
        to: o.To,
        choices: o.RouteChoices,
        fees: o.FeeChoices,
        explain: Annotated[bool, typer.Option("--explain", help="Also every candidate, and why it lost.")] = False,
        plot: Plot = None,
        refresh: o.Refresh = False,
    ) -> None:
        """Explain the best route: legs, shares, prices, costs, and how far from the optimum.

        The bound is a proof: no split over the same pools could return more (or cost less), whatever its legs and hops. Signs
        nothing, sends nothing."""
        from dexroute.cli.render_route import render_route
        from dexroute.sdk.shapes import solution_json

        async with session.dex() as dex:
            found = await dex.quote_terms(await o.terms_from(dex, amount, from_, to, choices, fees), refresh=refresh)
            requests = dex.connection.requests
        if plot is not None:
            from dexroute.cli.plots.route import draw_route

            draw_route(found).save(plot)
            session.note(f"picture written to {plot}")
        now_ms = time.time_ns() // 1_000_000
        shape = solution_json(found, now_ms=now_ms) | {"requests": requests}
        session.emit(
            shape, lambda console: render_route(console, found, age_ms=shape["age_ms"], requests=requests, explain=explain)
        )
