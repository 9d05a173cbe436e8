"""The command tree."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="dex",
    help="dexroute: the self-hosted swap router for Solana. Quotes to the last base unit, lands exactly once, records every step.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_show_locals=False,  # locals may hold keys
)
