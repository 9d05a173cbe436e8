"""What the examples share: a market inside this process, so that each of them runs offline and costs nothing.

Against a real cluster an example would open `Dex(url="mainnet-beta", keypair="...")` instead, a bot that keeps quoting one with
`stream=True`, whose quotes cost no round trip; everything after that line is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dexroute import Dex, KeypairSigner, make_playground


@asynccontextmanager
async def playground() -> AsyncIterator[Dex]:
    """A `Dex` on a fresh embedded cluster with tokens (USDC, BONK, ...) and pools, and a wallet that holds all of them."""
    with tempfile.TemporaryDirectory(prefix="dexroute-example-") as directory:
        signer = KeypairSigner.create(Path(directory) / "wallet.json")
        async with Dex(url="embedded", data_dir=directory, signer=signer) as dex:
            await make_playground(dex, signer)
            yield dex
