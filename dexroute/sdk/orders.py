"""Orders: placing, finding, cancelling and resuming them, through the executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from solders.pubkey import Pubkey

from dexroute.chain.signers import EncryptedSigner
from dexroute.engine.execution import recovery
from dexroute.engine.execution.builder import OrderBuilder
from dexroute.engine.execution.claim import EventWatcher
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.engine.execution.receipt import Receipt, read_receipt
from dexroute.engine.execution.restored import read_restored
from dexroute.engine.execution.stats import NEWEST_STEPS, QueueStats, read_stats
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import DexError, IdempotencyConflict, KeypairError, SignerUnavailable, WrongPassphrase
from dexroute.host.processes import process_name
from dexroute.ports import Clock, OrderStore, Signer
from dexroute.sdk.connection import Connection
from dexroute.sdk.funds import read_funds
from dexroute.sdk.terms import SwapTerms, options_json
from dexroute.types.orders import Order, OrderState, Priority, Promise


class Orders:
    """The journal of one cluster's orders. `signer` is asked for only when something is to be signed or placed, `signers` (it and
    those of further wallets) when other orders are taken up. `announce` hears of every order left for a queue to work off."""

    def __init__(
        self,
        *,
        store: OrderStore,
        connection: Connection,
        builder: OrderBuilder,
        signer: Callable[[], Signer],
        signers: Callable[[], Sequence[Signer]],
        clock: Clock,
        wait_ms: int,
        screening: SigningPolicy | None = None,
        watcher: EventWatcher | None = None,
        announce: Callable[[Order], None] | None = None,
    ) -> None:
        self._store = store
        self._connection = connection
        self._builder = builder
        self._signer = signer
        self._signers = signers
        self._clock = clock
        self._policy = ExecutionPolicy(wait_ms=wait_ms)
        self._screening = screening
        self._watcher = watcher
        self._announce = announce
        self._executor: Executor | None = None
        self._queue: OrderQueue | None = None

    async def place(
        self,
        terms: SwapTerms,
        *,
        limit: int | None,
        key: str | None,
        promised: Sequence[Promise],
        wait_ms: int | None = None,
        deadline_ms: int | None = None,
    ) -> Receipt:
        """Record and carry out. Returns the receipt of a CONFIRMED or CANCELLED order, raises what a FAILED one ended with."""
        wanted = self._order(terms, key, limit, promised=promised, deadline_ms=deadline_ms)
        async with self._looking_back():
            order = await self._signing(self._signer()).execute(wanted, wait_ms=wait_ms)
        return await self._ended(order)

    async def submit(
        self,
        terms: SwapTerms,
        *,
        limit: int | None,
        key: str | None,
        promised: Sequence[Promise],
        deadline_ms: int | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> Receipt:
        """Record and return at once, for `queue` to work off. The receipt of the order already under `key`, if there is one."""
        wanted = self._order(terms, key, limit, promised=promised, deadline_ms=deadline_ms, priority=priority)
        order, is_new = await self._signing(self._signer()).place(wanted)
        if self._queue is not None:
            self._queue.wake()
        if is_new and self._announce is not None:
            self._announce(order)
        return await read_receipt(self._store, order.id)

    def queue(self, policy: QueuePolicy | None = None) -> OrderQueue:
        """The queue over this journal's open orders: one for each `Orders`, made by the first call."""
        if self._queue is None:
            self._queue = OrderQueue(self._signing(*self._signers()), policy)
        return self._queue

    async def under_key(self, key: str, terms: SwapTerms, *, wait_ms: int | None = None) -> Receipt | None:
        """The order under `key`, carried on if it is open. Raises IdempotencyConflict when its terms were others."""
        found = await self._under_key(key, terms)
        if found is None:
            return None
        order = await self._signing(self._signer()).continue_order(found.id, wait_ms=wait_ms) if found.is_open else found
        return await self._ended(order)

    async def submitted(self, key: str, terms: SwapTerms) -> Receipt | None:
        """The order under `key` as it is now. Raises IdempotencyConflict when its terms were others."""
        found = await self._under_key(key, terms)
        return None if found is None else await read_receipt(self._store, found.id)

    async def _under_key(self, key: str, terms: SwapTerms) -> Order | None:
        wanted = self._order(terms, key, None)  # raises for a key that is none, before anything is looked for
        found = await self._store.order_by_key(key)
        if found is not None and found.body_hash != wanted.body_hash:
            raise IdempotencyConflict(
                f"key {key!r} already stands for order {found.id} ({found.state}) of other terms; use another key, "
                f"or see it with `dex orders show {found.id}`",
                key=key,
                order=found.id,
            )
        return found

    async def receipt(self, order_id: str, *, with_events: bool = True) -> Receipt:
        """One order with its attempts, its fill and its journal. Raises OrderNotFound."""
        return await read_receipt(self._store, order_id, with_events=with_events)

    async def list(self, *, states: Collection[OrderState] | None = None, limit: int | None = None) -> tuple[Receipt, ...]:
        """Newest first."""
        return tuple([await read_receipt(self._store, order.id) for order in await self._store.orders(states=states, limit=limit)])

    async def cancel(self, order_id: str, *, wait_ms: int | None = None) -> Receipt:
        """Give an order up; see Executor.cancel. Nothing is signed for it, so no key is asked for."""
        return await read_receipt(self._store, (await self._working().cancel(order_id, wait_ms=wait_ms)).id, with_events=True)

    async def resume(self, *, wait_ms: int | None = None) -> tuple[recovery.Recovered, ...]:
        """Take up every open order. One order's trouble stops no other's: where a key is missing, orders that were signed are
        followed all the same. Raises WrongPassphrase."""
        try:
            working = self._signing(*await asyncio.to_thread(self._signers))  # a remote one is asked who it is
        except WrongPassphrase:
            raise
        except (KeypairError, SignerUnavailable):
            working = self._working()
        return await recovery.resume(working, wait_ms=wait_ms)

    async def left_alone(self, wallets: Collection[Pubkey]) -> tuple[int, int]:
        """How many open orders nobody here works off: (of other clusters, of this one but of other wallets)."""
        here, found = self._connection.genesis_hash, await self._store.open_orders()
        elsewhere = sum(number for (cluster, _), number in found.items() if cluster != here)
        others = sum(number for (cluster, wallet), number in found.items() if cluster == here and wallet not in wallets)
        return elsewhere, others

    async def restored(self) -> Mapping[str, Any] | None:
        """What is known of a restore of this journal from a backup that nobody accepted yet; None when there was none."""
        return await read_restored(self._store)

    async def accept_restored(self) -> None:
        """A person has looked: no open order is among the swaps the journal forgot."""
        await self._store.accept_lost()

    async def stats(self, *, newest: int = NEWEST_STEPS) -> QueueStats:
        """How many orders stand where, and what the open ones of this wallet promise."""
        try:
            promised = await self._store.promised(self._connection.genesis_hash, self._signer().pubkey)
        except KeypairError:  # counting needs no key
            promised = {}
        return await read_stats(self._store, promised, now_ms=self._clock.now_ms(), newest=newest)

    @asynccontextmanager
    async def _looking_back(self) -> AsyncIterator[None]:
        """Look beside other work whether what landed earlier is final by now; nobody waits for it. What a fork took back is sent
        once more here, and followed by whoever runs `resume`."""

        async def look() -> None:
            for order in await self._working().settle():
                with suppress(DexError):
                    await self._working().continue_order(order.id, wait_ms=0)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _ended(self, order: Order) -> Receipt:
        if order.state is OrderState.FAILED:
            raise error_of(order)
        return await read_receipt(self._store, order.id, with_events=True)

    def _order(
        self,
        terms: SwapTerms,
        key: str | None,
        limit: int | None,
        *,
        promised: Sequence[Promise] = (),
        deadline_ms: int | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> Order:
        return new_order(
            request=terms.request,
            wallet=self._signer().pubkey,
            genesis_hash=self._connection.genesis_hash,
            slippage_bps=terms.slippage_bps,
            now_ms=self._clock.now_ms(),
            key=key,
            limit_amount=limit,
            options=options_json(terms),
            deadline_ms=deadline_ms,
            priority=priority,
            promised=promised,
        )

    def _signing(self, *signers: Signer) -> Executor:
        """The executor, and these keys open: a passphrase is asked for before an order is recorded, not in the middle of it."""
        for signer in signers:
            if isinstance(signer, EncryptedSigner):
                signer.unlock()
        return self._working()

    def _signer_of(self, wallet: Pubkey) -> Signer | None:
        if (own := self._signer()).pubkey == wallet:
            return own
        return next((signer for signer in self._signers() if signer.pubkey == wallet), None)

    def _working(self) -> Executor:
        if self._executor is None:
            self._executor = Executor(
                store=self._store,
                senders=self._connection.senders,
                routes=self._connection.routes,
                hints=self._connection.hints,
                cluster=self._connection.client,
                screening=self._screening,
                signer_of=self._signer_of,
                builder=self._builder,
                clock=self._clock,
                owner=process_name(),
                policy=self._policy,
                watcher=self._watcher,
                funds=lambda order: read_funds(self._connection.client, order),
            )
        return self._executor
