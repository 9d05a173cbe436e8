"""The depth of a market: what can be sold below the mid price to the left, bought above it to the right, venues stacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dexroute.cli.plots.legend import draw_legend
from dexroute.cli.plots.palette import venue_color
from dexroute.cli.plots.svg import Drawing, fitted, polygon
from dexroute.cli.rounding import brief, rounded, rounded_ratio
from dexroute.sdk.depth import level_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dexroute.sdk.depth import MarketDepth

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960.0, 460.0, 96.0, 24.0, 96.0, 64.0
_LINES: Final = 5
_BETWEEN_LABELS: Final = 72.0
_SIZE: Final = 13.0


def draw_depth(depth: MarketDepth, marked: Sequence[int]) -> Drawing:
    """Amounts are of the base token on both sides; `marked` are the levels to be labelled."""
    venues = {
        venue: (
            [0, *(level.amount_in for level in level_sums(pools, selling=True))],
            [0, *(level.amount_out for level in level_sums(pools, selling=False))],
        )
        for venue, pools in depth.by_venue().items()
    }
    price = rounded_ratio(depth.mid.ratio * 10**depth.base.decimals / 10**depth.quote.decimals)
    base, quote = (fitted(token.symbol, 12, _LEFT - 16) for token in (depth.base, depth.quote))
    heading = f"Depth of {base}: mid price {price} {quote}, all fees included, slot {depth.clock.slot}"
    drawing = Drawing(_WIDTH, _HEIGHT, heading)
    drawing.heading(heading)
    draw_legend(drawing, venues)

    steps = (0, *depth.levels_bps)
    most = max([sum(sides[side][-1] for sides in venues.values()) for side in (0, 1)], default=0) or 1
    floor, height = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    middle, half = (_LEFT + _WIDTH - _RIGHT) / 2, (_WIDTH - _RIGHT - _LEFT) / 2
    for amount in _round_amounts(most):
        y = floor - height * amount / most
        drawing.line(_LEFT, y, _WIDTH - _RIGHT, y, style="grid")
        drawing.text(_LEFT - 8, y + 4, brief(amount, depth.base.decimals, 3), size=12, anchor="end", style="dim")
    drawing.text(_LEFT - 8, _TOP - 14, base, size=12, anchor="end", style="dim")

    for side, sign in ((0, -1), (1, 1)):
        below = [0] * len(steps)
        for venue, sides in venues.items():
            above = [base + own for base, own in zip(below, sides[side], strict=True)]
            xs = [middle + sign * half * step / steps[-1] for step in steps]
            upper = [(x, floor - height * amount / most) for x, amount in zip(xs, above, strict=True)]
            lower = [(x, floor - height * amount / most) for x, amount in zip(xs, below, strict=True)]
            hint = f"{venue}: {rounded(sides[side][-1], depth.base.decimals, 6)} {base} within {steps[-1]} bps"
            drawing.path(polygon([*upper, *reversed(lower)]), fill=venue_color(venue), opacity=0.8, hint=hint)
            below = above
    drawing.line(middle, _TOP - 8, middle, floor, dashed=True)
    drawing.text(middle, _TOP - 14, "mid", size=12, anchor="middle", style="dim")
    reached = half + _BETWEEN_LABELS
    for step in sorted(marked, reverse=True):
        shift = half * step / steps[-1]
        for sign in (-1, 1):
            drawing.line(middle + sign * shift, floor, middle + sign * shift, floor + 5)
        if reached - shift < _BETWEEN_LABELS or shift < _BETWEEN_LABELS / 2:  # it would lie on another label
            continue
        reached = shift
        for sign in (-1, 1):
            x = middle + sign * shift
            anchor = "middle" if step != steps[-1] else ("start" if sign < 0 else "end")
            drawing.text(x, floor + 20, f"{'−' if sign < 0 else '+'}{step} bps", size=12, anchor=anchor, style="dim")  # type: ignore[arg-type]
    drawing.text(middle - half / 2, _HEIGHT - 14, f"{base} that can be sold", size=_SIZE, anchor="middle")
    drawing.text(middle + half / 2, _HEIGHT - 14, f"{base} that can be bought", size=_SIZE, anchor="middle")
    return drawing


def _round_amounts(most: int) -> list[int]:
    """0 and up to five more amounts a person would choose, none above `most`."""
    step = 10 ** max(len(str(most)) - 2, 0)
    for factor in (1, 2, 5, 10, 20, 50):
        if most // (step * factor) <= _LINES:
            return list(range(0, most + 1, step * factor))
    return [0, most]
