"""What landed and is not final yet: found in pages, settled in one transaction a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Select, bindparam, select, true, tuple_, update

from dexroute.storage.claims import SqlClaims
from dexroute.storage.rows import order_value
from dexroute.storage.steps import NOT_SETTLED, OPEN, ORDERS, event_of, record_all
from dexroute.storage.tables import AttemptRow, table_of
from dexroute.types.orders import AttemptOutcome, EventKind, LandedAttempt, Order, OrderEvent

_ATTEMPTS: Final = table_of(AttemptRow)
_OUTCOMES: Final = [str(AttemptOutcome.LANDED), str(AttemptOutcome.LANDED_WITH_ERROR)]
_IS_ITS_END: Final = (_ATTEMPTS.c.order_id == ORDERS.c.id) & _ATTEMPTS.c.outcome.in_(_OUTCOMES)
_FACTS: Final = (_ATTEMPTS.c.signature, _ATTEMPTS.c.slot, _ATTEMPTS.c.outcome)
_STANDING: Final = (
    select(ORDERS, _ATTEMPTS.c.number, *_FACTS)
    .join(_ATTEMPTS, _IS_ITS_END)
    .where(NOT_SETTLED, ORDERS.c.state.not_in(OPEN), ORDERS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(ORDERS.c.id)  # locked in one order everywhere, so that two who settle never wait for each other
    .with_for_update(of=ORDERS)
)
_SETTLE: Final = update(ORDERS).where(ORDERS.c.id == bindparam("on_id")).values(settled=true(), event_seq=bindparam("new_seq"))


class SqlLanded(SqlClaims):
    """Looking back at orders that ended by landing."""

    async def landed(
        self, genesis_hash: str, *, limit: int, after: LandedAttempt | None = None, above_slot: int | None = None
    ) -> tuple[LandedAttempt, ...]:
        rows = await self._sessions.rows(_page(genesis_hash, limit, after, above_slot))
        with self._sessions.parsing():
            return tuple(
                LandedAttempt(
                    order_id=row.id,
                    rank_ms=row.rank_ms,
                    signature=row.signature,
                    slot=row.slot,
                    outcome=AttemptOutcome(row.outcome),
                    last_valid_block_height=row.last_valid_block_height,
                )
                for row in rows
            )

    async def finalize(self, landed: Sequence[LandedAttempt], *, at_ms: int) -> tuple[tuple[Order, OrderEvent], ...]:
        judged = {(one.order_id, one.signature, one.slot, str(one.outcome)) for one in landed}
        ids = [one.order_id for one in landed]

        def step(connection: Connection) -> list[tuple[Order, OrderEvent]]:
            steps = []
            for row in connection.execute(_STANDING, {"ids": ids}):
                if (row.id, row.signature, row.slot, row.outcome) in judged:
                    before = order_value(row)
                    order = replace(before, settled=True, event_seq=before.event_seq + 1)
                    facts = {"attempt": row.number, "signature": row.signature, "slot": str(row.slot)}
                    steps.append((order, event_of(order, before.state, EventKind.FINALIZED, at_ms, facts)))
            if steps:
                connection.execute(_SETTLE, [{"on_id": order.id, "new_seq": order.event_seq} for order, _ in steps])
                record_all(connection, [event for _, event in steps])
            return steps

        settled = await self._sessions.write(step)
        self._committed(*(event for _, event in settled))
        return tuple(settled)


def _page(genesis_hash: str, limit: int, after: LandedAttempt | None, above_slot: int | None) -> Select[tuple[object, ...]]:
    wanted = (
        select(ORDERS.c.id, ORDERS.c.rank_ms, _ATTEMPTS.c.last_valid_block_height, *_FACTS)
        .join(_ATTEMPTS, _IS_ITS_END)
        .where(NOT_SETTLED, ORDERS.c.genesis_hash == genesis_hash, ORDERS.c.state.not_in(OPEN))
        .order_by(ORDERS.c.rank_ms, ORDERS.c.id)
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(tuple_(ORDERS.c.rank_ms, ORDERS.c.id) > (after.rank_ms, after.order_id))
    if above_slot is not None:
        wanted = wanted.where(_ATTEMPTS.c.slot > above_slot)
    return wanted
