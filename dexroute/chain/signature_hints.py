"""A node's WebSocket tells when a signature is confirmed, so that it is looked for at once and not at the next poll.

Nothing is believed that comes this way: it is a reason to ask, never an answer. Dead, silent or lying, it costs nothing but the
time until the poll that would have come anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from dexroute.chain.rpc.health import monotonic_ms
from dexroute.config import redact_url
from dexroute.errors import DexError
from dexroute.types.chain import Commitment

_MOST_SOCKETS: Final = 8  # at once; further attempts are only polled for
_PING_S: Final = 10.0
_FIRST_PAUSE_MS: Final = 5_000
_LONGEST_PAUSE_MS: Final = 600_000


class SignatureHints:
    """`dexroute.ports.LandingHints` over `url` (ws or wss): one connection for each signature that is watched, which may tell once.
    After a failure none is opened for a while, the longer the more often it fails."""

    def __init__(self, url: str, *, now_ms: Callable[[], int] = monotonic_ms) -> None:
        self._url = url
        self._now_ms = now_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause_ms = 0
        self._paused_until_ms = 0

    def __repr__(self) -> str:
        return f"SignatureHints({redact_url(self._url)})"

    async def aclose(self) -> None:
        """Close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def watch(self, signature: str) -> Iterator[asyncio.Event]:
        """An event that is set once the node claims that `signature` is confirmed, or never. Raises nothing."""
        told = asyncio.Event()
        if len(self._tasks) >= _MOST_SOCKETS or self._now_ms() < self._paused_until_ms:
            yield told
            return
        task = asyncio.create_task(self._listen(signature, told), name="signature hint")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            yield told
        finally:
            task.cancel()

    async def _listen(self, signature: str, told: asyncio.Event) -> None:
        from dexroute.chain.stream.socket import open_socket

        try:
            async with open_socket(self._url, ping_s=_PING_S) as socket:
                await socket.send("signatureSubscribe", [signature, {"commitment": Commitment.CONFIRMED}])
                while not told.is_set():
                    message = await socket.receive()
                    if message.has("error"):
                        raise socket.refusal("signatureSubscribe", message.value["error"])
                    if message.value.get("method") == "signatureNotification":
                        told.set()
                self._pause_ms = 0
        except DexError:
            self._pause_ms = min(max(2 * self._pause_ms, _FIRST_PAUSE_MS), _LONGEST_PAUSE_MS)
            self._paused_until_ms = self._now_ms() + self._pause_ms
