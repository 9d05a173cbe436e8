"""Steps of many callers gathered into transactions: what comes while one commits becomes the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

Answer = TypeVar("Answer")
Step = Callable[[Connection], Any]
"""One caller's statements. It may run more than once (what it did before was rolled back), so it acts on the database alone."""

Outcome = tuple[Any, BaseException | None]

_MOST_AT_ONCE: Final = 256


class StepGroups:
    """Runs steps in the order they come, up to `lanes` groups of them at a time. Each caller hears of its own step only when it is
    durable, and one that fails takes no neighbour with it."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._waiting: deque[tuple[Step, bool, asyncio.Future[Any]]] = deque()
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self, step: Callable[[Connection], Answer], *, signs: bool = False) -> Answer:
        """What `step` returns, durable; or what it raises, with nothing of it kept. `signs`: it commits a signature."""
        heard: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, signs, heard))
        if len(self._at_work) < self._lanes:
            self._at_work.add(asyncio.create_task(self._drain()))
        return await heard

    async def close(self) -> None:
        """After the steps under way."""
        while self._at_work:
            await asyncio.wait(self._at_work)

    async def _transact(self, steps: Sequence[tuple[Step, bool]]) -> Sequence[Outcome]:
        """What became of each step (and whether it signs), durable."""
        raise NotImplementedError

    async def _drain(self) -> None:
        while self._waiting:
            await self._run_waiting()
        self._at_work.remove(asyncio.current_task())  # type: ignore[arg-type]  # at once: what comes next must find a lane free

    async def _run_waiting(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
        try:
            outcomes = await self._transact([(step, signs) for step, signs, _ in taken])
        except BaseException as error:
            outcomes = [(None, error)] * len(taken)
        for (_, _, heard), (answer, failure) in zip(taken, outcomes, strict=True):
            if heard.done():  # its caller was cancelled meanwhile; what was written is written
                continue
            if failure is None:
                heard.set_result(answer)
            else:
                heard.set_exception(failure)
