"""A worker: takes waiting orders of its wallets from the journal and carries them out, beside others on other machines."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.errors import ConfigError, DexError
from dexroute.sdk.orders import Orders
from dexroute.types.orders import Order, OrderState

if TYPE_CHECKING:
    from dexroute.storage.ticket_engine import TicketEngine
    from dexroute.storage.tickets import TicketService, TicketWriter

GRACE_MS: Final = 10_000
SWEEP_MS: Final = 5_000
_LAST_WORDS_S: Final = 5.0


class Worker:
    """Made by `Dex.worker`. On PostgreSQL tickets wake it; on SQLite, whose journal is one process's, its own queue does."""

    def __init__(self, queue: OrderQueue, tickets: TicketService | None, wallets: Collection[Pubkey]) -> None:
        self.wallets = tuple(wallets)
        self._queue = queue
        self._tickets = tickets

    @property
    def at_work(self) -> tuple[Order, ...]:
        """The orders under way, as they were when they were taken."""
        return self._queue.at_work()

    @property
    def ended(self) -> Mapping[OrderState, int]:
        """How many orders came to their end here, by how they ended."""
        return self._queue.ended

    @property
    def troubles(self) -> Mapping[str, DexError]:
        """Orders put off for a while, and why."""
        return self._queue.troubles()

    @property
    def trouble(self) -> DexError | None:
        """Why no order can be taken up at this moment; None while all is well."""
        return self._queue.trouble

    @property
    def engine_trouble(self) -> str | None:
        """Why no tickets come, so that orders are only found by looking every few seconds; None when they do, or on SQLite."""
        return None if self._tickets is None else self._tickets.trouble

    async def run(self, stop: asyncio.Event, *, until_idle: bool = False, grace_ms: int = GRACE_MS) -> None:
        """Work until `stop` is set; with `until_idle` until no order is left that could be worked on now.

        Then nothing new is taken, and what is under way gets `grace_ms` to end. What has not ended is handed back: its lease is
        let go, and what was signed stays as it is for the next worker. Raises what makes work impossible (DatabaseError), and with
        `until_idle` DatabaseUnavailable and NetworkError.
        """
        working = asyncio.create_task(self._queue.run(until_idle=until_idle))
        serving = None if self._tickets is None or until_idle else asyncio.create_task(self._tickets.run())
        stopped = asyncio.create_task(stop.wait())
        tasks = [task for task in (working, serving, stopped) if task is not None]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if serving is not None:  # first of all: other workers get the tickets that come from now on
                serving.cancel()
                await asyncio.wait([serving], timeout=_LAST_WORDS_S)
            await self._queue.close(grace_ms)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


def new_worker(
    orders: Orders, tickets: TicketEngine | None, wallets: Collection[Pubkey], *, at_once: int, per_wallet: int, sweep_ms: int
) -> Worker:
    """A worker over the queue of `orders`, woken by `tickets` where there are any."""
    queue = orders.queue(
        QueuePolicy(
            at_once=at_once,
            per_wallet=per_wallet,
            idle_ms=sweep_ms,
            wallets=frozenset(wallets),
            ticketed=tickets is not None,
        )
    )
    if tickets is None:
        return Worker(queue, None, wallets)
    from dexroute.storage.tickets import TicketService

    return Worker(queue, TicketService(tickets, wallets, queue.take_next, at_once=at_once), wallets)


class Announcer:
    """Call it with every order that is left for a worker. The engine is loaded with the first; without it (not installed), workers
    find the order by looking."""

    def __init__(self, database_url: str, genesis_hash: str) -> None:
        self._database_url = database_url
        self._genesis_hash = genesis_hash
        self._writer: TicketWriter | None = None

    def __call__(self, order: Order) -> None:
        with suppress(ConfigError):
            if self._writer is None:
                self._writer = _writer(self._database_url, self._genesis_hash)
            self._writer.announce(order.wallet)

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer.close()


def _writer(database_url: str, genesis_hash: str) -> TicketWriter:
    from dexroute.storage.ticket_engine import ticket_engine
    from dexroute.storage.tickets import TicketWriter

    return TicketWriter(ticket_engine(database_url, genesis_hash))
