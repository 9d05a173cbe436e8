"""`dex demo`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """placeholder until the playground stands"""
