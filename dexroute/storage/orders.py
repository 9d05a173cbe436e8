"""The order journal in SQL: dexroute.ports.OrderStore."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dexroute.errors import IdempotencyConflict, IllegalTransition
from dexroute.storage.advances import Advance
from dexroute.storage.landed import SqlLanded
from dexroute.storage.promises import promise, promised_of
from dexroute.storage.rows import (
    attempt_value,
    event_value,
    fill_value,
    order_columns,
    order_row,
    order_value,
)
from dexroute.storage.steps import IS_OPEN, LEASE_END, ORDERS, READ_ORDER, event_of, no_order, record
from dexroute.storage.tables import AttemptRow, EventRow, FillRow, table_of
from dexroute.types.changed import changed
from dexroute.types.orders import (
    OPEN_STATES,
    Attempt,
    EventKind,
    Fill,
    Json,
    Order,
    OrderEvent,
    OrderState,
    Priority,
    is_legal_move,
)
from dexroute.types.spendings import SpendingGuard

_ATTEMPTS: Final = table_of(AttemptRow)
_EVENTS: Final = table_of(EventRow)
_FILLS: Final = table_of(FillRow)
_PLACE: Final = {
    "sqlite": sqlite.insert(ORDERS).on_conflict_do_nothing(index_elements=["key"]),
    "postgresql": postgresql.insert(ORDERS).values(lease_until_ms=LEASE_END).on_conflict_do_nothing(index_elements=["key"]),
}
_BY_KEY: Final = select(ORDERS).where(ORDERS.c.key == bindparam("on_key"))
_OF_ORDER: Final = select(_ATTEMPTS).where(_ATTEMPTS.c.order_id == bindparam("on_id")).order_by(_ATTEMPTS.c.number)
COUNT_SIGNED: Final = select(func.count(_ATTEMPTS.c.signature).label("number"))


class SqlOrders(SqlLanded):
    """Orders, attempts, events and fills. Every write is one transaction with its event row."""

    async def place(
        self,
        order: Order,
        *,
        owner: str = "",
        lease_ms: int | None = None,
        available: Mapping[Pubkey, int] | None = None,
    ) -> tuple[Order, bool]:
        if order.state is not OrderState.PENDING:
            raise IllegalTransition(f"a new order starts as PENDING, not {order.state}", order=order.id)
        placed = replace(order, event_seq=1, claimed_by=owner)
        row = order_row(placed) | ({"lease_ms": lease_ms} if self.leased else {})

        def step(connection: Connection) -> tuple[Order, OrderEvent | None]:
            if connection.execute(_PLACE[connection.dialect.name], row).rowcount == 1:
                event = record(connection, placed, None, EventKind.PLACED, placed.created_ms, {})
                promise(connection, placed, available)  # the last: other orders of the wallet wait from here to the end
                return placed, event
            known = connection.execute(_BY_KEY, {"on_key": order.key}).one()
            return order_value(known), None

        known, event = await self._sessions.write(step)
        if event is not None:
            self._committed(event)
        if known.body_hash != order.body_hash:
            raise IdempotencyConflict(
                f"key {order.key!r} already belongs to order {known.id}, which asked for something else: "
                "use a new key for a new swap, or repeat the old one unchanged",
                key=order.key,
                order=known.id,
            )
        return known, event is not None

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
        withdrawn: Fill | None = None,
        lease_ms: int | None = None,
        guard: SpendingGuard | None = None,
    ) -> tuple[Order, OrderEvent]:
        if after.state is not before.state and (before.settled or not is_legal_move(before.state, after.state)):
            raise IllegalTransition(
                f"order {before.id} cannot go from {before.state} to {after.state}",
                order=before.id,
                before=str(before.state),
                after=str(after.state),
            )
        # becoming final changes nothing that was told of the order
        updated_ms = before.updated_ms if kind is EventKind.FINALIZED else at_ms
        stored = changed(after, event_seq=before.event_seq + 1, updated_ms=updated_ms)
        known = order_columns(before)
        changes = {name: value for name, value in order_columns(stored).items() if value != known[name]}
        event = event_of(stored, before.state, kind, at_ms, facts or {})

        step = Advance(
            before=before,
            stored=stored,
            changes=changes,
            event=event,
            lease_ms=lease_ms if stored.is_open else None,
            attempt=attempt,
            fill=fill,
            withdrawn=withdrawn,
            guard=guard,
        )
        await self._sessions.write(step, signs=kind is EventKind.SIGNED)
        self._committed(event)
        return stored, event

    async def promised(self, genesis_hash: str, wallet: Pubkey) -> Mapping[Pubkey, int]:
        rows = await self._sessions.rows(promised_of(genesis_hash, wallet))
        return {Pubkey.from_string(row.mint): row.amount for row in rows}

    async def order(self, order_id: str) -> Order:
        return self._one(order_id, await self._sessions.rows(READ_ORDER, {"on_id": order_id}))

    async def order_by_key(self, key: str) -> Order | None:
        rows = await self._sessions.rows(_BY_KEY, {"on_key": key})
        return self._one(key, rows) if rows else None

    async def orders(
        self, *, states: Collection[OrderState] | None = None, limit: int | None = None, before_id: str | None = None
    ) -> tuple[Order, ...]:
        wanted = select(ORDERS).order_by(ORDERS.c.id.desc()).limit(limit)
        if states is not None:
            wanted = wanted.where(ORDERS.c.state.in_([str(state) for state in states]))
            if OPEN_STATES.issuperset(states):
                wanted = wanted.where(IS_OPEN)  # for the sake of its index
        if before_id is not None:
            wanted = wanted.where(ORDERS.c.id < before_id)
        return self._orders(await self._sessions.rows(wanted))

    async def counts(self) -> tuple[tuple[OrderState, Priority, bool, int], ...]:
        wanted = select(ORDERS.c.state, ORDERS.c.priority, ORDERS.c.settled, func.count().label("number")).group_by(
            ORDERS.c.state, ORDERS.c.priority, ORDERS.c.settled
        )
        with self._sessions.parsing():
            return tuple(
                (OrderState(row.state), Priority(row.priority), bool(row.settled), int(row.number))
                for row in await self._sessions.rows(wanted)
            )

    async def oldest_open(self) -> Order | None:
        wanted = select(ORDERS).where(IS_OPEN).order_by(ORDERS.c.id).limit(1)
        found = self._orders(await self._sessions.rows(wanted))
        return found[0] if found else None

    async def open_orders(self) -> Mapping[tuple[str, Pubkey], int]:
        wanted = (
            select(ORDERS.c.genesis_hash, ORDERS.c.wallet, func.count().label("number"))
            .where(IS_OPEN)
            .group_by(ORDERS.c.genesis_hash, ORDERS.c.wallet)
        )
        with self._sessions.parsing():
            rows = await self._sessions.rows(wanted)
            return {(row.genesis_hash, Pubkey.from_string(row.wallet)): int(row.number) for row in rows}

    async def newest_steps(self, kinds: Collection[EventKind], *, limit: int) -> tuple[OrderEvent, ...]:
        # ids are of their time, so the primary key is in the order of placing, and nothing is sorted
        newest = select(_EVENTS).order_by(_EVENTS.c.order_id.desc(), _EVENTS.c.seq.desc())
        rows = await self._sessions.rows(newest.where(_EVENTS.c.kind.in_([str(kind) for kind in kinds])).limit(limit))
        with self._sessions.parsing():
            return tuple(event_value(row) for row in rows)

    async def attempts(self, order_id: str) -> tuple[Attempt, ...]:
        rows = await self._sessions.rows(_OF_ORDER, {"on_id": order_id})
        with self._sessions.parsing():
            return tuple(attempt_value(row) for row in rows)

    async def signed(self) -> int:
        """How many signatures the journal holds."""
        (row,) = await self._sessions.rows(COUNT_SIGNED)
        return int(row.number)

    async def known_signatures(self, signatures: Sequence[str]) -> frozenset[str]:
        found = await self._sessions.rows(select(_ATTEMPTS.c.signature).where(_ATTEMPTS.c.signature.in_(list(signatures))))
        return frozenset(row.signature for row in found)

    async def events(self, order_id: str, *, after_seq: int = 0) -> tuple[OrderEvent, ...]:
        wanted = select(_EVENTS).where(_EVENTS.c.order_id == order_id, _EVENTS.c.seq > after_seq).order_by(_EVENTS.c.seq)
        rows = await self._sessions.rows(wanted)
        with self._sessions.parsing():
            return tuple(event_value(row) for row in rows)

    async def fills(self, order_id: str) -> tuple[Fill, ...]:
        rows = await self._sessions.rows(select(_FILLS).where(_FILLS.c.order_id == order_id).order_by(_FILLS.c.slot))
        with self._sessions.parsing():
            return tuple(fill_value(row) for row in rows)

    def _one(self, name: str, rows: Sequence[Any]) -> Order:
        if not rows:
            raise no_order(name)
        return self._orders(rows)[0]

    def _orders(self, rows: Sequence[Any]) -> tuple[Order, ...]:
        with self._sessions.parsing():
            return tuple(order_value(row) for row in rows)
