"""`dex pools list|show|add|record|graph`; `dex pools --graph` is the last one too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli import pools_graph
from dexroute.cli.command import command
from dexroute.cli.pools_graph import GraphByOption
from dexroute.cli.session import Session
from dexroute.cli.terminal import short
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.fetchers.base import Pool
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.token import Token
    from dexroute.types.pools import RememberedPool

_WIDE = 120  # characters

Address = Annotated[str, typer.Argument(metavar="POOL", help="The pool's address.")]


def register(app: typer.Typer) -> None:
    pools = typer.Typer(cls=GraphByOption, help="Pools this journal knows, and what is in them.", no_args_is_help=True)
    app.add_typer(pools, name="pools")

    @pools.callback()
    def options(
        graph: Annotated[bool, typer.Option("--graph", help="The same as `dex pools graph`, with its options.")] = False,
    ) -> None:
        """Pools this journal knows, and what is in them."""
        if graph:
            raise UsageError("--graph stands for the command `graph`; give one command: `dex pools --graph`, or without --graph")

    @command(pools, "list")
    async def list_(
        session: Session,
        pair: Annotated[
            list[str] | None, typer.Argument(metavar="[FROM TO]", help="Look for pools of this pair first.", show_default=False)
        ] = None,
    ) -> None:
        """Pools remembered for this cluster; with two tokens, look for their pools now."""
        if pair and len(pair) != 2:
            raise UsageError("name two tokens to look for their pools, or none to list what is remembered")
        async with session.dex() as dex:
            wanted = {(await dex.token(token)).mint for token in pair or ()}
            if pair and len(wanted) == 1:
                raise UsageError(f"both tokens are {pair[0]}; name two different ones")
            found = await dex.discover_pools(*pair) if pair else None
            remembered = [pool for pool in await dex.pools() if wanted <= set(pool.mints)]
        now_ms = time.time_ns() // 1_000_000
        sources, notes = (found.sources, found.notes) if found else ((), ())
        dollars = {hint.address: hint.tvl_usd for hint in found.hints} if found else {}
        shape = {
            "pools": [
                {
                    "address": str(pool.address),
                    "venue": pool.venue_id,
                    "mints": [str(mint) for mint in pool.mints],
                    "source": pool.source,
                    "last_seen_ms_ago": now_ms - pool.last_seen_ms,
                    "reserves": [str(amount) for amount in pool.reserves] or None,
                    "seen_slot": pool.seen_slot,
                    "tvl_usd": dollars.get(pool.address),
                }
                for pool in remembered
            ],
            "sources": [
                {"source": one.source, "found": one.found, "failure": one.failure, "code": one.error_code} for one in sources
            ],
            "notes": list(notes),
        }

        def render(console: Console) -> None:
            from rich.table import Table

            if not remembered:
                console.print(
                    session.as_typed("no pools remembered for this cluster; add one with `dex pools add ADDRESS`, or quote a pair"),
                    soft_wrap=True,
                )
            else:
                for venue in sorted({pool.venue_id for pool in remembered}):
                    console.print(venue, style="bold")
                    table = Table(box=None, show_header=False, padding=(0, 1), show_edge=False)
                    table.add_column(no_wrap=True)  # an address that is cut or folded cannot be copied
                    table.add_column(overflow="fold")
                    for pool in remembered:
                        if pool.venue_id == venue:
                            names = "/".join(dex.tokens.label(mint) for mint in pool.mints)
                            held = _held(dex, pool, dollars.get(pool.address))
                            seen = f"seen {_ago(now_ms - pool.last_seen_ms)} ({pool.source})"
                            lines = (f"{names}, {held}", seen) if console.width >= _WIDE else (names, held, seen)
                            table.add_row(str(pool.address), "\n".join(lines))
                    console.print(table)
            for one in sources:
                if one.failure:
                    console.print(f"{one.source}: failed: {one.failure}", style="yellow", soft_wrap=True, markup=False)
                else:
                    console.print(f"{one.source}: {one.found} found", style="dim")

        session.emit(shape, render)

    @command(pools, "show")
    async def show(session: Session, pool: Address) -> None:
        """One pool as it is now: venue, mints, whether it trades, spot price."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            address = address_from(pool)
            found = (await dex.load_pools([address]))[address]
            _emit_pool(session, found, await _tokens(dex, found))

    _register_record(pools)
    pools_graph.register(pools)

    @command(pools, "add")
    async def add(session: Session, pool: Address) -> None:
        """Read a pool and remember it for routing."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            found = await dex.add_pool(address_from(pool))
            tokens = await _tokens(dex, found)
        session.note(f"remembered: routes on this cluster may now use {found.address}")
        _emit_pool(session, found, tokens)


def _register_record(pools: typer.Typer) -> None:
    @command(pools, "record")
    async def record(session: Session) -> None:
        """How reliable pools have been: what your own orders through them came to. `--strategy reliability` goes by it."""
        from dexroute.engine.routing.reliability import penalties_ppm

        async with session.dex() as dex:
            records = await dex.pool_records()
        now_ms = time.time_ns() // 1_000_000
        penalties = penalties_ppm(((one.pool, one.venue_id) for one in records.values()), records)
        ordered = sorted(records.values(), key=lambda one: (penalties[one.pool], bytes(one.pool)))
        shape = {
            "pools": [
                {
                    "address": str(one.pool),
                    "venue": one.venue_id,
                    "landed": one.landed,
                    "landed_with_error": one.landed_with_error,
                    "refused": one.refused,
                    "expired": one.expired,
                    "average_shortfall_ppm": one.average_shortfall_ppm,
                    "penalty_ppm": penalties[one.pool],
                    "last_failure": one.last_failure,
                    "last_failure_ms_ago": None if one.last_failure_ms is None else now_ms - one.last_failure_ms,
                    "cooled": one.cooling(now_ms),
                }
                for one in ordered
            ]
        }

        def render(console: Console) -> None:
            from rich.table import Table

            from dexroute.cli.rounding import hundredths

            if not ordered:
                console.print("no order of this journal went through a pool of this cluster yet")
                return
            table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
            table.add_column("pool", no_wrap=True)
            for name in ("landed", "failed", "refused", "expired", "short", "counts as"):
                table.add_column(name, justify="right", no_wrap=True)
            for one in ordered:
                table.add_row(
                    f"{one.venue_id} {short(str(one.pool))}",
                    *map(str, (one.landed, one.landed_with_error, one.refused, one.expired)),
                    f"{hundredths(one.average_shortfall_ppm)} bps",
                    f"-{hundredths(penalties[one.pool])} bps",
                    style="yellow" if one.cooling(now_ms) else None,
                )
            console.print(table)
            for one in ordered:
                if reason := one.cooling(now_ms):
                    console.print(f"left out for now: {one.venue_id} {short(str(one.pool))}: {reason}", style="yellow")
            console.print(
                "failed: landed with an error; refused: failed in simulation; short: what arrived below the quote, on average; "
                "counts as: what the strategy takes off a route's amount",
                style="dim",
            )

        session.emit(shape, render)


async def _tokens(dex: Dex, pool: Pool) -> list[Token]:
    return [await dex.token(mint.address) for mint in pool.mints]


def _emit_pool(session: Session, pool: Pool, tokens: list[Token]) -> None:
    from dexroute.errors import QuoteError

    state = pool.tradable()
    first, second = tokens
    try:
        spot = pool.spot_price(first.mint, second.mint)
        shown = _price(spot.numerator * 10**first.decimals, spot.denominator * 10**second.decimals)
        price: dict[str, str] | None = {"numerator": str(spot.numerator), "denominator": str(spot.denominator)}
    except QuoteError as error:
        shown, price = f"none ({error.message})", None
    shape: dict[str, Any] = {
        "address": str(pool.address),
        "venue": pool.venue_id,
        "slot": pool.slot,
        "tradable": state.ok,
        "reason": state.reason,
        "mints": [
            {
                "mint": str(mint.address),
                "symbol": token.symbol,
                "decimals": mint.decimals,
                "token_program": str(mint.token_program),
                "transfer_fee_bps": mint.transfer_fee.bps if mint.transfer_fee else 0,
            }
            for mint, token in zip(pool.mints, tokens, strict=True)
        ],
        "spot_price": price,
    }

    def render(console: Console) -> None:
        from dexroute.cli.render_order import fact_table

        rows = [("pool", str(pool.address)), ("venue", pool.venue_id)]
        for mint, token in zip(pool.mints, tokens, strict=True):
            fee = f", transfer fee {mint.transfer_fee.bps} bps" if mint.transfer_fee else ""
            rows.append(("token", f"{token.symbol} {mint.address} ({mint.decimals} decimals{fee})"))
        rows.append(("spot price", f"1 {first.symbol} = {shown} {second.symbol} (before fees)" if price else shown))
        rows.append(("swaps", "open" if state.ok else f"closed: {state.reason}"))
        rows.append(("read at", f"slot {pool.slot}"))
        console.print(fact_table(rows))

    session.emit(shape, render)


def _price(numerator: int, denominator: int) -> str:
    """The ratio with nine significant digits, exactly rounded down: for reading, not for reckoning."""
    from decimal import ROUND_DOWN, Context

    return f"{Context(prec=9, rounding=ROUND_DOWN).divide(numerator, denominator).normalize():f}"


def _held(dex: Dex, pool: RememberedPool, dollars: int | None) -> str:
    """What the pool held when it was last read, or an API's word on it, for reading."""

    if not pool.reserves:
        return f"about ${dollars:,}" if dollars is not None else "liquidity unknown"
    shown = []
    for mint, amount in zip(pool.mints, pool.reserves, strict=True):
        token = dex.tokens.known(mint)
        units = f"{dex.tokens.label(mint)} base units"
        shown.append(token.text(amount) if token else f"{amount} {units}")
    return " + ".join(shown)


def _ago(duration_ms: int) -> str:
    seconds = max(0, duration_ms) // 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
