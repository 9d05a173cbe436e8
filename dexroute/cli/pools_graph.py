"""`dex pools graph`, and `dex pools --graph`, which is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from dexroute.cli.command import command
from dexroute.cli.picture_option import Plot
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console


class GraphByOption(TyperGroup):
    """A leading `--graph` is the command `graph`: its own options follow either."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = [argument for argument in args if argument != "--graph"]
        if len(rest) < len(args) and not (rest and rest[0] in self.commands):
            args = ["graph", *rest]
        return super().parse_args(ctx, args)


def register(pools: typer.Typer) -> None:
    @command(pools, "graph")
    async def graph(session: Session, plot: Plot = None) -> None:
        """Which tokens the known pools join, and by how many pools of which venues: what routes can lead through."""
        from dexroute.sdk.pool_graph import graph_json, pool_graph

        async with session.dex() as dex:
            found = pool_graph(await dex.pools())
            names = {mint: dex.tokens.label(mint) for mint in found.mints}
        if plot is not None:
            from dexroute.cli.plots.graph import draw_graph

            draw_graph(found, names.__getitem__).save(plot)
            session.note(f"picture written to {plot}")
        symbols = {"symbols": {str(mint): name for mint, name in names.items()}}

        def render(console: Console) -> None:
            from rich.table import Table

            if not found.mints:
                console.print(
                    session.as_typed("no pools remembered for this cluster; quote a pair, or add one with `dex pools add ADDRESS`"),
                    soft_wrap=True,
                )
                return
            table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
            table.add_column("tokens", no_wrap=True)
            table.add_column("pools", justify="right", no_wrap=True)
            table.add_column("of which venues", overflow="fold")
            for edge in found.edges:
                venues = ", ".join(f"{count} {venue}" for venue, count in edge.pools_by_venue)
                table.add_row(" – ".join(names[mint] for mint in edge.mints), str(edge.pools), venues)
            console.print(table)
            if len(found.parts) > 1:
                sizes = ", ".join(str(len(part)) for part in found.parts)
                console.print(
                    f"{len(found.parts)} separate parts of {sizes} tokens: no route leads from one to another", style="dim"
                )

        session.emit(graph_json(found) | symbols, render)
