"""Orders: placing, finding, cancelling and resuming them, through the executor."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection

from dexroute.engine.execution import recovery
from dexroute.engine.execution.builder import OrderBuilder
from dexroute.engine.execution.claim import EventWatcher
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.receipt import Receipt, read_receipt
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import IdempotencyConflict
from dexroute.ports import Clock, OrderStore, Signer
from dexroute.sdk.connection import Connection
from dexroute.sdk.terms import SwapTerms, options_json
from dexroute.types.orders import Order, OrderState


class Orders:
    """The journal of one cluster's orders. `signer` is asked for only when something is to be signed or placed."""

    def __init__(
        self,
        *,
        store: OrderStore,
        connection: Connection,
        builder: OrderBuilder,
        signer: Callable[[], Signer],
        clock: Clock,
        wait_ms: int,
        screening: SigningPolicy | None = None,
        watcher: EventWatcher | None = None,
    ) -> None:
        self._store = store
        self._connection = connection
        self._builder = builder
        self._signer = signer
        self._clock = clock
        self._policy = ExecutionPolicy(wait_ms=wait_ms)
        self._screening = screening
        self._watcher = watcher
        self._executor: Executor | None = None

    async def place(self, terms: SwapTerms, *, limit: int | None, key: str | None, wait_ms: int | None = None) -> Receipt:
        """Record and carry out. Returns the receipt of a CONFIRMED or CANCELLED order, raises what a FAILED one ended with."""
        order = await self._working().execute(self._order(terms, key, limit), wait_ms=wait_ms)
        return await self._ended(order)

    async def under_key(self, key: str, terms: SwapTerms, *, wait_ms: int | None = None) -> Receipt | None:
        """The order under `key`, carried on if it is open. Raises IdempotencyConflict when its terms were others."""
        found = await self._store.order_by_key(key)
        if found is None:
            return None
        if found.body_hash != self._order(terms, key, None).body_hash:
            raise IdempotencyConflict(
                f"key {key!r} already stands for order {found.id} ({found.state}) of other terms; use another key, "
                f"or see it with `dex orders show {found.id}`",
                key=key,
                order=found.id,
            )
        order = await self._working().continue_order(found.id, wait_ms=wait_ms) if found.is_open else found
        return await self._ended(order)

    async def receipt(self, order_id: str, *, with_events: bool = True) -> Receipt:
        """One order with its attempts, its fill and its journal. Raises OrderNotFound."""
        return await read_receipt(self._store, order_id, with_events=with_events)

    async def list(self, *, states: Collection[OrderState] | None = None, limit: int | None = None) -> tuple[Receipt, ...]:
        """Newest first."""
        return tuple([await read_receipt(self._store, order.id) for order in await self._store.orders(states=states, limit=limit)])

    async def cancel(self, order_id: str, *, wait_ms: int | None = None) -> Receipt:
        """Give an order up; see Executor.cancel."""
        return await read_receipt(self._store, (await self._working().cancel(order_id, wait_ms=wait_ms)).id, with_events=True)

    async def resume(self, *, wait_ms: int | None = None) -> tuple[recovery.Recovered, ...]:
        """Take up every open order. One order's trouble stops no other's."""
        return await recovery.resume(self._working(), wait_ms=wait_ms)

    async def _ended(self, order: Order) -> Receipt:
        if order.state is OrderState.FAILED:
            raise error_of(order)
        return await read_receipt(self._store, order.id, with_events=True)

    def _order(self, terms: SwapTerms, key: str | None, limit: int | None) -> Order:
        return new_order(
            request=terms.request,
            wallet=self._signer().pubkey,
            genesis_hash=self._connection.genesis_hash,
            slippage_bps=terms.slippage_bps,
            now_ms=self._clock.now_ms(),
            key=key,
            limit_amount=limit,
            options=options_json(terms),
        )

    def _working(self) -> Executor:
        if self._executor is None:
            self._executor = Executor(
                store=self._store,
                senders=self._connection.senders,
                routes=self._connection.routes,
                cluster=self._connection.client,
                screening=self._screening,
                signer=self._signer(),
                builder=self._builder,
                clock=self._clock,
                owner=f"{socket.gethostname()}:{os.getpid()}",
                policy=self._policy,
                watcher=self._watcher,
            )
        return self._executor
