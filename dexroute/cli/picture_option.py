"""`--plot`: the option of every command that can draw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dexroute.errors import UsageError


def _picture_file(path: Path | None) -> Path | None:
    """Said before anything is asked of a node. A file is replaced without a question, so only one that is named like a picture."""
    if path is not None and path.suffix.lower() != ".svg":
        better = path.parent / f"{path.stem or 'picture'}.svg"
        raise UsageError(f"pictures are SVG, and {str(path)!r} is not named so; name it {better} (--plot)", plot=str(path))
    return path


Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE.svg",
        help="Draw it into this file as well; one that is there is replaced.",
        callback=_picture_file,
    ),
]
