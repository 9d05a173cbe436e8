"""A process that holds a data directory. `python holder.py DIR` opens it, says so, and ends when its input does.
`python holder.py DIR RECEIVER` pays the receiver 1,000,000 lamports again and again, printing each signature once acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

from solders.pubkey import Pubkey

from dexroute.localnet import EmbeddedCluster
from dexroute.localnet.faucet import airdrop
from dexroute.localnet.record import TransactionRecord


def main(directory: str, receiver: str | None = None) -> None:
    cluster = EmbeddedCluster.open(Path(directory))
    print("open", flush=True)
    if receiver is None:
        sys.stdin.read()
        cluster.close()
        return
    while True:
        outcome = airdrop(cluster.bank, cluster.genesis.faucet, Pubkey.from_string(receiver), 1_000_000)
        assert isinstance(outcome, TransactionRecord)
        print(outcome.signature, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
