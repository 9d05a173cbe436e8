"""Which workers hold open orders at this moment."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, func, null, select

from dexroute.storage.sessions import Sessions
from dexroute.storage.steps import IS_OPEN, NOW_MS, ORDERS
from dexroute.storage.tables import EventRow, table_of
from dexroute.types.orders import Holder

_EVENTS: Final = table_of(EventRow)
_CLAIMED_MS: Final = (  # the first step under the order's fencing number is the claim itself
    select(_EVENTS.c.at_ms)
    .where(_EVENTS.c.order_id == ORDERS.c.id, _EVENTS.c.fencing == ORDERS.c.fencing)
    .order_by(_EVENTS.c.seq)
    .limit(1)
    .correlate(ORDERS)
    .scalar_subquery()
)
_IS_HELD: Final[dict[str, Any]] = {
    "postgresql": ORDERS.c.lease_until_ms > NOW_MS,
    "sqlite": ORDERS.c.claimed_by.like(bindparam("of_process")),
}
_LEASE_LEFT_MS: Final[dict[str, Any]] = {"postgresql": ORDERS.c.lease_until_ms - NOW_MS, "sqlite": null()}


async def read_holders(sessions: Sessions, process: int | None) -> tuple[Holder, ...]:
    """By worker, most orders first. On SQLite only `process` can hold any, the one that has the journal's lock: what an earlier
    one claimed waits for it."""
    if sessions.dialect == "sqlite" and process is None:
        return ()
    held = (
        select(ORDERS.c.claimed_by, _CLAIMED_MS.label("since_ms"), _LEASE_LEFT_MS[sessions.dialect].label("left_ms"))
        .where(IS_OPEN, ORDERS.c.claimed_by != "", _IS_HELD[sessions.dialect])
        .subquery()
    )
    number, since, left = func.count(), func.min(held.c.since_ms), func.min(held.c.left_ms)
    wanted = (
        select(held.c.claimed_by, number.label("number"), since.label("since_ms"), left.label("left_ms"))
        .group_by(held.c.claimed_by)
        .order_by(number.desc(), held.c.claimed_by)
    )
    rows = await sessions.rows(wanted, {"of_process": f"%:{process}:%"} if sessions.dialect == "sqlite" else None)
    return tuple(Holder(owner=row.claimed_by, orders=row.number, since_ms=row.since_ms, lease_left_ms=row.left_ms) for row in rows)
