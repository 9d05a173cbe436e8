"""Working off the journal's open orders: the next in turn first, a few at once, and never an order twice at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.reactions import backoff_ms
from dexroute.errors import DatabaseUnavailable, DexError, NetworkError
from dexroute.types.orders import Order

_LATER_MS: Final = 1_000
_LATEST_TRIES: Final = 6  # about a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolicy:
    """At most `at_once` orders of this process at a time, `per_wallet` of them of one wallet. Where nothing wakes the queue it
    looks for orders every `idle_ms`; an order whose truth is not known after `turn_ms` lets others go on and is taken up again."""

    at_once: int = 16
    per_wallet: int = 16
    idle_ms: int = 1_000
    turn_ms: int = 60_000


@dataclass(slots=True)
class _PutOff:
    tries: int
    until_ms: int
    error: DexError


class OrderQueue:
    """Takes orders of the executor's cluster from the journal by claims, so that several processes may work on one PostgreSQL."""

    def __init__(self, executor: Executor, policy: QueuePolicy | None = None) -> None:
        self.policy = policy or QueuePolicy()
        self._executor = executor
        self._clock = executor.clock
        self._wake = asyncio.Event()
        self._at_work: dict[asyncio.Task[None], Order] = {}
        self._put_off: dict[str, _PutOff] = {}
        self._settled_ms = self._clock.monotonic_ms() - executor.policy.settle_ms

    def wake(self) -> None:
        """An order was placed: look now."""
        self._wake.set()

    def troubles(self) -> dict[str, DexError]:
        """Orders put off, and why: another wallet's, an outcome not known yet, a node that does not answer."""
        return {order_id: later.error for order_id, later in self._put_off.items()}

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until cancelled; with `until_idle` until no order is left that could be worked on now. What is under way when it is
        cancelled stays open in the journal, for whoever runs next. A database or cluster that does not answer is waited for, but
        raised with `until_idle`."""
        try:
            while True:
                self._wake.clear()
                await self._settle_now_and_then()
                taken = 0
                try:
                    while some := await self._take():
                        taken += some
                except (DatabaseUnavailable, NetworkError):
                    if until_idle:
                        raise
                if until_idle and not taken and not self._at_work:
                    return
                await self._wait()
        finally:
            for task in self._at_work:
                task.cancel()
            await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _take(self) -> int:
        free = self.policy.at_once - len(self._at_work)
        if free <= 0:
            return 0
        now_ms = self._clock.monotonic_ms()
        wallets = Counter(order.wallet for order in self._at_work.values())
        full = [wallet for wallet, count in wallets.items() if count >= self.policy.per_wallet]
        later = [order_id for order_id, put_off in self._put_off.items() if put_off.until_ms > now_ms]
        # one at a time where a wallet's share could be overrun by what one statement takes
        limit = free if self.policy.per_wallet >= self.policy.at_once else 1
        busy = [*later, *(order.id for order in self._at_work.values())]
        taken = await self._executor.take(limit=limit, busy=busy, busy_wallets=full)
        for order in taken:
            task = asyncio.create_task(self._carry_on(order))
            self._at_work[task] = order
            task.add_done_callback(self._done)
        return len(taken)

    async def _carry_on(self, order: Order) -> None:
        try:
            await self._executor.carry_on(order, wait_ms=self.policy.turn_ms)
        except DexError as error:
            tries = min(self._put_off[order.id].tries + 1 if order.id in self._put_off else 1, _LATEST_TRIES)
            until_ms = self._clock.monotonic_ms() + backoff_ms(_LATER_MS, tries, self._executor.random)
            self._put_off[order.id] = _PutOff(tries, until_ms, error)
        else:
            self._put_off.pop(order.id, None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.pop(task, None)
        self._wake.set()

    async def _settle_now_and_then(self) -> None:
        if self._clock.monotonic_ms() - self._settled_ms >= self._executor.policy.settle_ms:
            self._settled_ms = self._clock.monotonic_ms()
            with suppress(DexError):  # looked at again the next time
                await self._executor.settle()

    async def _wait(self) -> None:
        """Until an order is placed or done, or `idle_ms` pass."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self.policy.idle_ms / 1_000)
