"""Does a node's WebSocket tell slots? For `dex doctor`."""

from __future__ import annotations

import asyncio
from typing import Final

from dexroute.chain.stream.socket import open_socket
from dexroute.config import redact_url
from dexroute.errors import RpcUnreachable
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.types.chain import Commitment

_PATIENCE_S: Final = 5.0


async def first_slot_told(url: str, commitment: Commitment) -> int:
    """The slot of the first notification of the clock sysvar. Raises NetworkError, ConfigError."""
    try:
        async with asyncio.timeout(_PATIENCE_S), open_socket(url, ping_s=_PATIENCE_S) as socket:
            await socket.send("accountSubscribe", [str(CLOCK_SYSVAR_ID), {"encoding": "base64", "commitment": commitment}])
            while True:
                message = await socket.receive()
                if message.has("error"):
                    raise socket.refusal("accountSubscribe", message.value["error"])
                if message.has("method"):
                    return message["params"]["result"]["context"]["slot"].uint()
    except TimeoutError:
        raise RpcUnreachable(f"the WebSocket of {redact_url(url)} told no slot within {_PATIENCE_S:g} s") from None
