"""`dex wallet new|address|balance` and `dex airdrop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

_LAMPORT_DECIMALS = 9


def register(app: typer.Typer) -> None:
    wallet = typer.Typer(help="The keypair that pays and signs.", no_args_is_help=True)
    app.add_typer(wallet, name="wallet")

    @command(wallet, "new")
    async def new(session: Session) -> None:
        """Create a keypair file only you can read (0600). Never overwrites one."""
        from dexroute.chain.signers import KeypairSigner

        path = session.settings().keypair_path
        signer = KeypairSigner.create(path)
        shape = {"address": str(signer.pubkey), "keypair": str(path)}
        session.emit(shape, lambda console: console.print(f"{signer.pubkey}\nkept in {path}: back it up, nobody can restore it"))

    @command(wallet, "address")
    async def address(session: Session) -> None:
        """The wallet's address."""
        from dexroute.chain.signers import KeypairSigner

        pubkey = str(KeypairSigner.load(session.settings().keypair_path).pubkey)
        session.emit({"address": pubkey}, lambda console: console.print(pubkey))

    @command(wallet, "balance")
    async def balance(
        session: Session,
        address: Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="Another wallet's.", show_default=False)] = None,
    ) -> None:
        """SOL and tokens of the wallet."""
        from dexroute.cli.route_options import address_from
        from dexroute.errors import DexError
        from dexroute.types.amounts import format_ui_amount

        async with session.dex() as dex:
            found = await dex.balances(address_from(address) if address else None)
            tokens: list[dict[str, Any]] = []
            for holding in found.tokens:
                entry: dict[str, Any] = {"account": str(holding.account), "mint": str(holding.mint), "amount": str(holding.amount)}
                try:
                    token = await dex.token(holding.mint)
                    entry |= {
                        "symbol": token.symbol,
                        "decimals": token.decimals,
                        "ui_amount": format_ui_amount(holding.amount, token.decimals),
                    }
                except DexError as error:
                    entry |= {"symbol": None, "decimals": None, "ui_amount": None, "note": error.message}
                tokens.append(entry)
        sol = format_ui_amount(found.lamports, _LAMPORT_DECIMALS)
        shape = {"address": str(found.wallet), "lamports": str(found.lamports), "sol": sol, "tokens": tokens}

        def render(console: Console) -> None:
            from rich.table import Table

            console.print(str(found.wallet), style="dim")
            table = Table(box=None, show_header=False, padding=(0, 1), show_edge=False)
            table.add_column(justify="right", no_wrap=True)
            table.add_column(no_wrap=True)
            table.add_column(style="dim", overflow="fold")
            table.add_row(sol, "SOL", "")
            for entry in tokens:
                table.add_row(entry["ui_amount"] or entry["amount"], entry["symbol"] or "base units", entry["mint"])
            console.print(table)

        session.emit(shape, render)

    @command(app, "airdrop")
    async def airdrop(
        session: Session,
        amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="SOL to ask for, like 5.")],
        address: Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="Another wallet's.", show_default=False)] = None,
    ) -> None:
        """Free SOL on test clusters: embedded, localhost, devnet, testnet."""
        from dexroute.chain.tokens import MAINNET_GENESIS
        from dexroute.cli.route_options import address_from
        from dexroute.errors import UsageError
        from dexroute.types.amounts import format_ui_amount, parse_ui_amount

        lamports = parse_ui_amount(amount, _LAMPORT_DECIMALS)
        async with session.dex() as dex:
            if dex.connection.genesis_hash == MAINNET_GENESIS:
                raise UsageError("mainnet-beta has no faucet; name a test cluster with -u (embedded, localhost, devnet, testnet)")
            receiver = address_from(address) if address else dex.signer.pubkey
            signature = await dex.faucet().airdrop(receiver, lamports)
        shape = {"address": str(receiver), "lamports": str(lamports), "signature": str(signature)}
        text = f"{format_ui_amount(lamports, _LAMPORT_DECIMALS)} SOL for {receiver}\nsignature {signature}"
        session.emit(shape, lambda console: console.print(text))
