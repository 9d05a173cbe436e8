"""Looking back at what landed, page by page, until all of it is final: in constant memory, whatever has piled up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from dexroute.engine.execution import failpoints
from dexroute.engine.execution.claim import Claim, EventWatcher
from dexroute.engine.execution.finality import AT_ONCE, Head, judge, landed_attempt, missed_none, read_heads, read_views, take_back
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.errors import IllegalTransition, OrderTakenOver
from dexroute.ports import Clock, OrderStore, TransactionSender
from dexroute.types.orders import Attempt, EventKind, LandedAttempt, Order

_FRESH_MS: Final = 2_000  # heads older than this are asked again; older ones only ever prove less


class LookingBack:
    """Remembers how far all nodes had finalized when it last looked: up to there only what one of them forgot or denied is left,
    and while none finalizes more, nothing can become final. Everything is looked at anew every `settle_all_ms`."""

    def __init__(
        self,
        store: OrderStore,
        nodes: Sequence[TransactionSender],
        clock: Clock,
        policy: ExecutionPolicy,
        watcher: EventWatcher | None = None,
    ) -> None:
        self._store = store
        self._nodes = tuple(nodes)
        self._clock = clock
        self._policy = policy
        self._watcher = watcher
        self._turn = asyncio.Lock()
        self._final_slot = 0
        self._all_ms: int | None = None

    async def run(self, genesis_hash: str) -> tuple[Order, ...]:
        """One look. Returns the orders a fork took back. Raises what the journal raises."""
        async with self._turn:
            if not await self._store.landed(genesis_hash, limit=1):
                return ()
            began_ms = self._clock.monotonic_ms()
            heads = await read_heads(self._nodes)
            known = [head.finalized_slot for head in heads if head is not None]
            at_all = self._all_ms is None or began_ms - self._all_ms >= self._policy.settle_all_ms
            if not known or not (at_all or max(known) > self._final_slot):
                return ()
            back, all_answered = await self._look(genesis_hash, heads, None if at_all else self._final_slot)
            if at_all:
                self._all_ms = began_ms
            if all_answered:
                self._final_slot = min(known)
            return back

    async def _look(
        self, genesis_hash: str, heads: Sequence[Head | None], above_slot: int | None
    ) -> tuple[tuple[Order, ...], bool]:
        """The orders taken back, and whether every node answered every question."""
        asked_ms = self._clock.monotonic_ms()
        back: list[Order] = []
        all_answered, last = True, None
        while page := await self._store.landed(genesis_hash, limit=AT_ONCE, after=last, above_slot=above_slot):
            last = page[-1]
            if self._clock.monotonic_ms() - asked_ms >= _FRESH_MS:
                asked_ms, heads = self._clock.monotonic_ms(), await read_heads(self._nodes)
            views = await read_views(self._nodes, heads, page)
            all_answered &= None not in views
            verdicts = [(one, verdict) for one in page if (verdict := judge(one, views)) is not None]
            if final := [one for one, verdict in verdicts if verdict.final]:
                await self._finalize(final)
            for one, verdict in verdicts:
                if verdict.final:
                    continue
                asked = [node for node, view in zip(self._nodes, views, strict=True) if view is not None]
                if verdict.by_silence and not await missed_none(asked, one):
                    continue  # it is looked at again with everything
                if (order := await self._take_back(one, verdict.reason)) is not None:
                    back.append(order)
            if len(page) < AT_ONCE:
                break
        return tuple(back), all_answered

    async def _finalize(self, final: Sequence[LandedAttempt]) -> None:
        with failpoints.commit(EventKind.FINALIZED):
            settled = await self._store.finalize(final, at_ms=self._clock.now_ms())
        refused: Exception | None = None
        for order, event in settled:
            try:
                if self._watcher is not None:
                    self._watcher(order, event)
            except Exception as error:  # it stops us, but every event is told first
                refused = refused or error
        if refused is not None:
            raise refused

    async def _take_back(self, judged: LandedAttempt, reason: str) -> Order | None:
        """The order as it is again; None when another process came to it first."""
        order = await self._store.order(judged.order_id)
        attempt = landed_attempt(await self._store.attempts(order.id))
        if order.is_open or order.settled or attempt is None or not _is(attempt, judged):
            return None
        claim = Claim(self._store, self._clock, order, self._watcher)
        with suppress(IllegalTransition, OrderTakenOver):
            await take_back(claim, attempt, reason, self._store)
            return claim.order
        return None


def _is(attempt: Attempt, judged: LandedAttempt) -> bool:
    return (attempt.signature, attempt.slot, attempt.outcome) == (judged.signature, judged.slot, judged.outcome)
