"""The heart of every step: an order moved on from where it was read, with the event that says so."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Executable, bindparam, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from dexroute.storage.rows import event_row
from dexroute.storage.steps import LEASE_END, ORDERS, record_all
from dexroute.storage.tables import EventRow, table_of
from dexroute.types.orders import Order, OrderEvent

_EVENTS: Final = table_of(EventRow)
# compare and set: the state and the claim a step was decided on, and no event since
_MOVE: Final = update(ORDERS).where(
    ORDERS.c.id == bindparam("on_id"),
    ORDERS.c.state == bindparam("on_state"),
    ORDERS.c.fencing == bindparam("on_fencing"),
    ORDERS.c.event_seq == bindparam("on_event_seq"),
)


def move(connection: Connection, before: Order, changes: Mapping[str, Any], event: OrderEvent, lease_ms: int | None) -> bool:
    """Write `changes` and `event`; False, with nothing written, when the order is no longer as `before`. Where orders are leased,
    `lease_ms` is how long this one is the writer's from now on (None: no longer)."""
    if connection.dialect.name == "postgresql":  # one way to the server instead of two
        return (
            connection.execute(_move_and_tell(frozenset(changes)), moving_columns(before, changes, event, lease_ms)).rowcount == 1
        )
    if connection.execute(_MOVE, dict(changes) | _read(before)).rowcount != 1:
        return False
    record_all(connection, [event])
    return True


def moving(changed: frozenset[str]) -> ReturningUpdate[Any]:
    """The order's part of a step that changes these columns, on PostgreSQL: it returns the id of an order that was as expected."""
    values = {name: bindparam(f"new_{name}", type_=ORDERS.c[name].type) for name in sorted(changed)}
    return _MOVE.values(**values, lease_until_ms=LEASE_END).returning(ORDERS.c.id)


def moving_columns(before: Order, changes: Mapping[str, Any], event: OrderEvent, lease_ms: int | None) -> dict[str, Any]:
    """The parameters of `moving`, and of the event's row."""
    told = {f"event_{name}": value for name, value in event_row(event).items()}
    values = {f"new_{name}": value for name, value in changes.items()}
    return _read(before) | told | values | {"lease_ms": lease_ms}


def _read(before: Order) -> dict[str, Any]:
    return {
        "on_id": before.id,
        "on_state": str(before.state),
        "on_fencing": before.fencing,
        "on_event_seq": before.event_seq,
    }


@cache
def _move_and_tell(changed: frozenset[str]) -> Executable:
    """A step writes one of a dozen sets of columns."""
    moved = moving(changed).cte("moved")
    told = [column for column in _EVENTS.c if column.name != "position"]
    row = select(*(bindparam(f"event_{column.name}", type_=column.type) for column in told)).select_from(moved)
    return insert(_EVENTS).from_select(told, row)
