"""Which colour is which venue's, in a line below the heading of every picture."""

from __future__ import annotations

from collections.abc import Iterable

from dexroute.cli.plots.palette import venue_color
from dexroute.cli.plots.svg import Drawing, text_width

_SIZE = 13.0


def draw_legend(drawing: Drawing, venues: Iterable[str]) -> None:
    """Makes the picture wider where the line needs it."""
    x = 24.0
    for venue in venues:
        drawing.rect(x, 47, 12, 12, fill=venue_color(venue), radius=2)
        drawing.text(x + 18, 58, venue, size=_SIZE)
        x += 18 + text_width(venue, _SIZE) + 20
    drawing.width = max(drawing.width, x)
