"""`dex tokens list|add|remove|refresh`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command, examples
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.chain.token_lists.kept import KeptList
    from dexroute.chain.tokens import ListedToken
    from dexroute.sdk.token_lists import RefreshedList

_SHOWN = 20


def register(app: typer.Typer) -> None:
    tokens = typer.Typer(help="Which mints symbols mean: pinned, your own, and a verified list.", no_args_is_help=True)
    app.add_typer(tokens, name="tokens")

    @command(tokens, "list")
    async def list_(
        session: Session,
        text: Annotated[
            str | None, typer.Argument(metavar="[TEXT]", help="Only symbols and mints with this in them.", show_default=False)
        ] = None,
    ) -> None:
        """Every symbol of this cluster, your own first, then pinned, then verified ones."""
        from dexroute.sdk.token_lists import cluster_of, listed_tokens

        settings = session.settings()
        found, kept = listed_tokens(settings, await cluster_of(settings))
        wanted = (text or "").lower()
        chosen = [token for token in found if wanted in (token.symbol or "").lower() or wanted in str(token.mint).lower()]
        shape = {"tokens": [_token_json(token) for token in chosen], "verified_list": _kept_json(kept) if kept else None}

        def render(console: Console) -> None:
            if not chosen:
                said = "no such symbol on this cluster; add one with `dex tokens add SYMBOL MINT`"
                console.print(session.as_typed(said), soft_wrap=True)
            else:
                console.print(_table(chosen))
            if kept:
                console.print(
                    f"verified list of {kept.fetched_at} from {kept.source}, sha256 {kept.sha256}", style="dim", markup=False
                )

        session.emit(shape, render)

    @command(tokens, "add", epilog=examples("dex tokens add FOO 7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs"))
    async def add(
        session: Session,
        symbol: Annotated[str, typer.Argument(help="1 to 16 letters, digits or $ . _ -")],
        mint: Annotated[str, typer.Argument(help="The mint's address; its decimals are read from the cluster.")],
    ) -> None:
        """Name a mint on this cluster."""
        from dexroute.chain.tokens import ListedToken, add_token
        from dexroute.cli.route_options import address_from

        address = address_from(mint)
        async with session.dex() as dex:
            decimals = (await dex.token(address)).decimals
            add_token(dex.settings.data_dir, dex.connection.genesis_hash, symbol=symbol, mint=address, decimals=decimals)
        named = ListedToken(mint=address, symbol=symbol, decimals=decimals, source="user")
        session.emit(_token_json(named), lambda console: console.print(f"{symbol} now means {address} ({decimals} decimals)"))

    @command(tokens, "remove")
    async def remove(
        session: Session,
        token: Annotated[str, typer.Argument(metavar="SYMBOL_OR_MINT", help="What `dex tokens add` named.")],
    ) -> None:
        """Take back a name you gave. Pinned and verified ones stay."""
        from dexroute.sdk.token_lists import cluster_of, forget_token

        settings = session.settings()
        removed = forget_token(settings, await cluster_of(settings), token)

        def render(console: Console) -> None:
            for gone in removed:
                console.print(f"{gone.symbol} no longer means {gone.mint}")

        session.emit({"removed": [_token_json(gone) for gone in removed]}, render)

    @command(tokens, "refresh", epilog=examples("dex tokens refresh", "dex tokens refresh --file verified.json"))
    async def refresh(
        session: Session,
        file: Annotated[
            Path | None, typer.Option("--file", metavar="PATH", help="Read a downloaded list instead of asking Jupiter.")
        ] = None,
    ) -> None:
        """Fetch Jupiter's verified tokens (mainnet-beta) and keep those whose symbols cannot mislead."""
        from dexroute.sdk.token_lists import refresh_verified

        refreshed = await refresh_verified(session.settings(), file=file)
        for note in refreshed.notes:
            session.note(f"note: {note}")
        session.emit(_refreshed_json(refreshed), lambda console: _render_refreshed(console, refreshed))


def _token_json(token: ListedToken) -> dict[str, Any]:
    return {"symbol": token.symbol, "mint": str(token.mint), "decimals": token.decimals, "source": token.source}


def _kept_json(kept: KeptList) -> dict[str, Any]:
    return {"source": kept.source, "fetched_at": kept.fetched_at, "sha256": kept.sha256, "tokens": len(kept.entries)}


def _refreshed_json(refreshed: RefreshedList) -> dict[str, Any]:
    return {
        **_kept_json(refreshed.kept),
        "path": str(refreshed.path),
        "pinned": refreshed.checked.pinned,
        "added": [dict(entry) for entry in refreshed.changes.added],
        "removed": [dict(entry) for entry in refreshed.changes.removed],
        "changed": list(refreshed.changes.changed),
        "refused": [{"symbol": one.symbol, "mint": one.mint, "reason": one.reason} for one in refreshed.checked.refused],
        "notes": list(refreshed.notes),
    }


def _table(tokens: list[ListedToken]) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    for name in ("symbol", "mint", "decimals", "source"):
        table.add_column(name, no_wrap=True, justify="right" if name == "decimals" else "left")
    for token in tokens:
        decimals = "–" if token.decimals is None else str(token.decimals)
        table.add_row(token.symbol, str(token.mint), decimals, token.source)
    return table


def _render_refreshed(console: Console, refreshed: RefreshedList) -> None:
    kept, changes, refused = refreshed.kept, refreshed.changes, refreshed.checked.refused
    console.print(f"{len(kept.entries)} verified tokens kept in {refreshed.path}", soft_wrap=True, markup=False)
    console.print(f"from {kept.source} at {kept.fetched_at}, sha256 {kept.sha256}", style="dim", soft_wrap=True, markup=False)
    counts = f"{len(changes.added)} added, {len(changes.removed)} removed, {len(changes.changed)} changed"
    console.print(f"{counts}, {len(refused)} refused, {refreshed.checked.pinned} pinned already")
    for word, entries in (("added", changes.added), ("removed", changes.removed)):
        _some(console, [f"{word} {entry['symbol']} {entry['mint']}" for entry in entries])
    for change in changes.changed:  # all of them: this is what a person must know
        console.print(f"  changed: {change}", style="yellow", soft_wrap=True, markup=False)
    for reason, count in Counter(one.reason for one in refused).most_common():
        which = ", ".join(one.symbol for one in refused if one.reason == reason)
        named = which if len(which) <= 100 else f"{which[:100]}…"
        console.print(f"  refused {count}, each {reason}: {named}", soft_wrap=True, markup=False)


def _some(console: Console, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        console.print(f"  {line}", soft_wrap=True, markup=False)
    if len(lines) > _SHOWN:
        console.print(f"  and {len(lines) - _SHOWN} more (--format json shows all)")
