"""The cluster as an httpx transport: RPC client code cannot tell it from a node."""

from __future__ import annotations

import httpx

from dexroute.localnet.rpc.dispatch import Dispatcher


class EmbeddedTransport(httpx.AsyncBaseTransport):
    """Answers every POST in process, whatever host the URL names."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return httpx.Response(405, text="Used HTTP Method is not allowed. POST or OPTIONS is required\n", request=request)
        answer = self._dispatcher.answer(await request.aread())
        headers = {"content-type": "application/json; charset=utf-8"}
        return httpx.Response(200, content=answer or b"", headers=headers, request=request)
