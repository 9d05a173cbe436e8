"""The order journal in SQL: dexroute.ports.OrderStore."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import CursorResult, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from dexroute.errors import IdempotencyConflict, IllegalTransition, OrderNotFound, OrderTakenOver
from dexroute.storage.rows import (
    attempt_row,
    attempt_value,
    event_row,
    event_value,
    fill_row,
    fill_value,
    order_columns,
    order_row,
    order_value,
)
from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import AttemptRow, EventRow, FillRow, OrderRow
from dexroute.types.orders import OPEN_STATES, Attempt, EventKind, Fill, Json, Order, OrderEvent, OrderState, is_legal_move

_SIGNED_ONCE = ("order_id", "number", "message", "blockhash", "last_valid_block_height")


class SqlOrders:
    """Orders, attempts, events and fills. Every write is one transaction with its event row."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def place(self, order: Order) -> tuple[Order, bool]:
        if order.state is not OrderState.PENDING:
            raise IllegalTransition(f"a new order starts as PENDING, not {order.state}", order=order.id)
        placed = replace(order, event_seq=1)
        dialect = postgresql if self._sessions.dialect == "postgresql" else sqlite
        async with self._sessions.writing() as session:
            written = await session.exec(
                dialect.insert(OrderRow).values(**order_row(placed)).on_conflict_do_nothing(index_elements=["key"])
            )
            if _count(written) == 1:
                await _record(session, placed, None, EventKind.PLACED, placed.created_ms, {})
                return placed, True
            row = (await session.exec(select(OrderRow).where(col(OrderRow.key) == order.key))).one()
            known = order_value(row)
        if known.body_hash != order.body_hash:
            raise IdempotencyConflict(
                f"key {order.key!r} already belongs to order {known.id}, which asked for something else: "
                "use a new key for a new swap, or repeat the old one unchanged",
                key=order.key,
                order=known.id,
            )
        return known, False

    async def claim(self, order_id: str, *, owner: str, at_ms: int) -> Order:
        async with self._sessions.writing() as session:
            written = await session.exec(
                update(OrderRow)
                .where(col(OrderRow.id) == order_id, col(OrderRow.state).in_([str(state) for state in OPEN_STATES]))
                .values(
                    fencing=col(OrderRow.fencing) + 1, event_seq=col(OrderRow.event_seq) + 1, claimed_by=owner, updated_ms=at_ms
                )
            )
            order = await _order(session, order_id)
            if _count(written) == 1:
                await _record(session, order, order.state, EventKind.CLAIMED, at_ms, {"owner": owner})
            return order

    async def advance(
        self,
        before: Order,
        after: Order,
        kind: EventKind,
        *,
        at_ms: int,
        facts: Json | None = None,
        attempt: Attempt | None = None,
        fill: Fill | None = None,
    ) -> tuple[Order, OrderEvent]:
        if after.state is not before.state and not is_legal_move(before.state, after.state):
            raise IllegalTransition(
                f"order {before.id} cannot go from {before.state} to {after.state}",
                order=before.id,
                before=str(before.state),
                after=str(after.state),
            )
        stored = replace(after, event_seq=before.event_seq + 1, updated_ms=at_ms)
        async with self._sessions.writing() as session:
            # compare and set: the state and the claim this step was decided on, and no event since
            written = await session.exec(
                update(OrderRow)
                .where(
                    col(OrderRow.id) == before.id,
                    col(OrderRow.state) == str(before.state),
                    col(OrderRow.fencing) == before.fencing,
                    col(OrderRow.event_seq) == before.event_seq,
                )
                .values(**order_columns(stored))
            )
            if _count(written) != 1:
                raise _moved_on(before, await _order(session, before.id))
            if attempt is not None:
                await _keep_attempt(session, attempt)
            if fill is not None:
                await session.exec(insert(FillRow).values(**fill_row(fill)))
            event = await _record(session, stored, before.state, kind, at_ms, facts or {})
        return stored, event

    async def order(self, order_id: str) -> Order:
        async with self._sessions.reading() as session:
            return await _order(session, order_id)

    async def order_by_key(self, key: str) -> Order | None:
        async with self._sessions.reading() as session:
            row = (await session.exec(select(OrderRow).where(col(OrderRow.key) == key))).one_or_none()
            return None if row is None else order_value(row)

    async def orders(
        self, *, states: Collection[OrderState] | None = None, limit: int | None = None, before_id: str | None = None
    ) -> tuple[Order, ...]:
        wanted = select(OrderRow).order_by(col(OrderRow.id).desc()).limit(limit)
        if states is not None:
            wanted = wanted.where(col(OrderRow.state).in_([str(state) for state in states]))
        if before_id is not None:
            wanted = wanted.where(col(OrderRow.id) < before_id)
        async with self._sessions.reading() as session:
            return tuple(order_value(row) for row in await session.exec(wanted))

    async def attempts(self, order_id: str) -> tuple[Attempt, ...]:
        wanted = select(AttemptRow).where(col(AttemptRow.order_id) == order_id).order_by(col(AttemptRow.number))
        async with self._sessions.reading() as session:
            return tuple(attempt_value(row) for row in await session.exec(wanted))

    async def events(self, order_id: str, *, after_seq: int = 0) -> tuple[OrderEvent, ...]:
        wanted = (
            select(EventRow).where(col(EventRow.order_id) == order_id, col(EventRow.seq) > after_seq).order_by(col(EventRow.seq))
        )
        async with self._sessions.reading() as session:
            return tuple(event_value(row) for row in await session.exec(wanted))

    async def fills(self, order_id: str) -> tuple[Fill, ...]:
        wanted = select(FillRow).where(col(FillRow.order_id) == order_id).order_by(col(FillRow.slot))
        async with self._sessions.reading() as session:
            return tuple(fill_value(row) for row in await session.exec(wanted))


