"""The `dex` command. Importing this costs Typer and nothing else: each command imports what it needs when it runs."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `dex` script."""
    from dexroute.cli.app import app

    app()


__all__ = ["main"]
