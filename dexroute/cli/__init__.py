"""The `dex` command. Importing this costs nothing: Typer comes with the command line, each command brings what it needs when it
runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `dex` script and of `python -m dexroute`."""
    try:
        from dexroute.cli.entry import run
        from dexroute.cli.streams import open_closed_streams

        open_closed_streams()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was even read
        code = 130
    sys.exit(code)


__all__ = ["main"]
