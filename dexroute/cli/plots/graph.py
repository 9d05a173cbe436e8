"""The graph of pools on a circle: mints around it, their names outside where nothing else is, pools as arcs through its middle."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, gcd, pi, sin
from typing import TYPE_CHECKING, Final

from dexroute.cli.plots.legend import draw_legend
from dexroute.cli.plots.palette import venue_color
from dexroute.cli.plots.svg import Anchor, Drawing, fitted

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.sdk.pool_graph import PoolGraph

MOST_MINTS: Final = 72
"""More names than this do not fit around the circle."""
_LEVEL: Final = 8  # so many names stand upright
_SPACING: Final = 22.0
_SIZE: Final = 13.0
_SMALLEST: Final = 150.0
_NAME: Final = 120.0
_TOP: Final = 84.0


def draw_graph(graph: PoolGraph, label_of: Callable[[Pubkey], str]) -> Drawing:
    """At most the `MOST_MINTS` mints with the most pools; lines are a venue's colour, wider for more pools."""

    def name_of(mint: Pubkey) -> str:
        return fitted(label_of(mint), _SIZE, _NAME - 16, bold=True)

    mints = _around(graph, graph.mints[:MOST_MINTS])
    shown = set(mints)
    edges = [edge for edge in graph.edges if shown.issuperset(edge.mints)]
    radius = max(_SMALLEST, len(mints) * _SPACING / (2 * pi))
    heading = f"{sum(edge.pools for edge in edges)} known pools between {len(mints)} tokens"
    if len(graph.mints) > len(mints):
        heading += f" (those with the most pools, of {len(graph.mints)})"
    over = 40.0 if len(mints) <= _LEVEL else _NAME
    drawing = Drawing(2 * (radius + _NAME), _TOP + 2 * (radius + over), heading)
    drawing.heading(heading)
    draw_legend(drawing, sorted({venue for edge in edges for venue, _ in edge.pools_by_venue}))

    middle = drawing.width / 2, _TOP + radius + over - 10
    angles = {mint: 2 * pi * place / len(mints) - pi / 2 for place, mint in enumerate(mints)}

    def at(mint: Pubkey, distance: float) -> tuple[float, float]:
        return middle[0] + distance * cos(angles[mint]), middle[1] + distance * sin(angles[mint])

    for edge in edges:
        (x1, y1), (x2, y2) = (at(mint, radius) for mint in edge.mints)
        for lane, (venue, pools) in enumerate(edge.pools_by_venue):
            # Arcs of several venues between two mints bend to different depths, so that none hides another.
            pull = 0.25 + 0.5 * (lane + 1) / (len(edge.pools_by_venue) + 1)
            cx, cy = (middle[0] * (1 - pull) + (x1 + x2) / 2 * pull), (middle[1] * (1 - pull) + (y1 + y2) / 2 * pull)
            names = " and ".join(name_of(mint) for mint in edge.mints)
            drawing.path(
                f"M{x1:.1f},{y1:.1f} Q{cx:.1f},{cy:.1f} {x2:.1f},{y2:.1f}",
                stroke=venue_color(venue),
                stroke_width=min(1.5 + pools, 8),
                opacity=0.8,
                hint=f"{names}: {pools} × {venue}",
            )
    for mint in mints:
        drawing.circle(*at(mint, radius), 6, style="box")
        x, y = at(mint, radius + 14)
        side, bold = cos(angles[mint]), mint in graph.mints[:3]
        if len(mints) <= _LEVEL:
            anchor: Anchor = "middle" if abs(side) < 0.15 else ("start" if side > 0 else "end")
            drawing.text(x, y + 4 + 5 * sin(angles[mint]), name_of(mint), size=_SIZE, anchor=anchor, bold=bold)
            continue
        # Names side by side at the top and the bottom would lie on each other, so they point outwards.
        degrees = angles[mint] * 180 / pi
        turned = degrees if side >= 0 else degrees + 180
        drawing.text(x, y, name_of(mint), size=_SIZE, anchor="start" if side >= 0 else "end", bold=bold, turned=turned)
    return drawing


def _around(graph: PoolGraph, mints: tuple[Pubkey, ...]) -> list[Pubkey]:
    """Mints that hang together side by side, so that parts of the graph show as parts of the circle; within a part those with the
    most pools far from each other, so that their lines do not all meet in one place."""
    ordered: list[Pubkey] = []
    for part in graph.parts:
        inside = [mint for mint in mints if mint in part]
        # The golden section of the circle, as a step that visits every place once.
        step = next(step for step in range(round(len(inside) * 0.382) or 1, len(inside) + 2) if gcd(step, max(len(inside), 1)) == 1)
        places = {place * step % len(inside): mint for place, mint in enumerate(inside)} if inside else {}
        ordered += [places[place] for place in sorted(places)]
    return ordered
