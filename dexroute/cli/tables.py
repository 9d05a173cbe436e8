"""`dex tables list|create|extend|deactivate|close|add|forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.consent import demand_terminal, leave_unless_agreed
from dexroute.cli.session import Session
from dexroute.errors import UsageError
from dexroute.types.counts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from solders.pubkey import Pubkey

    from dexroute.fetchers.base import Pool
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.table_change import TableChange, TableState
    from dexroute.sdk.tables import LookupTables

Table = Annotated[str, typer.Argument(metavar="TABLE", help="The lookup table's address.")]
Pools = Annotated[list[str] | None, typer.Option("--pool", metavar="ADDRESS", help="Accounts of this pool (repeatable).")]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--pair", metavar="FROM/TO", help="Accounts of the deepest known pools of a pair (repeatable)."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before signing.")]
_POOLS_OF_A_PAIR = 6


def register(app: typer.Typer) -> None:
    tables = typer.Typer(help="Address lookup tables: what lets a route of many pools fit one transaction.", no_args_is_help=True)
    app.add_typer(tables, name="tables")

    @command(tables, "list")
    async def list_(session: Session) -> None:
        """Known tables of this cluster: state, addresses, rent, whose they are."""
        async with session.dex() as dex:
            states = await (await dex.tables()).list()
        session.emit({"tables": [_state_json(one) for one in states]}, lambda console: _render(console, session, states))

    @command(
        tables,
        "create",
        epilog=examples(
            "dex tables create --pair SOL/USDC --pair USDC/BONK", "dex tables create --pool ADDRESS --pool ADDRESS --yes"
        ),
    )
    async def create(session: Session, pool: Pools = None, pair: Pairs = None, yes: Yes = False) -> None:
        """Make a table with the accounts of pools. Routes use it where they do not fit a transaction without."""
        async with session.dex() as dex:
            owner = (await dex.open_signer()).pubkey
            known = await dex.tables()
            change = await known.creating(owner, await _named_pools(dex, pool, pair))
            await _carry_out(session, known, change, owner, yes)

    @command(tables, "extend")
    async def extend(session: Session, table: Table, pool: Pools = None, pair: Pairs = None, yes: Yes = False) -> None:
        """Add the accounts of more pools to a table of this wallet."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            owner = (await dex.open_signer()).pubkey
            known = await dex.tables()
            change = await known.extending(owner, address_from(table), await _named_pools(dex, pool, pair))
            await _carry_out(session, known, change, owner, yes)

    @command(tables, "deactivate")
    async def deactivate(session: Session, table: Table, yes: Yes = False) -> None:
        """Take a table of this wallet out of use. It can be closed about four minutes later, and never be used again."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            owner = (await dex.open_signer()).pubkey
            known = await dex.tables()
            await _carry_out(session, known, await known.deactivating(owner, address_from(table)), owner, yes)

    @command(tables, "close")
    async def close(session: Session, table: Table, yes: Yes = False) -> None:
        """Close a deactivated table of this wallet and get its rent back."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            owner = (await dex.open_signer()).pubkey
            known = await dex.tables()
            await _carry_out(session, known, await known.closing(owner, address_from(table)), owner, yes)

    @command(tables, "add")
    async def add(session: Session, table: Table) -> None:
        """Let routes on this cluster use a table that exists already, whoever made it. Nothing is signed."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            known = await dex.tables()
            added = await known.add(address_from(table))
            states = [one for one in await known.list() if one.address == added.address]
        session.note(f"remembered: routes on this cluster may now use {added.address}")
        session.emit({"tables": [_state_json(one) for one in states]}, lambda console: _render(console, session, states))

    @command(tables, "forget")
    async def forget(session: Session, table: Table) -> None:
        """Use a table no more. On chain it stays as it is, and so does its rent."""
        from dexroute.cli.route_options import address_from

        async with session.dex() as dex:
            await (await dex.tables()).forget(address_from(table))
        session.emit({"forgotten": table}, lambda console: console.print(f"{table} is no longer used"))


async def _named_pools(dex: Dex, pools: list[str] | None, pairs: list[str] | None) -> list[Pool]:
    """The pools named, then those of the pairs. Raises UsageError when there are none."""
    from dexroute.cli.route_options import address_from
    from dexroute.sdk.pool_hints import useful_pools

    wanted = [address_from(text) for text in pools or ()]
    for pair in pairs or ():
        names = pair.split("/")
        if len(names) != 2:
            raise UsageError(f"{pair!r} is no pair; write it like SOL/USDC", pair=pair)
        first, second = [(await dex.token(name)).mint for name in names]
        if first == second:
            raise UsageError(f"{pair!r} names the same token twice; write it like SOL/USDC", pair=pair)
        hints = (await dex.discover_pools(first, second)).hints
        found, _ = useful_pools(hints, first, second, max_hops=1, most=_POOLS_OF_A_PAIR)
        if not found:
            raise UsageError(f"no pool of {pair} is known on this cluster; name pools with --pool", pair=pair)
        wanted += [hint.address for hint in found]
    if not wanted:
        raise UsageError("name the pools whose accounts the table is to hold (--pool, --pair)")
    addresses = list(dict.fromkeys(wanted))
    loaded = await dex.load_pools(addresses)
    return [loaded[address] for address in addresses]


async def _carry_out(session: Session, tables: LookupTables, change: TableChange, owner: Pubkey, yes: bool) -> None:
    if not yes and change.transactions:
        demand_terminal(session, what=f"`dex tables {change.what}`")
        typer.echo(_said(change), err=True)
        leave_unless_agreed(f"Sign and send {counted(len(change.transactions), 'transaction')}?")
    signatures = await tables.carry_out(change, owner)
    shape = {
        "table": str(change.table),
        "change": change.what,
        "added": [str(key) for key in change.added],
        "rent_lamports": str(change.rent_lamports),
        "signatures": [str(signature) for signature in signatures],
    }

    def render(console: Console) -> None:
        from dexroute.cli.render_order import fact_table

        rows = [("table", str(change.table)), ("change", _said(change)), *(("signature", str(one)) for one in signatures)]
        console.print(fact_table(rows))

    session.emit(shape, render)


def _said(change: TableChange) -> str:
    """The change and its cost, in words."""
    from dexroute.types.amounts import sol_text

    words = {
        "create": f"create lookup table {change.table} with {len(change.added)} addresses",
        "finish": f"finish lookup table {change.table}, which was cut short: its last {len(change.added)} addresses",
        "extend": f"add {len(change.added)} addresses to lookup table {change.table}",
        "deactivate": f"deactivate lookup table {change.table}",
        "close": f"close lookup table {change.table}",
    }[change.what]
    if change.rent_lamports > 0:
        return f"{words}; locks {sol_text(change.rent_lamports)} of rent until it is closed"
    if change.rent_lamports < 0:
        return f"{words}; gives {sol_text(-change.rent_lamports)} of rent back"
    return words


def _state_json(one: TableState) -> dict[str, Any]:
    table = one.table
    return {
        "address": str(one.address),
        "source": one.source,
        "state": one.state,
        "authority": str(one.authority) if one.authority else None,
        "addresses": [str(key) for key in table.addresses] if table else [],
        "rent_lamports": str(table.lamports) if table else None,
        "deactivation_slot": table.deactivation_slot if table else None,
        "last_extended_slot": table.last_extended_slot if table else None,
        "slot": one.slot,
    }


def _render(console: Console, session: Session, states: Sequence[TableState]) -> None:
    """Each table's address on a line of its own, whole at any width, and its facts below."""
    from rich.text import Text

    from dexroute.types.amounts import sol_text

    if not states:
        said = "no lookup tables known for this cluster; make one with `dex tables create --pair FROM/TO`, or add one"
        console.print(session.as_typed(said), soft_wrap=True)
    for one in states:
        state = one.state.replace("_", " ")
        console.print(
            Text.assemble(str(one.address), "  ", (state, "green" if one.state == "active" else "yellow")), soft_wrap=True
        )
        facts = [f"from {one.source}" if one.source == "settings" else one.source]
        if one.table:
            facts.insert(0, f"{len(one.table.addresses)} addresses")
            facts.append(f"{sol_text(one.table.lamports)} of rent")
        console.print(f"  {', '.join(facts)}", style="dim")