async def _order(session: AsyncSession, order_id: str) -> Order:
    row = await session.get(OrderRow, order_id, populate_existing=True)
    if row is None:
        raise OrderNotFound(f"there is no order {order_id} in this journal; `dex orders list` shows them", order=order_id)
    return order_value(row)


async def _record(
    session: AsyncSession, order: Order, before: OrderState | None, kind: EventKind, at_ms: int, facts: Json
) -> OrderEvent:
    event = OrderEvent(
        order_id=order.id,
        seq=order.event_seq,
        kind=kind,
        before=before,
        after=order.state,
        fencing=order.fencing,
        at_ms=at_ms,
        facts=facts,
    )
    await session.exec(insert(EventRow).values(**event_row(event)))
    return event


async def _keep_attempt(session: AsyncSession, attempt: Attempt) -> None:
    """Insert an intent, or write new facts of a live attempt. What was signed stays as it is."""
    row = await session.get(AttemptRow, attempt.id)
    columns = attempt_row(attempt)
    if row is None:
        await session.exec(insert(AttemptRow).values(**columns))
        return
    fixed = _SIGNED_ONCE if row.signature is None else (*_SIGNED_ONCE, "signature", "wire")
    changed = [name for name in fixed if getattr(row, name) != columns[name]]
    if changed or row.dead_at is not None:
        raise IllegalTransition(
            f"attempt {attempt.number} of order {attempt.order_id} is {'dead' if row.dead_at else 'fixed'}: "
            f"{', '.join(changed) or 'it'} cannot change any more",
            order=attempt.order_id,
            attempt=attempt.number,
        )
    await session.exec(update(AttemptRow).where(col(AttemptRow.id) == attempt.id).values(**columns))


def _count(result: object) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount


def _moved_on(before: Order, now: Order) -> OrderTakenOver | IllegalTransition:
    facts = {"order": before.id, "read": str(before.state), "found": str(now.state)}
    if now.fencing != before.fencing:
        return OrderTakenOver(f"order {before.id} was taken over by {now.claimed_by or 'another'} and is {now.state} now", **facts)
    return IllegalTransition(f"order {before.id} moved on from {before.state} (event {before.event_seq}) to {now.state}", **facts)
