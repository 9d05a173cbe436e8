"""Asking a person before anything of theirs is signed."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from dexroute.cli.session import Session
from dexroute.cli.terminal import plain_console
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from dexroute.sdk.quote import Quote


def demand_terminal(session: Session, *, what: str = "a swap", otherwise: str = "--yes") -> None:
    """Without --yes there must be somebody to ask. Raises UsageError; `otherwise` names what to do."""
    if session.is_json or not sys.stdin.isatty():
        raise UsageError(f"{what} without a terminal to ask on needs {otherwise}")


def ask(quote: Quote, question: str) -> None:
    """Show what is about to be signed on stderr, and leave unless the person agrees."""
    from dexroute.cli.render_quote import render_quote

    render_quote(plain_console(stderr=True), quote, age_ms=max(0, time.time_ns() // 1_000_000 - quote.read_ms))
    leave_unless_agreed(question)


def leave_unless_agreed(question: str) -> None:
    """Ends the command, with exit code 0, on a no."""
    if not _agreed(question):
        typer.echo("nothing was signed", err=True)
        raise typer.Exit(0)


def _agreed(question: str) -> bool:
    """A person's yes or no on the terminal; no is the default. Raises typer.Abort when the terminal is closed.

    Not `typer.confirm`: a Ctrl-C that comes while `input` makes itself ready is lost, and the command waits on."""
    with _signals_at_once():
        while True:
            typer.echo(f"{question} [y/N]: ", nl=False, err=True)
            while os.name == "posix" and not select.select([sys.stdin], [], [], 0.2)[0]:
                pass  # between two looks a signal is heard
            if not (line := sys.stdin.readline()):
                raise typer.Abort
            answer = line.strip().lower()
            if answer in ("y", "yes", "n", "no", ""):
                return answer.startswith("y")
            typer.echo(f"{line.strip()} is neither y nor n", err=True)


@contextmanager
def _signals_at_once() -> Iterator[None]:
    """While a person is asked, the event loop stands still, and with it its way of hearing Ctrl-C; so signals act at once."""
    import signal

    usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
