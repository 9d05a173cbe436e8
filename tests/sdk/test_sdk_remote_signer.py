"""A wallet behind a remote signer that lives on the very event loop that asks it: nothing may block the loop."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

from dexroute import Dex, KeypairSigner
from tests.playground import WALLET


async def test_the_loop_goes_on_while_a_remote_signer_is_asked(market: Path, signer: KeypairSigner) -> None:
    asked: list[str] = []
    keypair = signer._keypair

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        lengths = [int(line.split(":")[1]) for line in head if line.lower().startswith("content-length")]
        body = json.loads(await reader.readexactly(lengths[0])) if lengths else {}
        asked.append(head[0].split(" ")[0])
        said = (
            {"signature": str(keypair.sign_message(base64.b64decode(body["message"])))} if body else {"pubkey": str(signer.pubkey)}
        )
        content = json.dumps(said).encode()
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        writer.close()

    (market / WALLET).unlink()
    server = await asyncio.start_unix_server(serve, market / "s")
    async with Dex(url="embedded", data_dir=market, keypair=f"remote:unix:{market / 's'}", rpc_timeout_ms=60_000) as dex:
        async with asyncio.timeout(50):
            quote = await dex.quote("SOL", "USDC", "1")
            receipt = await dex.swap(quote)
            assert (await dex.balances()).lamports > 0
    assert receipt.order.wallet == signer.pubkey and receipt.signature is not None
    assert asked == ["GET", "POST"], "asked once who it is, and once to sign"
    server.close()
