"""One read for many who ask at once: nobody hears what was read before he asked."""

from __future__ import annotations

import asyncio

import pytest

from dexroute.storage.shared import SharedRead


class Source:
    """Answers with what it holds when it is asked, once it is let."""

    def __init__(self) -> None:
        self.value = self.asked = 0
        self.gate = asyncio.Semaphore(0)
        self.fails = False

    async def read(self) -> int:
        self.asked += 1
        value, fails = self.value, self.fails
        await self.gate.acquire()
        if fails:
            raise OSError("away")
        return value


async def started(shared: SharedRead[int], count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(shared.answer()) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_who_comes_while_one_reads_hears_the_next_read() -> None:
    source = Source()
    shared = SharedRead(source.read)
    first = await started(shared, 5)
    source.value = 1
    second = await started(shared, 5)
    assert source.asked == 1
    source.gate.release()
    assert await asyncio.gather(*first) == [0] * 5
    await asyncio.sleep(0.01)
    source.value = 2
    third = await started(shared, 1)
    source.gate.release()
    assert await asyncio.gather(*second) == [1] * 5
    source.gate.release()
    assert await asyncio.gather(*third) == [2] and source.asked == 3


async def test_a_failure_is_theirs_who_asked_and_the_next_read_is_a_new_one() -> None:
    source = Source()
    shared = SharedRead(source.read)
    source.fails = True
    failing = await started(shared, 3)
    source.fails = False
    well = await started(shared, 3)
    source.gate.release()
    source.gate.release()
    for task in failing:
        with pytest.raises(OSError):
            await task
    assert await asyncio.gather(*well) == [0] * 3 and source.asked == 2


async def test_who_stops_waiting_takes_nobody_with_him() -> None:
    source = Source()
    shared = SharedRead(source.read)
    gone, stays = await started(shared, 2)
    gone.cancel()
    source.gate.release()
    assert await stays == 0
