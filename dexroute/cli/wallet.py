"""`dex wallet new|import|export|address|balance` and `dex airdrop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command
from dexroute.cli.passphrase import choose_passphrase, type_passphrase
from dexroute.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console
    from solders.keypair import Keypair


Encrypt = Annotated[
    bool, typer.Option("--encrypt", help="Under a passphrase: typed, or from DEXROUTE_PASSPHRASE_FD or DEXROUTE_PASSPHRASE.")
]


def key_of(source: str) -> Keypair:
    """The key itself, from where it can be taken. Raises KeypairError."""
    from dexroute.chain.signers import EncryptedSigner, KeypairSigner, open_signer
    from dexroute.errors import KeypairError

    signer = open_signer(source, type_passphrase)
    signer = signer.unlock() if isinstance(signer, EncryptedSigner) else signer
    if not isinstance(signer, KeypairSigner):
        raise KeypairError(f"the key of {signer!r} cannot be taken from there")
    return signer.keypair()


def keep_key(where: str, keypair: Keypair, *, encrypt: bool, session: Session, advice: str) -> None:
    """Keep a key under a new name, and say where. Raises KeypairError."""
    from pathlib import Path

    from dexroute.chain.signers import EncryptedSigner, KeypairSigner
    from dexroute.chain.signers.locating import KEYCHAIN, REMOTE
    from dexroute.errors import KeypairError

    if where.startswith(REMOTE):
        raise KeypairError("a remote signer makes and keeps its own key")
    if where.startswith(KEYCHAIN):
        from dexroute.chain.signers.keychain import keep_in_keychain

        keep_in_keychain(where.removeprefix(KEYCHAIN), keypair)
    elif encrypt:
        EncryptedSigner.create(Path(where), keypair, choose_passphrase(where))
    else:
        KeypairSigner.keep(Path(where), keypair)
    shape = {"address": str(keypair.pubkey()), "keypair": where}
    session.emit(shape, lambda console: console.print(f"{keypair.pubkey()}\nkept in {where}: {advice}"))


def register(app: typer.Typer) -> None:
    wallet = typer.Typer(help="The keypair that pays and signs.", no_args_is_help=True)
    app.add_typer(wallet, name="wallet")

    @command(wallet, "new")
    async def new(session: Session, encrypt: Encrypt = False) -> None:
        """Create a key: a file only you can read (0600), or an entry of the keychain (-k keychain:NAME). Never replaces one."""
        from solders.keypair import Keypair

        where = session.settings().keypair
        keep_key(where, Keypair(), encrypt=encrypt, session=session, advice="back it up, nobody can restore it")

    @command(wallet, "import")
    async def import_(
        session: Session,
        source: Annotated[str, typer.Argument(metavar="SOURCE", help="A keypair file, plain or encrypted, or keychain:NAME.")],
        encrypt: Encrypt = False,
    ) -> None:
        """Keep a key you have under -k as well: in another file, encrypted, or in the keychain. Never replaces one."""
        keep_key(session.settings().keypair, key_of(source), encrypt=encrypt, session=session, advice=f"{source} was left as it is")

    @command(wallet, "export")
    async def export(
        session: Session, target: Annotated[str, typer.Argument(metavar="FILE", help="A new file; it will not be encrypted.")]
    ) -> None:
        """Write the key as the solana CLI does, to a new file only you can read. Whoever has that file has the money."""
        advice = "not encrypted: keep it where nobody else comes"
        keep_key(target, key_of(session.settings().keypair), encrypt=False, session=session, advice=advice)

    @command(wallet, "address")
    async def address(session: Session) -> None:
        """The wallet's address. An encrypted keypair tells it without its passphrase."""
        import asyncio

        from dexroute.chain.signers import open_signer

        signer = await asyncio.to_thread(open_signer, session.settings().keypair, type_passphrase)
        pubkey = str(signer.pubkey)
        session.emit({"address": pubkey}, lambda console: console.print(pubkey))

    @command(wallet, "balance")
    async def balance(
        session: Session,
        address: Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="Another wallet's.", show_default=False)] = None,
    ) -> None:
        """SOL and tokens of the wallet."""
        from dexroute.cli.route_options import address_from
        from dexroute.errors import DexError
        from dexroute.types.amounts import LAMPORT_DECIMALS, format_ui_amount

        async with session.dex() as dex:
            found = await dex.balances(address_from(address) if address else None)
            tokens: list[dict[str, Any]] = []
            named = {str(holding.mint) for holding in found.tokens if dex.tokens.symbol(holding.mint)}
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
        sol = format_ui_amount(found.lamports, LAMPORT_DECIMALS)
        shape = {"address": str(found.wallet), "lamports": str(found.lamports), "sol": sol, "tokens": tokens}

        def render(console: Console) -> None:
            from rich.table import Table

            console.print(str(found.wallet), style="dim")
            table = Table(box=None, show_header=False, padding=(0, 1), show_edge=False)
            table.add_column(justify="right", no_wrap=True)
            table.add_column(no_wrap=True)
            table.add_column(style="dim", overflow="fold")
            table.add_row(sol, "SOL", "")
            for entry in sorted(tokens, key=lambda entry: (entry["mint"] not in named, str(entry["symbol"]).lower())):
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
        from dexroute.types.amounts import LAMPORT_DECIMALS, parse_ui_amount, sol_text

        lamports = parse_ui_amount(amount, LAMPORT_DECIMALS)
        async with session.dex() as dex:
            if dex.connection.genesis_hash == MAINNET_GENESIS:
                raise UsageError("mainnet-beta has no faucet; name a test cluster with -u (embedded, localhost, devnet, testnet)")
            receiver = address_from(address) if address else (await dex.open_signer()).pubkey
            signature = await dex.faucet().airdrop(receiver, lamports)
        shape = {"address": str(receiver), "lamports": str(lamports), "signature": str(signature)}
        text = f"{sol_text(lamports)} for {receiver}\nsignature {signature}"
        session.emit(shape, lambda console: console.print(text))
