"""What goes over the wire between `Dex` and a cluster."""

from __future__ import annotations

import json
from collections import Counter

import httpx


class Wire(httpx.AsyncBaseTransport):
    """Passes JSON-RPC through to the real cluster, counts methods, and answers -32601 for those in `unsupported`."""

    def __init__(self, cluster: httpx.AsyncBaseTransport) -> None:
        self._cluster = cluster
        self.calls: Counter[str] = Counter()
        self.unsupported: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(await request.aread())
        self.calls[question["method"]] += 1
        if question["method"] in self.unsupported:
            error = {"code": -32601, "message": "Method not found"}
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": question["id"], "error": error}, request=request)
        return await self._cluster.handle_async_request(request)
