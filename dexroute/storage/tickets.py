"""Tickets: how a worker anywhere hears at once that an order of its wallet waits. One order is one ticket, and the journal is right
without any of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.queue import STARTING
from dexroute.errors import DexError
from dexroute.storage.ticket_engine import TASK, TicketEngine, engine_faults, watched_worker

if TYPE_CHECKING:
    from procrastinate import App

_BATCH: Final = 500
_LAST_WORDS_S: Final = 3.0
_PAUSE_S: Final = 1.0
_HEARTBEAT_S: Final = 10.0
_STALLED_S: Final = 30.0
POLL_S: Final = 1.0


class TicketWriter:
    """Writes a ticket for every order announced: soon, in the background, and not at all while its server is away."""

    def __init__(self, engine: TicketEngine) -> None:
        self._engine = engine
        self._waiting: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._app: App | None = None

    def announce(self, wallet: Pubkey) -> None:
        """An order of `wallet` was placed. Never raises, never waits."""
        self._waiting[self._engine.queue(wallet)] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """What is still unwritten gets a moment."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=_LAST_WORDS_S)
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        if self._app is not None:
            await self._app.close_async()

    async def _write(self) -> None:
        while self._waiting:
            queue, count = self._waiting.popitem()
            if count > _BATCH:
                self._waiting[queue] = count - _BATCH
            with suppress(*engine_faults()):  # a ticket is no loss
                if self._app is None:
                    self._app = await self._opened()
                await self._app.configure_task(TASK, queue=queue).batch_defer_async(*[{} for _ in range(min(count, _BATCH))])

    async def _opened(self) -> App:
        app = self._engine.app(connections=1)
        try:
            await app.open_async()
        except BaseException:
            await app.close_async()
            raise
        return app


class TicketService:
    """Turns the tickets of some wallets into calls of `take_next`, at most `at_once` at a time, for as long as `run` runs.
    `trouble` says why no tickets come at this moment; None when they do."""

    def __init__(
        self, engine: TicketEngine, wallets: Collection[Pubkey], take_next: Callable[[], Awaitable[None]], *, at_once: int
    ) -> None:
        self._engine = engine
        self._queues = [engine.queue(wallet) for wallet in wallets]
        self._take_next = take_next
        self._at_once = at_once
        self.trouble: str | None = STARTING

    async def run(self, *, poll_s: float = POLL_S) -> None:
        """Until cancelled. procrastinate's own worker ends with the first fault (a server restart is one): it is started anew, its
        tables made again if they are gone. `poll_s`: how often to look for a ticket whose notice was missed."""
        while True:
            try:
                await self._engine.prepare()
                app = self._engine.app(connections=3)
                async with app.open_async():
                    await self._serve(app, poll_s)
                self.trouble = "its listener ended"
            except engine_faults() as fault:
                self.trouble = " ".join(str(fault.__cause__ or fault).split()) or type(fault).__name__
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise asyncio.CancelledError from fault  # it met the fault on its way out, and raised that instead
            await asyncio.sleep(_PAUSE_S)

    async def _serve(self, app: App, poll_s: float) -> None:
        @app.task(name=TASK)
        async def take_next() -> None:
            with suppress(DexError):  # the queue looks again by itself
                await self._take_next()

        tidying = asyncio.create_task(self._tidy(app))
        self.trouble = None
        try:
            await watched_worker(
                app,
                queues=self._queues,
                concurrency=self._at_once,
                fetch_job_polling_interval=poll_s,
                shutdown_graceful_timeout=0,  # what is under way goes on without its ticket
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=_HEARTBEAT_S,
                stalled_worker_timeout=_STALLED_S,
            ).run()  # type: ignore[no-untyped-call]
        finally:
            tidying.cancel()
            await asyncio.gather(tidying, return_exceptions=True)

    async def _tidy(self, app: App) -> None:
        """Drop the tickets of workers that died: their orders are found by looking."""
        from procrastinate.jobs import Status

        while True:
            with suppress(*engine_faults()):
                await app.job_manager.prune_stalled_workers(_STALLED_S)
                for ticket in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_S):
                    if ticket.id is not None:
                        await app.job_manager.finish_job_by_id_async(ticket.id, Status.ABORTED, delete_job=True)
            await asyncio.sleep(_STALLED_S)
