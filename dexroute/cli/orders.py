"""`dex orders list|stats|show|watch|cancel|resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.progress import OrderProgress
from dexroute.cli.session import Session
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.types.orders import OrderState

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, as `dex orders list` shows it.")]


def register(app: typer.Typer) -> None:
    orders = typer.Typer(help="The journal: what was asked, signed, sent and filled.", no_args_is_help=True)
    app.add_typer(orders, name="orders")

    @command(orders, "list")
    async def list_(
        session: Session,
        state: Annotated[list[str] | None, typer.Option("--state", metavar="STATE", help="Only this state (repeatable).")] = None,
        limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most this many, newest first.")] = 50,
    ) -> None:
        """Orders, newest first."""
        from dexroute.cli.render_order import render_orders

        states = order_states(state)
        async with session.journal() as journal:
            receipts = await journal.list(states=states, limit=limit)
            tokens = await journal.tokens(receipts)
        session.emit({"orders": [receipt.json() for receipt in receipts]}, lambda console: render_orders(console, receipts, tokens))

    @command(orders, "stats")
    async def stats(session: Session) -> None:
        """How many orders stand where, what waits, which worker has what in hand, and what the open ones promise of your coins."""
        from dexroute.cli.render_order import render_stats
        from dexroute.host.clock import HostClock

        wallet = await _wallet_if_any(session)
        async with session.journal() as journal:
            found, tokens = await journal.stats(wallet)
        session.emit(found.json(), lambda console: render_stats(console, found, tokens, now_ms=HostClock().now_ms()))

    @command(orders, "restored")
    async def restored(
        session: Session,
        accept: Annotated[bool, typer.Option("--accept", help="You have looked: no open order is among the lost swaps.")] = False,
    ) -> None:
        """What a journal restored from a backup has forgotten, as far as the chain tells."""
        from dexroute.cli.render_order import render_restored

        if accept:
            async with session.dex() as dex:
                orders = await dex.orders()
                found = await orders.restored()
                if found is not None:
                    await orders.accept_restored()
        else:
            async with session.journal() as journal:
                found = await journal.restored()
        session.emit(
            {"restored": found, "accepted": accept and found is not None},
            lambda console: render_restored(console, found, accepted=accept),
        )

    @command(orders, "show")
    async def show(session: Session, order: OrderId) -> None:
        """One order: quoted, simulated and executed side by side, each cost, every attempt with its fate, every step."""
        from dexroute.cli.render_history import render_history
        from dexroute.engine.execution.receipt import history_json

        async with session.journal() as journal:
            receipt = await journal.receipt(order)
            tokens = await journal.tokens([receipt])
        session.emit(history_json(receipt), lambda console: render_history(console, receipt, tokens))

    @command(
        orders,
        "watch",
        epilog=examples(
            "dex orders watch", "dex orders watch 0192f0c1a2b37c3d8e4f5a6b7c8d9e0f", "dex orders watch --after 1200 --format json"
        ),
    )
    async def watch(
        session: Session,
        order: Annotated[str | None, typer.Argument(metavar="[ORDER]", help="Only this order, until its end is final.")] = None,
        after: Annotated[int, typer.Option("--after", min=0, metavar="N", help="Go on after the step with this number.")] = 0,
        follow: Annotated[
            bool, typer.Option("--follow/--no-follow", help="Wait for more; or print what there is and leave.")
        ] = True,
    ) -> None:
        """Every step of the orders, as it is committed, a line each (JSON: an object a line).

        Steps are numbered: of one order, or in the whole journal. Watch again with --after and the last number seen: nothing is
        missed, nothing comes twice."""
        from dexroute.cli.render_events import EventLines

        lines = EventLines(session, numbered_by_order=order is not None)
        async with session.journal() as journal:
            async for event in journal.events(order, after=after, live=follow):
                lines.print(event)

    @command(orders, "cancel")
    async def cancel(session: Session, order: OrderId) -> None:
        """Give an order up: at once before it was signed; after that, sending stops and the truth is waited for."""
        from dexroute.cli.render_order import known_tokens, render_receipt

        progress = OrderProgress(session, "looking at the order")
        async with session.dex(progress.heard) as dex:
            with progress:
                receipt = await (await dex.orders()).cancel(order)
            tokens = await known_tokens(dex, [receipt])
        session.emit(receipt.json(), lambda console: render_receipt(console, receipt, tokens))

    @command(orders, "resume", several_wallets=True)
    async def resume(session: Session) -> None:
        """Take up every open order where it stands, and say what became of it. Orders of several wallets take a -k for each.

        A change of a lookup table that was cut short is followed to its end too."""
        from dexroute.cli.failure import error_json
        from dexroute.cli.render_order import known_tokens, render_orders

        progress = OrderProgress(session, "looking at open orders")
        async with session.dex(progress.heard) as dex:
            journal = await dex.orders()
            with progress:
                recovered = await journal.resume()
            receipts = [await journal.receipt(entry.order.id, with_events=False) for entry in recovered]
            tokens = await known_tokens(dex, receipts)
            still_open = [(entry.order, entry.error) for entry in recovered if entry.error is not None]
            shape = {"orders": [receipt.json() for receipt in receipts]}
            if still_open:
                shape["still_open"] = [{"order": order.id, **error_json(error)["error"]} for order, error in still_open]
            session.emit(shape, lambda console: render_orders(console, receipts, tokens))
            for order, error in still_open:
                session.note(f"order {order.id} is still {order.state}: {error}")
            await dex.settle()
        for _, error in still_open:
            raise typer.Exit(error.exit_code)


async def _wallet_if_any(session: Session) -> Pubkey | None:
    """Counting orders needs no key; whose coins are promised does."""
    from dexroute.errors import KeypairError, SignerUnavailable

    try:
        return (await session.dex().open_signer()).pubkey
    except (KeypairError, SignerUnavailable):
        return None


def order_states(names: list[str] | None) -> list[OrderState] | None:
    from dexroute.types.orders import OrderState

    if not names:
        return None
    try:
        return [OrderState(name.upper()) for name in names]
    except ValueError:
        known = ", ".join(OrderState)
        raise UsageError(f"unknown state in {', '.join(names)}; states: {known}") from None
