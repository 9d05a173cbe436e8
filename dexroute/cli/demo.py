"""`dex demo`: the whole chain in one go, offline: quote three venue families, swap, show the journal."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session
from dexroute.cli.terminal import plain_console
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from dexroute.engine.execution.receipt import Receipt
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.playground import Playground
    from dexroute.sdk.quote import Quote

WALLET_FILE, PLAYGROUND_FILE = "wallet.json", "playground.json"


def register(app: typer.Typer) -> None:
    @command(app, "demo")
    async def demo(
        session: Session,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Make the playground and swap; print only where it is.")] = False,
    ) -> None:
        """See it work, offline: quote three venue families, swap twice, show the journal.

        Starts an embedded cluster with a wallet, tokens and pools in a temporary directory; in --data-dir it stays for you to go on
        with, and the next demo there goes on as well."""
        import json
        import tempfile

        from dexroute.chain.signers import KeypairSigner
        from dexroute.host.files import write_private
        from dexroute.sdk import Dex

        started_ms = time.monotonic_ns() // 1_000_000
        if set(session.url or ()) - {"embedded"}:
            raise UsageError("the demo runs on the embedded cluster only; leave --url away")
        with ExitStack() as stack:
            where = _wanted_directory(session)
            directory = where or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dexroute-demo-")))
            wallet, made = directory / WALLET_FILE, _made_before(directory)
            signer = KeypairSigner.load(wallet) if made is not None else KeypairSigner.create(wallet)
            async with Dex(url="embedded", data_dir=directory, database_url=_journal(directory), signer=signer) as dex:
                if made is None:
                    made = (await _with_progress(session, dex, signer)).recorded_pairs
                    write_private(directory / PLAYGROUND_FILE, json.dumps({"recorded_pairs": made}).encode(), replace=True)
                quotes = [await dex.quote("SOL", "USDC", "1.5"), *[await dex.quote(*pair, "1") for pair in made]]
                run = len(await dex.list_orders()) // 2 + 1
                receipts = [
                    await dex.swap(quotes[0], key=f"demo-{run}-exact-in"),
                    await dex.swap(
                        await dex.quote("SOL", "BONK", "1000000", exact_out=True, swappable=True), key=f"demo-{run}-exact-out"
                    ),
                ]
                shape = _shape(quotes, receipts, elapsed_ms=time.monotonic_ns() // 1_000_000 - started_ms)
                if quiet:
                    session.emit(
                        shape,
                        lambda console: console.print(
                            f"playground in {directory}, wallet {directory / WALLET_FILE}", soft_wrap=True
                        ),
                    )
                else:
                    tokens = {token.mint: token for quote in quotes for token in quote.tokens.values()}
                    for receipt in receipts:
                        tokens[receipt.order.request.output_mint] = await dex.token(receipt.order.request.output_mint)
                    session.emit(shape, lambda console: _render(console, quotes, receipts, tokens, where, shape["elapsed_ms"]))


def _wanted_directory(session: Session) -> Path | None:
    """Where the demo is to stay: --data-dir, or DEXROUTE_DATA_DIR when nothing but a demo is there."""
    if session.data_dir is not None:
        return session.data_dir
    settings = session.settings()
    if not settings.sources["data_dir"].startswith("environment"):
        return None
    directory = settings.data_dir
    empty = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
    return directory if empty or (directory / PLAYGROUND_FILE).exists() else None


def _made_before(directory: Path) -> list[tuple[str, str]] | None:
    """The pairs of recorded pools of the demo kept there; None where there is none yet."""
    import json

    try:
        found = json.loads((directory / PLAYGROUND_FILE).read_text(encoding="utf-8"))
        return [(str(first), str(second)) for first, second in found["recorded_pairs"]]
    except FileNotFoundError:
        if (directory / WALLET_FILE).exists():
            raise UsageError(
                f"{directory} holds a wallet but no finished demo: name another folder, or remove this one if a demo was cut short"
            ) from None
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{directory / PLAYGROUND_FILE} is damaged: remove the demo's folder or name another") from None


def _journal(directory: Path) -> str:
    """The demo keeps its journal beside its cluster, whatever database the caller's settings name."""
    return f"sqlite+aiosqlite:///{(directory / 'journal.sqlite3').absolute()}"


async def _with_progress(session: Session, dex: Dex, signer: Any) -> Playground:
    from dexroute.sdk.playground import make_playground

    if session.is_json:
        return await make_playground(dex, signer)
    with plain_console(stderr=True).status("starting the embedded cluster") as status:
        return await make_playground(dex, signer, progress=lambda step: status.update(f"making a market: {step}"))


def _shape(quotes: list[Quote], receipts: list[Receipt], *, elapsed_ms: int) -> dict[str, Any]:
    from dexroute.sdk.shapes import candidate_json

    rows = [
        {"input_mint": str(quote.request.input_mint), "output_mint": str(quote.request.output_mint), "slot": quote.clock.slot}
        | candidate_json(candidate, quote.quote_only)
        for quote in quotes
        for candidate in quote.candidates
    ]
    return {"orders": [receipt.json() for receipt in receipts], "quotes": rows, "elapsed_ms": elapsed_ms}


def _render(
    console: Console, quotes: list[Quote], receipts: list[Receipt], tokens: dict[Any, Any], directory: Path | None, elapsed_ms: int
) -> None:
    from rich.text import Text

    from dexroute.cli.render_order import render_receipt
    from dexroute.cli.render_quote import render_quote

    now_ms = time.time_ns() // 1_000_000
    for quote in quotes:
        title = Text.assemble(("quote", "bold"), f" {quote.input_token.symbol} → {quote.output_token.symbol}")
        console.rule(title, align="left", style="dim")
        render_quote(console, quote, age_ms=max(0, now_ms - quote.read_ms))
        console.print()
    for receipt in receipts:
        title = Text.assemble(("swap", "bold"), f" {receipt.order.request.mode.value.replace('_', ' ')}")
        console.rule(title, align="left", style="dim")
        render_receipt(console, receipt, tokens)
        console.print()
    console.print(f"done in {elapsed_ms / 1000:.1f} s on a cluster inside this process; nothing left this machine")
    if directory is not None:
        console.print(f"go on with it: dex quote 2 SOL USDC -u embedded --data-dir {directory}", soft_wrap=True)
