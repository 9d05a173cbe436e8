"""The command tree."""

from __future__ import annotations

import typer

from dexroute.cli import config, demo, doctor, localnet, orders, pools, quote, swap, wallet

app = typer.Typer(
    name="dex",
    help="dexroute: the self-hosted swap router for Solana. Quotes to the last base unit, lands exactly once, records every step.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals may hold keys
)

for room in (quote, swap, orders, pools, wallet, localnet, demo, config, doctor):
    room.register(app)
