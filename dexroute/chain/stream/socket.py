"""One WebSocket connection to a node's pubsub: bounded in size and time, every failure a typed error, no credentials shown."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from dexroute.chain.rpc.failures import from_http_status, from_json_rpc
from dexroute.chain.rpc.fields import Field
from dexroute.chain.secrets import UrlSecrets
from dexroute.config import is_loopback, redact_url
from dexroute.errors import ConfigError, NetworkError, RpcError, RpcUnreachable

# The largest account is 10 MiB, in base64 a third more.
LARGEST_MESSAGE: Final = 16 * 2**20
_MOST_QUEUED: Final = 256  # frames; beyond, TCP makes the node wait
_OPEN_S: Final = 10.0
_CLOSE_S: Final = 1.0

# websockets logs requests with their whole path at DEBUG, and API keys live there.
_LOG: Final = logging.getLogger("dexroute.websocket")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
_LOG.setLevel(logging.CRITICAL)


class PubSubSocket:
    """An open connection. `send` asks, `receive` gives what comes: answers by id, notifications by subscription."""

    def __init__(self, connection: ClientConnection, name: str, secrets: UrlSecrets) -> None:
        self._connection = connection
        self._secrets = secrets
        self._ids = itertools.count(1)
        self.name = name

    async def send(self, method: str, params: list[Any]) -> int:
        """Ask; returns the id the answer will carry. Raises RpcUnreachable."""
        call_id = next(self._ids)
        body = json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}, separators=(",", ":"))
        try:
            await self._connection.send(body)
        except ConnectionClosed as closed:
            raise self._ended(closed) from None
        return call_id

    async def receive(self) -> Field:
        """The next message, a JSON object. Raises RpcUnreachable when the connection ended, RpcError for what is no message."""
        try:
            text = await self._connection.recv()
        except ConnectionClosed as closed:
            raise self._ended(closed) from None
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise RpcError(
                f"{self.name} sends what is no JSON-RPC; is this a node's WebSocket?", endpoint=self.name, malformed=True
            )
        return Field("pubsub", "message", message)

    def refusal(self, method: str, failure: Any) -> NetworkError:
        """The error for an answer that is one."""
        known = failure if isinstance(failure, dict) else {}
        code = known.get("code")
        message = self._secrets.scrub(str(known.get("message") or failure))
        return from_json_rpc(method, self.name, code if type(code) is int else None, message)

    def _ended(self, closed: ConnectionClosed) -> RpcUnreachable:
        reason = self._secrets.scrub(str(closed)) or "no reason given"
        return RpcUnreachable(f"the WebSocket to {self.name} ended: {reason}", endpoint=self.name, reason=reason)


@asynccontextmanager
async def open_socket(url: str, *, ping_s: float) -> AsyncIterator[PubSubSocket]:
    """A connection to `url` (ws or wss), open while the block lasts. A peer that does not answer a ping within `ping_s` is dead.

    Raises ConfigError for a URL that is none; RpcUnreachable, RateLimited, RpcError when the node does not let us in.
    """
    name, secrets = redact_url(url), UrlSecrets(url)
    opening = connect(
        url,
        open_timeout=_OPEN_S,
        close_timeout=_CLOSE_S,
        ping_interval=ping_s,
        ping_timeout=ping_s,
        max_size=LARGEST_MESSAGE,
        max_queue=_MOST_QUEUED,
        logger=_LOG,
        proxy=None if is_loopback(url) else True,
    )
    # `from None`: the cause may hold the URL.
    try:
        connection = await opening
    except InvalidURI:
        raise ConfigError(f"WebSocket {name}: not a valid ws or wss URL") from None
    except InvalidStatus as refused:
        raise from_http_status("WebSocket", name, refused.response.status_code, retry_after_ms=None) from None
    except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
        reason = secrets.scrub(str(error)) or type(error).__name__
        raise RpcUnreachable(f"cannot open a WebSocket to {name}: {reason}", endpoint=name, reason=reason) from None
    try:
        yield PubSubSocket(connection, name, secrets)
    finally:
        await connection.close()
