"""The `dex` command. Importing this costs nothing: Typer comes with the command line, each command brings what it needs when it
runs."""

from __future__ import annotations

import gc
import sys
from typing import Final

GC_SELDOM: Final = 100_000  # more than loading any command makes


def main() -> None:
    """Entry point of the `dex` script and of `python -m dexroute`."""
    gc.set_threshold(GC_SELDOM)  # what is loaded stays: to look through it for garbage takes a tenth of a start
    try:
        from dexroute.cli.entry import run
        from dexroute.cli.streams import open_closed_streams

        open_closed_streams()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before the command line was even read
        code = 130
    sys.exit(code)


__all__ = ["main"]
