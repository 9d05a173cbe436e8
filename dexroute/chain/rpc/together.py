"""Questions about signatures that come while one is on its way are asked together when it is answered: many orders at work cost a
node one question for all of them, and none waits longer than for the question before."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from solders.signature import Signature

from dexroute.types.chain import SignatureStatus

Statuses = tuple[int, tuple[SignatureStatus | None, ...]]


class StatusQuestions:
    """`ask(signatures, search_history)` puts one question of at most `most` signatures. What it answers or raises is everybody's
    whose question was in it; each is put after it was asked here, never before."""

    def __init__(self, ask: Callable[[Sequence[Signature], bool], Awaitable[Statuses]], most: int) -> None:
        self._most = most
        self._lanes = {search: _Lane(ask, search, most) for search in (False, True)}

    async def answer(self, signatures: Sequence[Signature], *, search_history: bool) -> Statuses:
        """(context slot, a status or None for each of 1 to `most` signatures). Raises what `ask` raises."""
        if not 1 <= len(signatures) <= self._most:
            raise ValueError(f"signature_statuses takes 1 to {self._most} signatures, not {len(signatures)}")
        return await self._lanes[search_history].answer(signatures)

    async def aclose(self) -> None:
        """Drop what is on its way."""
        for lane in self._lanes.values():
            await lane.aclose()


class _Lane:
    def __init__(self, ask: Callable[[Sequence[Signature], bool], Awaitable[Statuses]], search_history: bool, most: int) -> None:
        self._ask = ask
        self._search_history = search_history
        self._most = most
        self._waiting: deque[tuple[Sequence[Signature], asyncio.Future[Statuses]]] = deque()
        self._work: asyncio.Task[None] | None = None

    async def answer(self, signatures: Sequence[Signature]) -> Statuses:
        heard: asyncio.Future[Statuses] = asyncio.get_running_loop().create_future()
        self._waiting.append((signatures, heard))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        return await heard

    async def aclose(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _drain(self) -> None:
        taken: list[tuple[Sequence[Signature], asyncio.Future[Statuses]]] = []
        try:
            while taken := self._next():
                wanted = list(dict.fromkeys(signature for signatures, _ in taken for signature in signatures))
                try:
                    slot, found = await self._ask(wanted, self._search_history)
                except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:  # whatever it is, it is theirs who asked
                    for heard in (heard for _, heard in taken if not heard.done()):
                        heard.set_exception(error)
                else:
                    known = dict(zip(wanted, found, strict=True))
                    for signatures, heard in taken:
                        if not heard.done():
                            heard.set_result((slot, tuple(known[signature] for signature in signatures)))
        finally:
            for _, heard in (*taken, *self._waiting):  # cancelled: nobody will answer
                heard.cancel()

    def _next(self) -> list[tuple[Sequence[Signature], asyncio.Future[Statuses]]]:
        """As many waiting questions as one may hold, without those nobody waits for any more."""
        taken: list[tuple[Sequence[Signature], asyncio.Future[Statuses]]] = []
        room = self._most
        while self._waiting and len(self._waiting[0][0]) <= room:
            one = self._waiting.popleft()
            if not one[1].done():
                room -= len(one[0])
                taken.append(one)
        return taken
