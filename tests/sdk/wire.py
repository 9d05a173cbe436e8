"""What goes over the wire between `Dex` and a cluster."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx


class Wire(httpx.AsyncBaseTransport):
    """Passes JSON-RPC through to the real cluster, counts methods, and answers -32601 for those in `unsupported`. `asked` are all
    questions with their parameters. A method that is frozen gives its next value for ever, at a
    slot that goes on."""

    def __init__(self, cluster: httpx.AsyncBaseTransport) -> None:
        self._cluster = cluster
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, Any]] = []
        self.unsupported: set[str] = set()
        self._frozen: dict[str, Any] = {}

    def freeze(self, method: str) -> None:
        self._frozen[method] = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(await request.aread())
        self.calls[question["method"]] += 1
        self.asked.append((question["method"], question["params"]))
        if question["method"] in self.unsupported:
            error = {"code": -32601, "message": "Method not found"}
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": question["id"], "error": error}, request=request)
        answer = await self._cluster.handle_async_request(request)
        if question["method"] not in self._frozen:
            return answer
        told = json.loads(await answer.aread())
        told["result"]["value"] = self._frozen[question["method"]] = self._frozen[question["method"]] or told["result"]["value"]
        return httpx.Response(200, json=told, request=request)
