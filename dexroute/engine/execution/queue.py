"""Working off the journal's open orders: the next in turn first, a few at once, and never an order twice at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.reactions import backoff_ms
from dexroute.errors import DatabaseUnavailable, DexError, NetworkError
from dexroute.types.orders import Order, OrderState

STARTING: Final = "starting"
"""What keeps tickets from coming before they ever came."""

_LATER_MS: Final = 1_000
_LATEST_TRIES: Final = 6  # about a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolicy:
    """At most `at_once` orders of this process at a time, `per_wallet` of them of one wallet. Where nothing wakes the queue it
    looks for orders every `idle_ms`; an order whose truth is not known after `turn_ms` lets others go on and is taken up again.
    With `wallets`, orders of all others are left alone. With `ticketed`, orders are taken as tickets for them come (`take_next`),
    so that several processes share them out, and the queue takes by itself only what no ticket brings."""

    at_once: int = 16
    per_wallet: int = 16
    idle_ms: int = 1_000
    turn_ms: int = 60_000
    wallets: frozenset[Pubkey] | None = None
    ticketed: bool = False


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
        self._taking = asyncio.Lock()
        self._has_place = asyncio.Event()
        self._missed = True  # there may be orders that no ticket will bring: look again whenever a place is free
        self._closing = False
        self._unable: DexError | None = None
        self._away: DexError | None = None
        self.ended: Counter[OrderState] = Counter()
        self._settling: asyncio.Task[None] | None = None
        self._settled_ms = self._clock.monotonic_ms() - executor.policy.settle_ms

    def wake(self) -> None:
        """An order was placed: look now."""
        self._wake.set()

    def at_work(self) -> tuple[Order, ...]:
        """The orders worked on at this moment, as they were when they were taken."""
        return tuple(self._at_work.values())

    def troubles(self) -> dict[str, DexError]:
        """Orders put off, and why: another wallet's, an outcome not known yet, a node that does not answer."""
        return {order_id: later.error for order_id, later in self._put_off.items()}

    @property
    def trouble(self) -> DexError | None:
        """Why no order can be taken up at this moment: the database or the cluster does not answer. None while all is well."""
        return self._away or self._unable

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until cancelled; with `until_idle` until no order is left that could be worked on now. What is under way when it is
        cancelled stays open in the journal, for whoever runs next. A database or cluster that does not answer is waited for, but
        raised with `until_idle`."""
        await self._free_dead()  # first of all: what a process left behind that this one stands for is in turn before all else
        freeing = asyncio.create_task(self._keep_freeing())
        try:
            while True:
                self._wake.clear()
                self._settle_now_and_then()
                taken = 0
                try:
                    while some := await self._take():
                        taken += len(some)
                    self._unable = None
                except (DatabaseUnavailable, NetworkError) as error:
                    if until_idle:
                        raise
                    self._unable = error
                if until_idle and not taken and not self._at_work:
                    if self._settling is None or self._settling.done():
                        return
                    await asyncio.wait([self._settling])  # what a fork took back is work
                    continue
                await self._wait()
        finally:
            under_way = [freeing, *self._at_work, *([] if self._settling is None else [self._settling])]
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def take_next(self) -> None:
        """Take up the next order in turn once there is a place for it, and come back when its turn is over, or at once when none
        waits. Cancelling it does not stop the order. Raises what the journal raises."""
        while not (started := await asyncio.shield(self._take(by_ticket=True))):
            if self._closing or len(self._at_work) < self.policy.at_once:
                return
            self._has_place.clear()
            await self._has_place.wait()
        await asyncio.wait(started)

    async def close(self, patience_ms: int) -> None:
        """Take nothing new, and give what is under way `patience_ms` to end. What has not ended then stops with `run`."""
        self._closing = True
        self._has_place.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_ms / 1_000):
                async with self._taking:  # what is being taken now is under way as well
                    pass
                if self._at_work:
                    await asyncio.wait(list(self._at_work))

    async def _take(self, *, by_ticket: bool = False) -> list[asyncio.Task[None]]:
        """Start on as many orders as there are places for, or on the one a ticket came for."""
        async with self._taking:
            free = self.policy.at_once - len(self._at_work)
            if free <= 0 or self._closing:
                return []
            now_ms = self._clock.monotonic_ms()
            wallets = Counter(order.wallet for order in self._at_work.values())
            full = [wallet for wallet, count in wallets.items() if count >= self.policy.per_wallet]
            later = [order_id for order_id, put_off in self._put_off.items() if put_off.until_ms > now_ms]
            # one at a time where a wallet's share could be overrun by what one statement takes
            limit = 1 if by_ticket or self.policy.per_wallet < self.policy.at_once else free
            busy = [*later, *(order.id for order in self._at_work.values())]
            taken = await self._executor.take(limit=limit, busy=busy, busy_wallets=full, wallets=self.policy.wallets)
            if not by_ticket:
                self._missed = bool(taken or full)
            elif not taken and full:  # the ticket came, and its order has to wait for its wallet's share
                self._missed = True
            started = [asyncio.create_task(self._carry_on(order)) for order in taken]
            for task, order in zip(started, taken, strict=True):
                self._at_work[task] = order
                task.add_done_callback(self._done)
            return started

    async def _carry_on(self, order: Order) -> None:
        try:
            ended = await self._executor.carry_on(order, wait_ms=self.policy.turn_ms)
        except DexError as error:
            tries = min(self._put_off[order.id].tries + 1 if order.id in self._put_off else 1, _LATEST_TRIES)
            until_ms = self._clock.monotonic_ms() + backoff_ms(_LATER_MS, tries, self._executor.random)
            self._put_off[order.id] = _PutOff(tries, until_ms, error)
        else:
            self._put_off.pop(order.id, None)
            self.ended[ended.state] += 1

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.pop(task, None)
        self._has_place.set()
        if self._missed or not self.policy.ticketed:
            self._wake.set()

    async def _keep_freeing(self) -> None:
        """Where several processes share the journal: what one of them leaves behind is taken up at once."""
        while self._executor.store.leased:
            await self._clock.sleep_ms(self._executor.policy.dead_ms)
            await self._free_dead()

    async def _free_dead(self) -> None:
        try:
            freed, away = await self._executor.free_dead(), None
        except DexError as error:
            freed, away = 0, error
        if freed or (self._away and not away):
            self._wake.set()
        self._away = away

    def _settle_now_and_then(self) -> None:
        """Beside the orders' work: thousands may have landed, and nobody waits for their end."""
        is_due = self._clock.monotonic_ms() - self._settled_ms >= self._executor.policy.settle_ms
        if is_due and (self._settling is None or self._settling.done()):
            self._settled_ms = self._clock.monotonic_ms()
            self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        with suppress(DexError):  # looked at again the next time
            if await self._executor.settle():
                self._wake.set()

    async def _wait(self) -> None:
        """Until an order is placed or done, or `idle_ms` pass."""
        # Python 3.11's wait_for loses a cancellation that comes as what it waits for ends: the last order under way ends the grace
        # of a worker told to stop, and wakes its queue.
        with suppress(TimeoutError):
            async with asyncio.timeout(self.policy.idle_ms / 1_000):
                await self._wake.wait()
