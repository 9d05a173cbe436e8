"""`dex depth`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dexroute.cli import route_options as o
from dexroute.cli.command import command, examples
from dexroute.cli.picture_option import Plot
from dexroute.cli.session import Session
from dexroute.cli.terminal import natural_width, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from dexroute.engine.routing.depth import DepthLevel
    from dexroute.sdk.depth import MarketDepth

_DRAWN = 40


def register(app: typer.Typer) -> None:
    @command(app, "depth", epilog=examples("dex depth SOL USDC", "dex depth SOL USDC --plot depth.svg --bps 5 --bps 500"))
    async def depth(
        session: Session,
        base: Annotated[str, typer.Argument(metavar="BASE", help="Symbol or mint that is sold and bought.")],
        quote: Annotated[str, typer.Argument(metavar="QUOTE", help="Symbol or mint it is priced in.")],
        bps: Annotated[
            list[int] | None,
            typer.Option("--bps", metavar="BPS", help="Distance from the mid price (repeatable; default 10 25 50 100 200)."),
        ] = None,
        plot: Plot = None,
        refresh: o.Refresh = False,
    ) -> None:
        """How much of a token can be sold and bought before its price has moved.

        Over all pools of the pair, at one slot, all fees included: up to the amount shown, every further unit still got a
        price that close to the mid price. Pools that take no swaps are named with the reason."""
        from dexroute.sdk.depth import DEPTH_LEVELS_BPS, depth_json

        levels = bps or list(DEPTH_LEVELS_BPS)
        # A picture is drawn through more points than a table has columns.
        drawn = [max(levels) * step // _DRAWN for step in range(1, _DRAWN + 1)] if plot is not None else []
        async with session.dex() as dex:
            measured = await dex.depth(base, quote, levels_bps=[*levels, *filter(None, drawn)], refresh=refresh)
            requests = dex.connection.requests
        found = measured.narrowed(levels)
        if plot is not None:
            from dexroute.cli.plots.depth import draw_depth

            draw_depth(measured, levels).save(plot)
            session.note(f"picture written to {plot}")
        session.emit(depth_json(found) | {"requests": requests}, lambda console: render_depth(console, found, requests))


def render_depth(console: Console, depth: MarketDepth, requests: Mapping[str, int]) -> None:
    """Both sides as tables, a venue a line. `requests` are what the cluster was asked for it, by method."""
    from rich.text import Text

    from dexroute.cli.render_quote import requests_text
    from dexroute.cli.rounding import rounded_ratio

    base, quote = depth.base, depth.quote
    price = rounded_ratio(depth.mid.ratio * 10**base.decimals / 10**quote.decimals)
    console.print(
        Text.assemble((f"1 {base.symbol} = {price} {quote.symbol}", "bold"), f"  mid price ({depth.mid.source}), before fees")
    )
    for selling in (True, False):
        for part in _that_fit(console, depth, selling=selling):
            console.print()
            console.print(part)
    for pool in depth.pools:
        if pool.reason is not None:
            console.print(Text(f"no swaps: {pool.venue_id} {short(str(pool.pool))}: {pool.reason}", style="yellow"))
    for address, error in depth.broken.items():
        console.print(Text(f"unusable: {short(str(address))}: {error.message}", style="yellow"))
    for note in depth.notes:
        console.print(Text(f"note: {note}", style="yellow"))
    console.print(Text(f"read at slot {depth.clock.slot}; all fees included", style="dim"))
    console.print(Text(f"requests: {requests_text(requests)}", style="dim"))


def _that_fit(console: Console, depth: MarketDepth, *, selling: bool) -> list[Table]:
    """One side with all levels; where they are too many for the width, table below table."""
    levels = depth.levels_bps
    for columns in range(len(levels), 0, -1):
        parts = [depth.narrowed(levels[first : first + columns]) for first in range(0, len(levels), columns)]
        tables = [_side(part, selling=selling) for part in parts]
        if columns == 1 or all(natural_width(console, table) <= console.width for table in tables):
            return tables
    raise AssertionError("a market has levels")


def _side(depth: MarketDepth, *, selling: bool) -> Table:
    from rich.table import Table

    from dexroute.cli.rounding import rounded
    from dexroute.sdk.depth import level_sums

    base, quote = depth.base, depth.quote

    def amounts(levels: Sequence[DepthLevel], *, of_base: bool) -> list[str]:
        token = base if of_base else quote
        return [rounded(level.amount_in if of_base == selling else level.amount_out, token.decimals) for level in levels]

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    table.add_column(f"{'sell' if selling else 'buy'} {base.symbol}, within", no_wrap=True)
    for bps in depth.levels_bps:
        table.add_column(f"{'−' if selling else '+'}{bps} bps", justify="right", no_wrap=True)
    venues = depth.by_venue()
    for venue, pools in venues.items():
        count = f" ({len(pools)} pools)" if len(pools) > 1 else ""
        table.add_row(f"{venue}{count}", *amounts(level_sums(pools, selling=selling), of_base=True))
    total = level_sums([pool for pools in venues.values() for pool in pools], selling=selling)
    table.add_row(f"all, in {base.symbol}", *amounts(total, of_base=True), style="bold")
    table.add_row(f"{'for' if selling else 'costs'}, in {quote.symbol}", *amounts(total, of_base=False))
    return table
