"""What a wallet's orders took or may still take, read by a step that adds to it: one such step of a wallet after the other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, and_, bindparam, select, union

from dexroute.storage.advisory import one_spender_at_a_time
from dexroute.storage.rows import costs_value, order_value
from dexroute.storage.steps import IS_OPEN, ORDERS
from dexroute.storage.tables import AttemptRow, table_of
from dexroute.types.orders import Costs, Order
from dexroute.types.spendings import Spending

_ATTEMPTS: Final = table_of(AttemptRow)
_LANDS_WITHIN_MS: Final = 600_000  # of its signature, as far as its journal's host knows the time; a blockhash lives for a minute

_IS_ALIVE: Final = and_(_ATTEMPTS.c.order_id == ORDERS.c.id, _ATTEMPTS.c.dead_at.is_(None))
_OF_WALLET: Final = (
    select(ORDERS, _ATTEMPTS.c.id.label("attempt_id"), _ATTEMPTS.c.expected_costs)
    .join(_ATTEMPTS, _IS_ALIVE, isouter=True)
    .where(ORDERS.c.genesis_hash == bindparam("on_genesis"), ORDERS.c.wallet == bindparam("on_wallet"))
)
_COUNTING: Final = union(
    select(ORDERS.c.id).where(IS_OPEN),
    select(ORDERS.c.id).where(ORDERS.c.id >= bindparam("since_id")),  # an id begins with the time of its order, and is the key
    select(_ATTEMPTS.c.order_id).where(_ATTEMPTS.c.signed_ms >= bindparam("signed_since_ms")),  # however long it had waited
)
_SINCE: Final = _OF_WALLET.where(ORDERS.c.id.in_(_COUNTING))


def spendings(connection: Connection, order: Order, since_ms: int) -> list[Spending]:
    """Of all orders of this order's wallet that are open, or were placed since, or may have landed since. No other step of the
    wallet that asks for them goes on before this transaction ends."""
    wallet = {"on_genesis": order.genesis_hash, "on_wallet": str(order.wallet)}
    one_spender_at_a_time(connection, order.genesis_hash, str(order.wallet))
    since = {"since_id": f"{since_ms:012x}", "signed_since_ms": since_ms - _LANDS_WITHIN_MS}
    return [Spending(order=order_value(row), reserved=_reserved(row)) for row in connection.execute(_SINCE, wallet | since)]


def _reserved(row: object) -> Costs | None:
    if row.attempt_id is None:  # type: ignore[attr-defined]
        return None
    return costs_value(row.expected_costs) or Costs()  # type: ignore[attr-defined]
