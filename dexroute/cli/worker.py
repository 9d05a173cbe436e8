"""`dex worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.session import Session


def register(app: typer.Typer) -> None:
    @command(
        app,
        "worker",
        several_wallets=True,
        epilog=examples(
            "dex worker",
            "dex worker --concurrency 32 --per-wallet 8 -k keychain:trading -k keychain:savings",
            "dex worker --until-idle --format json",
        ),
    )
    async def worker(
        session: Session,
        concurrency: Annotated[
            int, typer.Option("--concurrency", min=1, max=1_000, metavar="N", help="At most so many orders at a time.")
        ] = 16,
        per_wallet: Annotated[
            int | None,
            typer.Option("--per-wallet", min=1, metavar="N", help="At most so many of one wallet (default: as --concurrency)."),
        ] = None,
        until_idle: Annotated[
            bool, typer.Option("--until-idle", help="Leave when no order is left that could be worked on now.")
        ] = False,
        grace: Annotated[
            int, typer.Option("--grace", min=0, metavar="SECONDS", help="Told to stop: how long orders under way may go on.")
        ] = 10,
    ) -> None:
        """Carry out waiting orders of this wallet, until told to stop; of several with -k for each, or the setting keypairs.

        With a PostgreSQL journal (DEXROUTE_DATABASE_URL) any number of workers on any machines share the orders: each is landed
        exactly once, and one whose worker dies goes to another at once, or when its lease ends. A SQLite journal is worked on by
        one process. SIGTERM or Ctrl-C: nothing new is taken, what is under way may end, the rest is handed back; a second one stops
        at once."""
        import gc
        from asyncio import CancelledError

        from dexroute.cli.stopping import Stopping
        from dexroute.cli.worker_view import WorkerView

        stopping, view = Stopping(), WorkerView(session, concurrency)
        try:
            async with session.dex(view.heard) as dex:
                working = await dex.worker(at_once=concurrency, per_wallet=per_wallet or concurrency)
                async with view.shown(dex, working, stopping.asked):
                    stopping.begin()
                    # What a worker was made of stays: no looking through it for garbage between its orders.
                    gc.collect()
                    gc.freeze()
                    try:
                        await working.run(stopping.asked, until_idle=until_idle, grace_ms=grace * 1_000)
                    finally:
                        gc.unfreeze()
        except CancelledError:
            if not stopping.forgive():
                raise
            return
        if until_idle and not stopping.asked.is_set():
            for order_id, trouble in working.troubles.items():
                session.note(f"order {order_id} is still open: {trouble}")
            for trouble in working.troubles.values():
                if not session.is_json:
                    raise typer.Exit(trouble.exit_code)
                trouble.context["orders"] = list(working.troubles)
                raise trouble
