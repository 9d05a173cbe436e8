"""One number for every event of the journal, in an order all readers agree on: dexroute.ports.EventSource.

A SQLite journal has one writer: there a step gives its event the next number itself (storage/steps.py), and readers only read.

On PostgreSQL a number drawn while a transaction runs (a sequence, a clock, a transaction id) may become visible after a higher
one: who reads "everything above N" then misses an event. So there numbers are given after the commit: whoever reads first numbers
what is committed and has none yet, one at a time. An order's events are committed one after another, so those without a number are
always its last ones, and numbering them by (order, seq) keeps their order. Nobody reading, nothing is numbered, and placing and
landing orders waits for nobody.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from dexroute.storage.advisory import POSITIONS, one_at_a_time
from dexroute.storage.rows import event_value
from dexroute.storage.sessions import Sessions
from dexroute.storage.steps import LAST_POSITION
from dexroute.storage.tables import EventRow, table_of
from dexroute.types.orders import OrderEvent

_EVENTS: Final = table_of(EventRow)
_AT_ONCE: Final = 1_000
_UNNUMBERED: Final = (
    select(_EVENTS.c.order_id, _EVENTS.c.seq)
    .where(_EVENTS.c.position.is_(None))
    .order_by(_EVENTS.c.order_id, _EVENTS.c.seq)
    .limit(_AT_ONCE)
)
_ANY: Final = select(_EVENTS.c.seq).where(_EVENTS.c.position.is_(None)).limit(1)
_NUMBER: Final = (
    update(_EVENTS)
    .where(_EVENTS.c.order_id == bindparam("on_order"), _EVENTS.c.seq == bindparam("on_seq"))
    .values(position=bindparam("number"))
)


class SqlPositions:
    """Part of `SqlStore`."""

    _sessions: Sessions

    async def journal_events(self, *, after: int, limit: int) -> tuple[OrderEvent, ...]:
        wanted = select(_EVENTS).where(_EVENTS.c.position > after).order_by(_EVENTS.c.position).limit(limit)
        while self._sessions.dialect == "postgresql" and await self._sessions.rows(_ANY):
            if not await self._sessions.write(_number):
                break
        rows = await self._sessions.rows(wanted)
        with self._sessions.parsing():
            return tuple(event_value(row) for row in rows)


def _number(connection: Connection) -> int:
    """Number what is committed and has no number. How many are left, at least."""
    one_at_a_time(connection, POSITIONS)
    last = connection.execute(LAST_POSITION).scalar_one()
    found = connection.execute(_UNNUMBERED).all()
    if found:
        numbers = [{"on_order": row.order_id, "on_seq": row.seq, "number": last + n} for n, row in enumerate(found, 1)]
        connection.execute(_NUMBER, numbers)
    return len(found) // _AT_ONCE
