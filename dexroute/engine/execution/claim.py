"""One claimed order, and the right to write its journal until somebody claims it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dexroute.engine.execution import failpoints
from dexroute.errors import OrderTakenOver
from dexroute.ports import Clock, OrderStore
from dexroute.types.changed import changed
from dexroute.types.orders import OPEN_STATES, Attempt, EventKind, Fill, Json, Order, OrderEvent, OrderState
from dexroute.types.spendings import SpendingGuard

EventWatcher = Callable[[Order, OrderEvent], None]
"""Called after an event is durable, never before. What it raises stops the caller, never the order: it is resumed later."""


class Claim:
    """`order` is always the order as last committed through this claim. Methods raise what the store raises; OrderTakenOver when
    another claim replaced this one. `is_new`: placed by this very caller."""

    def __init__(
        self,
        store: OrderStore,
        clock: Clock,
        order: Order,
        watcher: EventWatcher | None = None,
        *,
        lease_ms: int | None = None,
        is_new: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._watcher = watcher
        self._lease_ms = lease_ms
        self._claimed_ms = clock.monotonic_ms()
        # before an order is first routed there is nothing to read
        self._attempts: dict[str, Attempt] | None = {} if order.state is OrderState.PENDING else None
        self.is_new = is_new
        self.order = order

    async def step(
        self,
        kind: EventKind,
        *,
        to: OrderState | None = None,
        facts: Json | None = None,
        attempt: Attempt | None = None,
        fill: Fill | None = None,
        withdrawn: Fill | None = None,
        guard: SpendingGuard | None = None,
        **changes: Any,
    ) -> None:
        """Commit the order with `changes` and in state `to` (None: it stays), with its event and what belongs to it. An order that
        ends is settled with it, unless it ends by what landed: a fork may still undo that."""
        if to is not None and to not in OPEN_STATES:
            changes["settled"] = fill is None
        after = changed(self.order, state=to or self.order.state, **changes)
        began_ms = self._clock.monotonic_ms()
        with failpoints.commit(kind):
            self.order, event = await self._store.advance(
                self.order,
                after,
                kind,
                at_ms=self._clock.now_ms(),
                facts=facts,
                attempt=attempt,
                fill=fill,
                withdrawn=withdrawn,
                lease_ms=self._lease_ms,
                guard=guard,
            )
        self._claimed_ms = began_ms
        if attempt is not None and self._attempts is not None:
            self._attempts[attempt.id] = attempt
        if self._watcher is not None:
            self._watcher(self.order, event)

    async def attempts(self) -> tuple[Attempt, ...]:
        """In the order they were made. Read once: while the claim holds, nobody else writes them."""
        if self._attempts is None:
            self._attempts = {attempt.id: attempt for attempt in await self._store.attempts(self.order.id)}
        return tuple(self._attempts.values())

    async def live_attempt(self) -> Attempt | None:
        """The one attempt nothing has proven dead."""
        return next((attempt for attempt in await self.attempts() if attempt.is_live), None)

    async def still_holds(self) -> bool:
        """Whether nobody claimed the order since."""
        return (await self._store.order(self.order.id)).fencing == self.order.fencing

    async def check_lease(self) -> None:
        """Before something that no commit can take back, like a signature: a process that slept through its lease must ask first.
        Raises OrderTakenOver."""
        slept = self._lease_ms is not None and self._clock.monotonic_ms() - self._claimed_ms >= self._lease_ms
        if slept and not await self.still_holds():
            raise OrderTakenOver(f"order {self.order.id} was taken over while this process slept", order=self.order.id)
