"""What every write of the order journal is made of: the order's row, read within the transaction, and the event row of the step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, bindparam, cast, func, insert, literal_column, select, text

from dexroute.errors import OrderNotFound
from dexroute.storage.rows import event_row, order_value
from dexroute.storage.tables import OPEN_ORDERS, EventRow, OrderRow, table_of
from dexroute.types.orders import OPEN_STATES, EventKind, Json, Order, OrderEvent, OrderState

ORDERS: Final = table_of(OrderRow)
OPEN: Final = [str(state) for state in OPEN_STATES]
NOW_MS: Final[Any] = literal_column("(extract(epoch FROM clock_timestamp()) * 1000)::bigint", BigInteger())
"""PostgreSQL's own time: leases go by it, so that no worker's clock takes part."""
LEASE_END: Final[Any] = NOW_MS + cast(bindparam("lease_ms", type_=BigInteger()), BigInteger())

IS_OPEN: Final = text(f"orders.{OPEN_ORDERS}")
NOT_SETTLED: Final = text("NOT orders.settled")
"""Word for word what the partial indexes are made on: SQLite uses one for nothing else."""

READ_ORDER: Final = select(ORDERS).where(ORDERS.c.id == bindparam("on_id"))
_EVENTS: Final = table_of(EventRow)
LAST_POSITION: Final = select(func.coalesce(func.max(_EVENTS.c.position), 0)).where(_EVENTS.c.position.is_not(None))
_RECORD: Final = {
    # one writer at a time: what it commits is visible before the next begins, so that the next number is the next to be seen
    "sqlite": insert(_EVENTS).values(position=LAST_POSITION.scalar_subquery() + 1),
    "postgresql": insert(_EVENTS),  # numbered by who reads (storage/positions.py)
}


def read_order(connection: Connection, order_id: str) -> Order:
    """Raises OrderNotFound."""
    row = connection.execute(READ_ORDER, {"on_id": order_id}).one_or_none()
    if row is None:
        raise no_order(order_id)
    return order_value(row)


def record(connection: Connection, order: Order, before: OrderState | None, kind: EventKind, at_ms: int, facts: Json) -> OrderEvent:
    """The event of the step that made `order` what it is."""
    event = event_of(order, before, kind, at_ms, facts)
    record_all(connection, [event])
    return event


def record_all(connection: Connection, events: Sequence[OrderEvent]) -> None:
    """At least one."""
    connection.execute(_RECORD[connection.dialect.name], [event_row(event) for event in events])


def event_of(order: Order, before: OrderState | None, kind: EventKind, at_ms: int, facts: Json) -> OrderEvent:
    """The event of a step, for a step to record."""
    return OrderEvent(
        order_id=order.id,
        seq=order.event_seq,
        kind=kind,
        before=before,
        after=order.state,
        fencing=order.fencing,
        at_ms=at_ms,
        facts=facts,
    )


def no_order(order_id: str) -> OrderNotFound:
    return OrderNotFound(f"there is no order {order_id} in this journal; `dex orders list` shows them", order=order_id)
