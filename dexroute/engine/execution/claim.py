"""One claimed order, and the right to write its journal until somebody claims it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dexroute.engine.execution import failpoints
from dexroute.ports import Clock, OrderStore
from dexroute.types.orders import Attempt, EventKind, Fill, Json, Order, OrderEvent, OrderState

EventWatcher = Callable[[Order, OrderEvent], None]
"""Called after an event is durable, never before. What it raises stops the caller, never the order: it is resumed later."""


class Claim:
    """`order` is always the order as last committed through this claim. Methods raise what the store raises; OrderTakenOver when
    another claim replaced this one."""

    def __init__(self, store: OrderStore, clock: Clock, order: Order, watcher: EventWatcher | None = None) -> None:
        self._store = store
        self._clock = clock
        self._watcher = watcher
        self.order = order

    async def step(
        self,
        kind: EventKind,
        *,
        to: OrderState | None = None,
        facts: Json | None = None,
        attempt: Attempt | None = None,
        fill: Fill | None = None,
        **changes: Any,
    ) -> None:
        """Commit the order with `changes` and in state `to` (None: it stays), with its event and what belongs to it."""
        after = replace(self.order, state=to or self.order.state, **changes)
        with failpoints.commit(kind):
            self.order, event = await self._store.advance(
                self.order, after, kind, at_ms=self._clock.now_ms(), facts=facts, attempt=attempt, fill=fill
            )
        if self._watcher is not None:
            self._watcher(self.order, event)

    async def attempts(self) -> tuple[Attempt, ...]:
        return await self._store.attempts(self.order.id)

    async def live_attempt(self) -> Attempt | None:
        """The one attempt nothing has proven dead."""
        return next((attempt for attempt in await self.attempts() if attempt.is_live), None)

    async def still_holds(self) -> bool:
        """Whether nobody claimed the order since."""
        return (await self._store.order(self.order.id)).fencing == self.order.fencing
