"""From a command line to an exit code: the one place that lets nothing but a plain message reach the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any

from dexroute.cli.failure import report, report_bug, report_usage
from dexroute.cli.session import OutputFormat
from dexroute.cli.streams import is_output_lost, reader_gone
from dexroute.errors import DexError, InvalidAmount, UsageError

DEBUG_VARIABLE = "DEXROUTE_DEBUG"
INTERRUPTED = 130  # as shells count: 128 and the signal's number


def run(arguments: Sequence[str]) -> int:
    """Carry the command out; results on stdout, everything else on stderr. Returns the exit code (architecture, section 5)."""
    import typer

    from dexroute.cli.localnet import joined_pairs

    _print_whatever_the_terminal_can()
    format_ = _asked_format(arguments)
    # What Typer raises for a command line it cannot read, whichever Click it carries: the class next to Exception.
    unreadable: type[Exception] = typer.BadParameter.__mro__[-4]
    try:
        code = _command().main(args=joined_pairs(arguments), prog_name="dex", standalone_mode=False)
        sys.stdout.flush()
    except DexError as error:
        return report(error, format_)
    except BrokenPipeError:
        return reader_gone()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except unreadable as error:
        if (negative := _negative_amount(error, arguments)) is not None:
            return report(negative, format_)
        return report_usage(error, format_)
    except Exception as error:
        if isinstance(error, OSError) and is_output_lost(error):
            return report(_lost(error), format_)
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return report_bug(error, format_, debug_variable=DEBUG_VARIABLE)
    return code if isinstance(code, int) else 0


def _lost(error: OSError) -> UsageError:
    return UsageError(
        f"the result cannot be written to where it was sent: {error.strerror}. What the command did is done: `dex orders list` "
        "shows the orders. Send the output elsewhere"
    )


@cache
def _command() -> Any:
    """The tree of commands, built once."""
    import typer

    from dexroute.cli.app import app

    return typer.main.get_command(app)


def _asked_format(arguments: Sequence[str]) -> OutputFormat:
    """The output format, looked up by hand: an error about the command line must come in it as well."""
    asked = [after for before, after in pairwise(arguments) if before == "--format"]
    asked += [argument.partition("=")[2] for argument in arguments if argument.startswith("--format=")]
    return OutputFormat.JSON if OutputFormat.JSON in asked else OutputFormat.TABLE


def _negative_amount(error: BaseException, arguments: Sequence[str]) -> InvalidAmount | None:
    """`dex swap -1 SOL USDC` reads like an option that does not exist; what it means is a negative amount."""
    option = str(getattr(error, "option_name", ""))
    for argument in arguments if option[1:2].isdigit() else ():
        if argument.startswith(option):
            return InvalidAmount(f"amount {argument!r} is negative; give a positive amount", amount=argument)
    return None


def _print_whatever_the_terminal_can() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):  # replaced by something that is no text file
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
