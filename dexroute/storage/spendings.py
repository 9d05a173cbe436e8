"""What a wallet's orders took or may still take, read by a step that adds to it: one such step of a wallet after the other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, or_, select

from dexroute.storage.advisory import one_spender_at_a_time
from dexroute.storage.rows import costs_value, order_value
from dexroute.storage.steps import IS_OPEN, ORDERS
from dexroute.storage.tables import AttemptRow, table_of
from dexroute.types.orders import Costs, Order
from dexroute.types.spendings import Spending

_ATTEMPTS: Final = table_of(AttemptRow)
_LONGEST_MS: Final = 7 * 86_400_000
"""An order that waited longer than this before it ended counts for the day it was placed in only."""

_IS_ALIVE: Final = and_(_ATTEMPTS.c.order_id == ORDERS.c.id, _ATTEMPTS.c.dead_at.is_(None))
_OF_WALLET: Final = (
    select(ORDERS, _ATTEMPTS.c.id.label("attempt_id"), _ATTEMPTS.c.expected_costs)
    .join(_ATTEMPTS, _IS_ALIVE, isouter=True)
    .where(ORDERS.c.genesis_hash == bindparam("on_genesis"), ORDERS.c.wallet == bindparam("on_wallet"))
)
# an id begins with the time of its order, and is the key
_PLACED_SINCE: Final = ORDERS.c.id >= bindparam("since_id")
_CHANGED_SINCE: Final = and_(ORDERS.c.id >= bindparam("longest_id"), ORDERS.c.updated_ms >= bindparam("since_ms"))
_SINCE: Final = _OF_WALLET.where(or_(IS_OPEN, _PLACED_SINCE, _CHANGED_SINCE))


def spendings(connection: Connection, order: Order, since_ms: int) -> list[Spending]:
    """Of all orders of this order's wallet that are open, or were placed or changed since. No other step of the wallet that asks
    for them goes on before this transaction ends."""
    wallet = {"on_genesis": order.genesis_hash, "on_wallet": str(order.wallet)}
    one_spender_at_a_time(connection, order.genesis_hash, str(order.wallet))
    since = {"since_id": f"{since_ms:012x}", "longest_id": f"{since_ms - _LONGEST_MS:012x}", "since_ms": since_ms}
    return [Spending(order=order_value(row), reserved=_reserved(row)) for row in connection.execute(_SINCE, wallet | since)]


def _reserved(row: object) -> Costs | None:
    if row.attempt_id is None:  # type: ignore[attr-defined]
        return None
    return costs_value(row.expected_costs) or Costs()  # type: ignore[attr-defined]
