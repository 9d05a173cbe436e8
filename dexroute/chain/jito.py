"""Jito's block engine as one more way to the leaders: the same bytes, by sendTransaction at `/api/v1/transactions`.

Source: https://docs.jito.wtf/lowlatencytxnsend/ (base64 encoding; preflight is always skipped there; 429 above the rate).
"""

from __future__ import annotations

import base64

from dexroute.chain.rpc.endpoint import JsonRpcEndpoint

PATH = "/api/v1/transactions"


class JitoRoute:
    """`dexroute.ports.TransactionRoute`. It can tell nothing about the chain, so it is never a witness and never the only route."""

    def __init__(self, block_engine_url: str, *, timeout_ms: int, rate_per_s: int = 0) -> None:
        base = block_engine_url.rstrip("/")
        url = base if base.endswith(PATH) else base + PATH
        self._endpoint = JsonRpcEndpoint(url, transport=None, timeout_ms=timeout_ms, rate_per_s=rate_per_s, in_batches=False)

    def __repr__(self) -> str:
        return f"JitoRoute({self._endpoint.name})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._endpoint.aclose()

    @property
    def endpoint(self) -> str:
        """The URL without credentials."""
        return self._endpoint.name

    async def call(self, method: str) -> None:
        """Ask once, for whether anybody answers. Raises NetworkError."""
        await self._endpoint.call(method, [])

    async def send(self, wire: bytes) -> None:
        """Hand the bytes over. Neither returning nor raising says anything about landing. Raises NetworkError."""
        await self._endpoint.call("sendTransaction", [base64.b64encode(wire).decode(), {"encoding": "base64"}])
