"""Recent priority fees as several nodes tell them. Only a suggestion: no node's word can move a bid above the caller's cap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import NetworkError
from dexroute.ports import TransactionSender

_LATE_S: Final = 0.3  # how long the first node that answers waits for the others


async def recent_fees(nodes: Sequence[TransactionSender], writable: Sequence[Pubkey]) -> tuple[tuple[int, ...], ...]:
    """What each node that answers in time saw paid on these accounts, micro-lamports per compute unit; nodes without samples are
    left out. Raises NetworkError, the first node's, when none answers."""
    asked = [asyncio.ensure_future(node.recent_priority_fees(writable)) for node in nodes]
    pending = set(asked)
    try:
        while pending and not any(_told(task) for task in asked):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if pending:
            await asyncio.wait(pending, timeout=_LATE_S)
        answered = [task for task in asked if task.done()]
        failures = [error for task in answered if (error := task.exception()) is not None]
        if bugs := [error for error in failures if not isinstance(error, NetworkError)]:
            raise bugs[0]
        if len(failures) == len(asked):
            raise failures[0]
        return tuple(samples for task in answered if task.exception() is None and (samples := task.result()))
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def _told(task: asyncio.Future[tuple[int, ...]]) -> bool:
    """Whether it brought samples: one that has none, or fails, keeps nobody from asking on."""
    return task.done() and not task.cancelled() and task.exception() is None and bool(task.result())
