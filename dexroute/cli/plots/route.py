"""A route as a flow from left to right: mints as columns, each leg in a lane of its own, its bands as wide as its share.

A lane holds one leg, and a label stands above its own band within its own pair of columns, so no label can lie on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dexroute.cli.plots.legend import draw_legend
from dexroute.cli.plots.palette import venue_color
from dexroute.cli.plots.svg import Drawing, band, fitted
from dexroute.cli.rounding import brief, hundredths, share_texts
from dexroute.cli.terminal import short

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.engine.routing import LegReport
    from dexroute.sdk.quote import Quote
    from dexroute.types.routes import Hop

_COLUMN: Final = 330.0
_MARGIN: Final = 130.0
_TOP: Final = 104.0
_LABEL: Final = 44.0
_THICKEST: Final = 150.0
_THINNEST: Final = 2.0
_NAME_LINE: Final = 16.0  # for names of mints, above the labels of both sides
_GAP: Final = 14.0
_BAR: Final = 10.0
_SIZE: Final = 13.0
_LONGEST_NAME: Final = 96.0


@dataclass(frozen=True, slots=True)
class _Lane:
    report: LegReport
    columns: tuple[int, ...]  # of the leg's mints, from input to output
    top: float  # of the band
    thickness: float


def draw_route(quote: Quote) -> Drawing:
    """Legs through the same mints lie side by side, the largest share first."""
    reports = sorted(
        quote.solution.legs, key=lambda report: ([str(hop.output_mint) for hop in report.leg.hops[:-1]], -report.share_ppm)
    )
    columns = _columns(reports)
    last = max(columns.values(), default=0) + 1
    lanes: list[_Lane] = []
    y = _TOP
    for report in reports:
        thickness = max(_THINNEST, _THICKEST * report.share_ppm / 1_000_000)
        label = _LABEL if len(report.leg.hops) == 1 else _LABEL + _NAME_LINE
        places = (0, *(columns[hop.output_mint] for hop in report.leg.hops[:-1]), last)
        lanes.append(_Lane(report, places, y + label, thickness))
        y += label + thickness + _GAP
    ends = (quote.amount_in, quote.input_token), (quote.amount_out, quote.output_token)
    swapped = " → ".join(f"{brief(amount, token.decimals)} {_name(token.symbol)}" for amount, token in ends)
    heading = f"{swapped}{_proof(quote)}, slot {quote.clock.slot}"
    drawing = Drawing(2 * _MARGIN + _COLUMN * last, y + 24, heading)
    drawing.heading(heading)
    draw_legend(drawing, dict.fromkeys(hop.venue_id for lane in lanes for hop in lane.report.leg.hops))
    for lane in lanes:
        _draw_lane(drawing, quote, lane)
    _draw_ends(drawing, quote, lanes, last)
    for mint, column in columns.items():
        _draw_mint(drawing, quote, lanes, mint, column)
    return drawing


def _columns(reports: list[LegReport]) -> dict[Pubkey, int]:
    """The column of every mint between, 1 and up: behind all that lead to it. (Legs that pass two mints in opposite orders get
    columns that are not all in order; their bands then run back.)"""
    found: dict[Pubkey, int] = {}
    for _ in range(max(len(report.leg.hops) for report in reports)):
        for report in reports:
            place = 0
            for hop in report.leg.hops[:-1]:
                place = found[hop.output_mint] = max(place + 1, found.get(hop.output_mint, 0))
    return found


def _draw_lane(drawing: Drawing, quote: Quote, lane: _Lane) -> None:
    for place, hop in enumerate(lane.report.leg.hops):
        left = _x(lane.columns[place]) + (_BAR if place else _BAR / 2)
        right = _x(lane.columns[place + 1])
        outline = band((left, lane.top, lane.thickness), (right, lane.top, lane.thickness))
        said = _amounts(quote, hop)
        drawing.path(outline, fill=venue_color(hop.venue_id), opacity=0.75, hint=f"{hop.venue_id} {hop.pool}: {said}")
        middle = (left + right) / 2
        drawing.text(middle, lane.top - 22, f"{hop.venue_id} {short(str(hop.pool))}", size=_SIZE, anchor="middle")
        drawing.text(middle, lane.top - 6, said, size=12, anchor="middle", style="dim")


def _draw_ends(drawing: Drawing, quote: Quote, lanes: list[_Lane], last: int) -> None:
    top, bottom = lanes[0].top, lanes[-1].top + lanes[-1].thickness
    for column, token, amount in ((0, quote.input_token, quote.amount_in), (last, quote.output_token, quote.amount_out)):
        x = _x(column) - (_BAR / 2 if column == 0 else 0)
        drawing.rect(x, top, _BAR, bottom - top, style="box", radius=2)
        left = column == 0
        edge = x - 10 if left else x + _BAR + 10
        drawing.text(edge, top + 10, _name(token.symbol), size=15, anchor="end" if left else "start", bold=True)
        drawing.text(edge, top + 27, brief(amount, token.decimals), size=12, anchor="end" if left else "start", style="dim")
    shares = share_texts([lane.report.share_ppm for lane in lanes])
    for lane, share in zip(lanes, shares, strict=True) if len(lanes) > 1 else ():
        middle = lane.top + lane.thickness / 2 + 4
        if lane is lanes[0]:  # the token and its amount stand there
            middle = max(middle, top + 46)
        drawing.text(_x(0) - _BAR / 2 - 10, middle, share, size=12, anchor="end", style="dim")


def _draw_mint(drawing: Drawing, quote: Quote, lanes: list[_Lane], mint: Pubkey, column: int) -> None:
    """A bar for every run of lanes that pass through the mint here, and its name above the first."""
    inside = [any(hop.output_mint == mint for hop in lane.report.leg.hops[:-1]) for lane in lanes]
    start = None
    for place, passes in enumerate([*inside, False]):
        if passes and start is None:
            start = place
        if not passes and start is not None:
            top, end = lanes[start].top, lanes[place - 1]
            head = top - _LABEL + 11  # up to the name
            drawing.rect(_x(column), head, _BAR, end.top + end.thickness - head, style="box", radius=2)
            drawing.text(_x(column) + _BAR / 2, top - _LABEL + 6, _name_of(quote, mint), size=15, anchor="middle", bold=True)
            start = None


def _x(column: int) -> float:
    return _MARGIN + _COLUMN * column


def _amounts(quote: Quote, hop: Hop) -> str:
    sides = []
    for amount, mint in ((hop.amount_in, hop.input_mint), (hop.amount_out, hop.output_mint)):
        token = quote.tokens.get(mint)
        sides.append(f"{brief(amount, token.decimals)} {_name(token.symbol)}" if token else f"{brief(amount, 0)} units")
    return " → ".join(sides)


def _name_of(quote: Quote, mint: Pubkey) -> str:
    token = quote.tokens.get(mint)
    return _name(token.symbol if token else short(str(mint)))


def _name(symbol: str) -> str:
    """Short enough to stand between two labels."""
    return fitted(symbol, 15, _LONGEST_NAME, bold=True)


def _proof(quote: Quote) -> str:
    proof = quote.solution.certificate
    if proof is None or proof.gap_centi_bps is None:
        return ""
    return f": at most {hundredths(proof.gap_centi_bps)} bps from the optimum"
