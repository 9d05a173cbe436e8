"""Questions put to a server, alone or, where orders at work put many at the same moment, as one JSON-RPC batch.

An HTTP request costs us more than everything else in a question, and a commit that many orders share wakes all of them in one turn
of the event loop: what they ask for in it goes together, and nobody waits for anybody. Not every server takes batches: what it does
not answer by a list, or answers with an error, is asked for alone, and a server that takes no batches gets none for a while.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import httpx

from dexroute.chain.rpc.failures import RATE_LIMIT_CODES, REFUSED_ACCESS

BATCHED: Final = frozenset({"getLatestBlockhash", "getTransaction", "sendTransaction"})
"""What every order asks for. Each method has batches of its own, so that no truth waits for a send."""

MOST_TOGETHER: Final = 32
LARGEST_BATCH: Final = 40_000  # bytes; a node takes 50 KiB (agave, rpc_service.rs: MAX_REQUEST_BODY_SIZE)
ALONE_S: Final = 600.0
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for the question `call_id`: the HTTP status and headers, `size` bytes, the JSON object in them (None: there is
    none)."""

    call_id: int
    status: int
    headers: httpx.Headers
    size: int
    answer: dict[str, Any] | None


Post = Callable[[bytes], Awaitable[tuple[httpx.Response, bytes]]]
Turn = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class _Question:
    """`text` is all of it but its id. Equal ones are one, with all who `heard` of the answer."""

    call_id: int
    text: str
    heard: list[asyncio.Future[Reply | None]] = field(default_factory=list)

    @property
    def body(self) -> str:
        return f'{{"jsonrpc":"2.0","id":{self.call_id},{self.text}}}'


class Questions:
    """`post` makes one HTTP request and raises what becomes of it; `turn` is awaited before a question is put a second time."""

    def __init__(self, post: Post, turn: Turn, *, in_batches: bool) -> None:
        self._post = post
        self._turn = turn
        self._in_batches = in_batches
        self._ids = itertools.count(1)
        self._gathered: dict[str, dict[str, _Question]] = {}
        self._alone_until_s = 0.0
        self._open: set[asyncio.Task[None]] = set()

    async def ask(self, method: str, params: list[Any]) -> Reply:
        """Raises what `post` raises."""
        text = f'"method":{_ENCODER.encode(method)},"params":{_ENCODER.encode(params)}'
        if not self._in_batches or method not in BATCHED or monotonic() < self._alone_until_s:
            return await self._alone(_Question(next(self._ids), text))
        heard: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._set_off)
        gathered = self._gathered.setdefault(method, {})
        if text not in gathered:
            gathered[text] = _Question(next(self._ids), text)
        gathered[text].heard.append(heard)
        if (reply := await heard) is not None:
            return reply
        await self._turn(method)
        reply = await self._alone(_Question(next(self._ids), text))
        if reply.status == 200 and reply.answer is not None and "error" not in reply.answer:
            self._leave_alone()  # so it was the batch that it did not like
        return reply

    def _set_off(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for questions in gathered.values():
            for some in _in_portions(list(questions.values())):
                task = asyncio.create_task(self._put(some))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    async def _put(self, questions: Sequence[_Question]) -> None:
        replies: list[Reply | None]
        try:
            replies = [await self._alone(questions[0])] if len(questions) == 1 else await self._together(questions)
        except BaseException as error:
            if len(questions) > 1:
                self._leave_alone()  # it may hang or hang up at batches alone
            for heard in (heard for question in questions for heard in question.heard if not heard.done()):
                heard.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for question, reply in zip(questions, replies, strict=True):
            for heard in question.heard:
                if not heard.done():  # its caller stopped waiting
                    heard.set_result(reply)

    async def _alone(self, question: _Question) -> Reply:
        response, content = await self._post(question.body.encode())
        return _reply(question, response, len(content), _json(content))

    async def _together(self, questions: Sequence[_Question]) -> list[Reply | None]:
        """A reply for each, None for one that is to be put again, alone."""
        response, content = await self._post(f"[{','.join(question.body for question in questions)}]".encode())
        told = _json(content)
        if response.status_code in (429, *REFUSED_ACCESS):
            self._leave_alone()
            return [_reply(question, response, len(content), told) for question in questions]
        by_id = {str(one.get("id")): one for one in told if isinstance(one, dict)} if isinstance(told, list) else {}
        found = [by_id.get(str(question.call_id)) for question in questions]
        return [
            None if answer is None or _may_be_of_the_batch(answer) else _reply(question, response, len(content), answer)
            for question, answer in zip(questions, found, strict=True)
        ]

    def _leave_alone(self) -> None:
        self._alone_until_s = monotonic() + ALONE_S


def _in_portions(questions: Sequence[_Question]) -> list[list[_Question]]:
    """As few batches as they fit in, without those nobody waits for any more."""
    portions: list[list[_Question]] = []
    room = 0
    for question in questions:
        if all(heard.done() for heard in question.heard):
            continue
        size = len(question.body) + 1
        if not portions or len(portions[-1]) == MOST_TOGETHER or size > room:
            portions.append([])
            room = LARGEST_BATCH
        portions[-1].append(question)
        room -= size
    return portions


def _may_be_of_the_batch(answer: dict[str, Any]) -> bool:
    """Any error but a limit of the rate, after which nobody should ask at once."""
    failure = answer.get("error")
    return failure is not None and not (isinstance(failure, dict) and failure.get("code") in RATE_LIMIT_CODES)


def _reply(question: _Question, response: httpx.Response, size: int, told: Any) -> Reply:
    return Reply(
        call_id=question.call_id,
        status=response.status_code,
        headers=response.headers,
        size=size,
        answer=told if isinstance(told, dict) else None,
    )


def _json(content: bytes) -> Any:
    """None for what is not JSON."""
    try:
        return _DECODER.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
