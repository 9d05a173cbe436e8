"""`dex submit`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli import route_options as o
from dexroute.cli.command import command, examples
from dexroute.cli.consent import ask, demand_terminal
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.cli.render_order import Tokens
    from dexroute.engine.execution.receipt import Receipt


class PriorityChoice(StrEnum):
    low = "low"
    normal = "normal"
    high = "high"


def register(app: typer.Typer) -> None:
    @command(
        app,
        "submit",
        epilog=examples(
            "dex submit 1.5 SOL USDC",
            "dex submit 100 USDC SOL --priority high --key 2026-02-01 --yes",
            "dex submit 25 SOL USDC --exact-out --deadline 600 --yes --format json",
        ),
    )
    async def submit(
        session: Session,
        amount: o.Amount,
        from_: o.From,
        to: o.To,
        choices: o.RouteChoices,
        fees: o.FeeChoices,
        refresh: o.Refresh = False,
        key: o.Key = None,
        deadline: o.Deadline = None,
        priority: Annotated[
            PriorityChoice, typer.Option("--priority", help="A head start in the queue; what waits long enough is next anyway.")
        ] = PriorityChoice.normal,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before placing the order.")] = False,
    ) -> None:
        """Leave a swap for `dex worker`, and come back at once with the order's id.

        The order and its limit are durable before this returns; a worker signs and sends it, here or on another machine. Follow it
        with `dex orders watch`, give it up with `dex orders cancel`."""
        from dexroute.types.orders import Priority

        deadline_ms = o.deadline_ms(deadline)
        async with session.dex() as dex:
            await dex.open_signer()  # before anything is quoted: a missing key is the first thing to say
            terms = await o.terms_from(dex, amount, from_, to, choices, fees)
            if not yes:
                demand_terminal(session)
            placed = None if key is None else await (await dex.orders()).submitted(key, terms)
            if placed is not None:
                session.note(f"key {key!r} stands for order {placed.order.id} already; nothing new was placed")
            else:
                quote = await dex.quote_terms(terms, swappable=True, refresh=refresh)
                if not yes:
                    ask(quote, "Leave this swap for a worker to sign and send?")
                placed = await dex.submit(quote, key=key, deadline_ms=deadline_ms, priority=Priority(str(priority)))
            from dexroute.cli.render_order import known_tokens

            tokens = await known_tokens(dex, [placed])
            # said before the connections are closed
            session.emit(placed.json(), lambda console: _render(console, session, placed, tokens))


def _render(console: Console, session: Session, placed: Receipt, tokens: Tokens) -> None:
    from dexroute.cli.render_order import asked_text, fact_table, limit_text, render_headline, render_receipt

    order = placed.order
    if str(order.state) != "PENDING":  # an earlier command's, taken up already
        render_receipt(console, placed, tokens)
        return
    rows = [("asked", asked_text(placed, tokens)), ("limit", limit_text(placed, tokens)), ("priority", str(order.priority))]
    render_headline(console, placed)
    console.print(fact_table([("key", order.key), *rows] if order.key != order.id else rows))
    steps = session.as_typed(f"`dex worker` carries it out;\n`dex orders watch {order.id}` follows it.")
    console.print(f"\n{steps}", soft_wrap=True)  # the terminal may break the line, so that it can still be copied
