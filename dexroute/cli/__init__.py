"""The `dex` command. Importing this costs Typer and nothing else: each command imports what it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `dex` script."""
    from dexroute.cli.app import app
    from dexroute.cli.localnet import joined_pairs

    app(args=joined_pairs(sys.argv[1:]))


__all__ = ["main"]
