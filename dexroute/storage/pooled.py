"""Grouped steps on PostgreSQL: the ways to the server, a transaction's begin and commit and its fsync, once for many orders.

A transaction holds the rows of its orders, which nobody waits for who holds what it wants: a wallet's promises come last, and all
wallets' in one order. A step that may wait for anything else takes a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from dexroute.storage.advances import Advance, Together
from dexroute.storage.database import SINGLE
from dexroute.storage.failures import is_outage
from dexroute.storage.groups import Outcome, Step, StepGroups

_LANES: Final = 2
"""The server works on one group while we prepare the next; more would make each smaller, and a way to the server costs us more than
a step's own rows."""


class PooledGroups(StepGroups):
    """Runs each group of `Advance` on a connection of the pool. One `lane` where groups would only wait for each other."""

    def __init__(self, engine: AsyncEngine, lanes: int = _LANES) -> None:
        super().__init__(lanes)
        self._engine = engine
        self._single = engine.execution_options(**SINGLE["postgresql"])

    async def _transact(self, steps: Sequence[tuple[Step, bool]]) -> Sequence[Outcome]:
        """All at once; where that fails, each in a transaction of its own. Where the server went away, or the commit failed, all
        have failed: what became of them is unknown, and to try again is for who reads first."""
        advances = [step for step, _ in steps if isinstance(step, Advance)]
        assert len(advances) == len(steps)
        together = Together(advances)
        written = False
        try:
            async with self._single.connect() if together.is_one_statement else self._engine.begin() as connection:
                await connection.run_sync(together.write)
                written = True
        except Exception as error:
            if written or is_outage(error):
                return [(None, error)] * len(advances)
            return [await self._alone(step) for step in advances]
        return [(None, None)] * len(advances)

    async def _alone(self, step: Advance) -> Outcome:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(step), None
        except Exception as error:
            return None, error
