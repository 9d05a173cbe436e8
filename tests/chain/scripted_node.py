"""A JSON-RPC server over real HTTP that answers as it is told, rightly or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dexroute.chain.rpc import RpcClient


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP answer. `behaviour` is "answer", "hang" (nothing is sent), "drip" (a byte at a time, for ever) or "drop"."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: str = "answer"


class ScriptedNode:
    """Plays `replies` in order, the last one again and again. `questions` are the JSON bodies it received, `requests` the heads."""

    def __init__(self) -> None:
        self.replies: list[Reply | Callable[[Any], Reply]] = []
        self.questions: list[Any] = []
        self.heads: list[str] = []
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, result: Any) -> None:
        """Next: a well-formed answer with this result."""
        self.replies.append(lambda question: _json({"jsonrpc": "2.0", "id": question["id"], "result": result}))

    def refuses(self, code: Any, message: str = "no", *, status: int = 200) -> None:
        """Next: a JSON-RPC error."""
        error = {"code": code, "message": message}
        self.replies.append(lambda question: _json({"jsonrpc": "2.0", "id": question["id"], "error": error}, status=status))

    def says(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Next: these very bytes."""
        self.replies.append(
            Reply(body=body, status=status, headers={key.replace("_", "-"): value for key, value in headers.items()})
        )

    def behaves(self, behaviour: str) -> None:
        self.replies.append(Reply(behaviour=behaviour))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._one(reader, writer)
        self._open.discard(task)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
        question = json.loads(await reader.readexactly(length))
        self.heads.append(head)
        self.questions.append(question)
        scripted = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        reply = scripted if isinstance(scripted, Reply) else scripted(question)
        if reply.behaviour == "drop":
            raise ConnectionResetError
        if reply.behaviour == "hang":
            await asyncio.Event().wait()
        if reply.behaviour == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body)}\r\n{extra}\r\n".encode() + reply.body)
        await writer.drain()

    def hang_up(self) -> None:
        for task in self._open:
            task.cancel()


def _json(value: Any, *, status: int = 200) -> Reply:
    return Reply(body=json.dumps(value).encode(), status=status, headers={"Content-Type": "application/json"})


class Waits(list[float]):
    """The seconds a client would have slept; it does not sleep."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


ClientFactory = Callable[..., RpcClient]
