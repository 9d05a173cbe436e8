"""Errors as people and programs read them: on stderr, with the exit code of the error tree."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexroute.cli.session import OutputFormat
from dexroute.cli.streams import say
from dexroute.cli.terminal import printable
from dexroute.errors import DexError, UsageError
from dexroute.types.amounts import sol_text

if TYPE_CHECKING:
    from dexroute.cli.words import Words

_BUG, _BUG_EXIT = "BUG", 1
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def error_json(error: DexError) -> dict[str, Any]:
    """`{"error": {code, message, retryable, context}}` (architecture, section 5)."""
    return _json(error.code, error.message, retryable=error.retryable, context=error.context)


def report(
    error: DexError, format_: OutputFormat, words: Words | None = None, as_typed: Callable[[str], str] = lambda text: text
) -> int:
    """Print the error to stderr, for people in these words and with the commands it names `as_typed`; returns its exit code."""
    if format_ is OutputFormat.JSON:
        _print_json(error_json(error))
        return error.exit_code
    lines = [error.message, *_details(error)]
    if words is not None:
        lines = [words.line(line, error) for line in lines]
    lines = [as_typed(line) for line in lines]
    _print_headline(error.code, lines[0])
    for line in lines[1:]:
        say(f"  {printable(line)}")
    if error.retryable:
        say("  this may pass: the same command can be tried again")
    return error.exit_code


def report_usage(error: Any, format_: OutputFormat) -> int:
    """A command line Typer could not read, in the same words and shapes as every other error."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return UsageError.exit_code
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "dex"
    said = error.format_message().rstrip(".").replace(": Value error, ", ": ")
    message = f"{said}; see `{command} --help`"
    return report(UsageError(message, command=command), format_)


def report_bug(error: Exception, format_: OutputFormat, *, debug_variable: str) -> int:
    """An exception nobody meant: what, where, and whom to tell; never a traceback, never a URL with its credentials."""
    import traceback

    from dexroute import __version__
    from dexroute.config import redact_url

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "dexroute" in frame.filename] or list(frames)
    where = f"{'/'.join(Path(ours[-1].filename).parts[-3:])}:{ours[-1].lineno}" if ours else "an unknown place"
    said = _URL.sub(lambda url: redact_url(url.group()), str(error))[:300]
    message = (
        f"this is a bug in dexroute {__version__}: {type(error).__name__} in {where}" + (f": {said}" if said else "") + ". "
        f"Please report it as an issue of the dexroute repository, with this line; {debug_variable}=1 shows the traceback (look "
        "for secrets in it before you share it). Orders are in the journal: `dex orders list` shows them, `... resume` goes on"
    )
    if format_ is OutputFormat.JSON:
        _print_json(_json(_BUG, message, retryable=False, context={"exception": type(error).__name__, "where": where}))
    else:
        _print_headline(_BUG, message)
    return _BUG_EXIT


def _details(error: DexError) -> list[str]:
    """The parts of the context that are lists of reasons, a line each."""
    lines = []
    for candidate in error.context.get("candidates", []):
        if isinstance(candidate, dict):
            pools, reason = candidate.get("pools", []), str(candidate.get("reason", ""))
            if reason and reason in error.message:
                continue
            said_already = len(pools) == 1 and str(pools[0]) in reason
            lines.append(f"- {reason}" if said_already else f"- {' → '.join(map(str, pools))}: {reason}")
    items = error.context.get("items", {})
    if isinstance(items, dict):
        mint = error.context.get("mint", "an unknown mint")
        lines.extend(f"- {_item(name, str(need), mint)}" for name, need in items.items() if need not in ("0", 0))
    return lines


def _item(name: str, need: str, mint: str) -> str:
    """One thing a swap needs, with its unit: `network fee: 0.000005 SOL`. What is no lamports is of the mint that is short."""
    words = name.removesuffix("_lamports").replace("_", " ")
    if name.endswith("_lamports") and need.isdecimal():
        back = " (comes back in the same transaction)" if name.startswith("temporary") else ""
        return f"{words}: {sol_text(int(need))}{back}"
    return f"{words}: {need} base units of {mint}"


def _json(code: str, message: str, *, retryable: bool, context: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "retryable": retryable, "context": context}}


def _print_headline(code: str, message: str) -> None:
    word = "\x1b[1;31merror\x1b[0m" if sys.stderr.isatty() else "error"
    say(f"{word} [{code}] {printable(message)}")


def _print_json(value: dict[str, Any]) -> None:
    import json

    say(json.dumps(value, default=str))
