"""JSON-RPC over HTTP and WebSocket as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from dexroute.localnet.cluster import EmbeddedCluster
from dexroute.localnet.rpc.pubsub import PubSub

MAX_BODY_BYTES: Final = 50 * 1024  # agave rpc_service.rs: MAX_REQUEST_BODY_SIZE
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")
# Browsers may ask, as they may ask solana-test-validator: there is only test money here.
_CORS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RpcApp:
    """POST / is JSON-RPC, GET /health says ok, a WebSocket is JSON-RPC with subscriptions."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self._cluster = cluster

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS":
            return await _respond(send, 204, b"")
        if method == "GET" and path == "/health":
            return await _respond(send, 200, b"ok", (b"content-type", b"text/plain"))
        if method != "POST":
            return await _respond(send, 405, b"Used HTTP Method is not allowed. POST or OPTIONS is required\n")
        body = await _body(receive)
        if body is None:
            return await _respond(send, 413, f"Request body exceeds {MAX_BODY_BYTES} bytes\n".encode())
        return await _respond(send, 200, self._cluster.dispatcher.answer(body) or b"", _JSON)

    async def _websocket(self, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        bank, clock = self._cluster.bank, self._cluster.bank.clock
        pubsub = PubSub(self._cluster.dispatcher.node)
        wake, turn = asyncio.Event(), asyncio.Lock()

        async def tell() -> None:
            while True:
                timeout = None if pubsub.is_idle else clock.ms_until_next_slot() / 1000
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await wake.wait()
                wake.clear()
                async with turn:
                    for message in pubsub.due():
                        await send({"type": "websocket.send", "text": message})

        unwatch = bank.watch(wake.set)
        teller = asyncio.create_task(tell())
        try:
            while (message := await receive())["type"] == "websocket.receive":
                body = message.get("text") or message.get("bytes") or b""
                # One turn for answer and sending, so that no notification overtakes the subscription's id.
                async with turn:
                    answer = self._cluster.dispatcher.answer(body, pubsub.methods)
                    if answer is not None:
                        await send({"type": "websocket.send", "text": answer.decode()})
                wake.set()
        finally:
            unwatch()
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, RuntimeError):
                await teller


async def _body(receive: Receive) -> bytes | None:
    """The request body; None when it is too long."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    sent = [*headers, *_CORS] if status == 204 else [*headers, *_CORS, length]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
