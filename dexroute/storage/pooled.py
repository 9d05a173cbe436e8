"""Grouped steps on PostgreSQL: a transaction's begin and commit, its fsync and the way to a connection, once for many orders.

Only for steps that wait for no row but their own order's. A transaction that holds what one order wants while another of its steps
waits could stand in a ring with one of another process; a step that may wait takes a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from dexroute.storage.failures import is_outage
from dexroute.storage.groups import Outcome, Step, StepGroups

_LANES: Final = 4
"""The server commits several transactions with one fsync, and works on one while we prepare the next."""


class PooledGroups(StepGroups):
    """Runs each group on a connection of the pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(lanes=_LANES)
        self._engine = engine

    async def _transact(self, steps: Sequence[tuple[Step, bool]]) -> Sequence[Outcome]:
        """All in one transaction; where a step fails, each in one of its own. Where the server went away, or the commit failed, all
        have failed: what became of them is unknown, and to try again is for who reads first."""
        answers: list[Any] | None = None
        try:
            async with self._engine.begin() as connection:
                answers = await connection.run_sync(_run, steps)
        except Exception as error:
            if answers is not None or len(steps) == 1 or is_outage(error):
                return [(None, error)] * len(steps)
            return [outcome for step in steps for outcome in await self._transact([step])]
        return [(answer, None) for answer in answers]


def _run(connection: Connection, steps: Sequence[tuple[Step, bool]]) -> list[Any]:
    return [step(connection) for step, _ in steps]
