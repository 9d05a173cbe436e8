"""Errors as people and programs read them: on stderr, with the exit code of the error tree."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import typer

from dexroute.cli.session import OutputFormat
from dexroute.errors import DexError


def error_json(error: DexError) -> dict[str, Any]:
    """`{"error": {code, message, retryable, context}}` (architecture, section 5)."""
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "retryable": error.retryable,
            "context": error.context,
        }
    }


def leave_with(error: DexError, format_: OutputFormat) -> NoReturn:
    """Print the error to stderr and exit with its code."""
    if format_ is OutputFormat.JSON:
        typer.echo(json.dumps(error_json(error), default=str), err=True)
    else:
        typer.echo(f"{typer.style('error', fg='red', bold=True)} [{error.code}] {error.message}", err=True)
        for line in _details(error):
            typer.echo(f"  {line}", err=True)
        if error.retryable:
            typer.echo("  nothing is known to be wrong: the same command may succeed later", err=True)
    raise typer.Exit(error.exit_code)


def _details(error: DexError) -> list[str]:
    """The parts of the context that are lists of reasons, a line each."""
    lines = []
    for candidate in error.context.get("candidates", []):
        if isinstance(candidate, dict):
            where = " → ".join([*candidate.get("venues", []), *candidate.get("pools", [])])
            lines.append(f"- {where}: {candidate.get('reason', '')}")
    items = error.context.get("items", {})
    if isinstance(items, dict):
        lines.extend(f"- {name.replace('_', ' ')}: {need}" for name, need in items.items() if need not in ("0", 0))
    return lines
