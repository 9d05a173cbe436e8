"""`dex localnet`: the embedded cluster served to anyone on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.cli.command import command
from dexroute.cli.session import Session
from dexroute.errors import UsageError

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.config import Settings
    from dexroute.localnet import EmbeddedCluster

# Options that take two values, as solana-test-validator's do. Typer has no repeatable pairs, so `joined_pairs` makes them one.
_TWO_VALUES = frozenset({"--bpf-program", "--account"})
_JOINED = "="


def joined_pairs(arguments: Sequence[str]) -> list[str]:
    """The command line with `--bpf-program ADDRESS PATH` written as `--bpf-program ADDRESS=PATH`. Addresses hold no `=`."""
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument in _TWO_VALUES:
            values = [value for value in (next(rest, None), next(rest, None)) if value is not None]
            joined += [_JOINED.join(values)] if values else []
    return joined


def _pair(text: str, flag: str) -> tuple[str, Path]:
    address, _, path = text.partition(_JOINED)
    if not path:
        raise UsageError(f"{flag} takes two values, an address and a file: {flag} ADDRESS FILE", option=flag)
    return address, Path(path)


def register(app: typer.Typer) -> None:
    @command(app, "localnet")
    async def localnet(
        session: Session,
        bpf_program: Annotated[
            list[str] | None,
            typer.Option("--bpf-program", metavar="ADDRESS PATH", help="Load a program (.so) at genesis."),
        ] = None,
        account: Annotated[
            list[str] | None,
            typer.Option("--account", metavar="ADDRESS FILE", help="Load an account file of `solana account --output json`."),
        ] = None,
        account_dir: Annotated[
            list[Path] | None, typer.Option("--account-dir", metavar="DIR", help="Load every account file of a folder.")
        ] = None,
        clone: Annotated[
            list[str] | None, typer.Option("--clone", metavar="ADDRESS", help="Copy an account from the cluster of --url.")
        ] = None,
        mint: Annotated[str | None, typer.Option("--mint", metavar="ADDRESS", help="Receives 500 million SOL at genesis.")] = None,
        faucet_sol: Annotated[int, typer.Option("--faucet-sol", help="What the faucet holds at genesis.")] = 1_000_000,
        ticks_per_slot: Annotated[int, typer.Option("--ticks-per-slot", help="64 make 400 ms, 8 make 50 ms.")] = 64,
        slots_per_epoch: Annotated[int, typer.Option("--slots-per-epoch", help="Slots in an epoch.")] = 432_000,
        warp_slot: Annotated[int | None, typer.Option("--warp-slot", metavar="SLOT", help="Go on from this slot.")] = None,
        ledger: Annotated[
            Path | None,
            typer.Option(
                "--ledger", "-l", metavar="DIR", help="Where the cluster is kept (default: embedded/ in the data directory)."
            ),
        ] = None,
        reset: Annotated[bool, typer.Option("--reset", "-r", help="Forget the cluster that is there.")] = False,
        bind_address: Annotated[str, typer.Option("--bind-address", help="Interface to listen on.")] = "127.0.0.1",
        rpc_port: Annotated[
            int, typer.Option("--rpc-port", min=0, max=65_534, help="JSON-RPC; WebSocket is one above. 0: any free.")
        ] = 8899,
    ) -> None:
        """Serve the embedded cluster over HTTP and WebSocket, with solana-test-validator's flags. Ctrl-C ends it; state stays."""
        import asyncio

        from dexroute.cli.route_options import address_from
        from dexroute.localnet import ClusterOptions, EmbeddedCluster, ServedAt, serve
        from dexroute.sdk.connection import EMBEDDED_DIRECTORY

        settings = session.settings()
        directory = ledger or settings.data_dir / EMBEDDED_DIRECTORY
        options = ClusterOptions(
            bpf_programs=tuple(
                (address_from(address), path) for address, path in (_pair(text, "--bpf-program") for text in bpf_program or ())
            ),
            accounts=tuple(
                (None if address == "-" else address_from(address), path)
                for address, path in (_pair(text, "--account") for text in account or ())
            ),
            account_dirs=tuple(account_dir or ()),
            mint=address_from(mint) if mint else None,
            faucet_sol=faucet_sol,
            ticks_per_slot=ticks_per_slot,
            slots_per_epoch=slots_per_epoch,
            warp_slot=warp_slot,
            reset=reset,
        )
        to_clone = [address_from(address) for address in clone or ()]
        async with EmbeddedCluster.open(directory, options=options) as cluster:
            for flag in cluster.ignored:
                session.note(f"note: {flag} has no effect on the cluster already in {directory}; add --reset to make a new one")
            if to_clone and cluster.is_new:
                await _clone(settings, cluster, to_clone)
            elif to_clone:
                # Cloned accounts were traded on since; copying them again would undo that.
                session.note(f"note: --clone has no effect on the cluster already in {directory}; add --reset to make a new one")

            def announce(served: ServedAt) -> None:
                shape: dict[str, Any] = {
                    "rpc_url": served.rpc_url,
                    "ws_url": served.ws_url,
                    "ledger": str(directory),
                    "genesis_hash": str(cluster.genesis.hash),
                }
                session.emit(
                    shape,
                    lambda console: console.print(
                        f"JSON-RPC   {served.rpc_url}\nWebSocket  {served.ws_url}\nkept in    {directory}\n\n"
                        f"use it: dex quote 1 SOL USDC -u {served.rpc_url}\nCtrl-C ends it; everything is on disk already."
                    ),
                )

            try:
                await serve(cluster, host=bind_address, rpc_port=rpc_port, on_ready=announce)
            except asyncio.CancelledError:
                session.note("stopped")  # being told to stop is how serving ends well


async def _clone(settings: Settings, cluster: EmbeddedCluster, addresses: list[Pubkey]) -> None:
    """Copy accounts from the cluster named with --url. Raises UsageError when that is this embedded one."""
    from dexroute.localnet.cloning import clone
    from dexroute.sdk.connection import connect

    if settings.is_embedded:
        raise UsageError("--clone copies from another cluster: name it with --url (mainnet-beta, devnet, or its URL)")
    async with connect(settings) as source:
        await clone(cluster, source.client, addresses)
