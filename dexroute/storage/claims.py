"""Who works on an order: claims with a fencing number, held by a lease where several processes share the database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, Select, bindparam, or_, select, update

from dexroute.errors import OrderTakenOver
from dexroute.storage.rows import order_value
from dexroute.storage.sessions import Sessions
from dexroute.storage.steps import IS_OPEN, LEASE_END, NOW_MS, ORDERS, event_of, read_order, record, record_all
from dexroute.types.orders import EventKind, Order, OrderEvent

_NEXT: Final[dict[str, Any]] = {"fencing": ORDERS.c.fencing + 1, "event_seq": ORDERS.c.event_seq + 1}
_TAKE: Final = update(ORDERS).where(ORDERS.c.id == bindparam("on_id")).values(_NEXT)
_TAKE_LEASED: Final = _TAKE.values(lease_until_ms=LEASE_END)
_LET_GO: Final = (
    update(ORDERS).where(ORDERS.c.id == bindparam("on_id"), ORDERS.c.fencing == bindparam("on_fencing")).values(lease_until_ms=None)
)


class SqlClaims:
    """On PostgreSQL a claim is for a time. A SQLite file is one process's anyway: there its lock is the lease."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._hearers: list[Callable[[OrderEvent], None]] = []

    def on_commit(self, hear: Callable[[OrderEvent], None]) -> None:
        self._hearers.append(hear)

    def _committed(self, *events: OrderEvent) -> None:
        """Only ever called with what is durable."""
        for event in events:
            for hear in self._hearers:
                hear(event)

    async def claim(self, order_id: str, *, owner: str, at_ms: int, lease_ms: int | None = None, only_free: bool = False) -> Order:
        free = [or_(ORDERS.c.claimed_by == owner, self._is_free())] if only_free and self.leased else []
        claiming = update(ORDERS).where(ORDERS.c.id == order_id, IS_OPEN, *free)

        def step(connection: Connection) -> tuple[Order, OrderEvent | None]:
            claimed = connection.execute(self._by(claiming, owner, at_ms), {"lease_ms": lease_ms} if self.leased else {})
            order = read_order(connection, order_id)
            if claimed.rowcount == 1:
                return order, record(connection, order, order.state, EventKind.CLAIMED, at_ms, {"owner": owner})
            if order.is_open:
                raise OrderTakenOver(
                    f"order {order_id} is {order.claimed_by}'s until its lease ends; it is {order.state} now",
                    order=order_id,
                    owner=order.claimed_by,
                    found=str(order.state),
                )
            return order, None

        order, event = await self._sessions.write(step)
        if event is not None:
            self._committed(event)
        return order

    async def take(
        self,
        *,
        owner: str,
        genesis_hash: str,
        at_ms: int,
        limit: int,
        lease_ms: int | None = None,
        busy: Collection[str] = (),
        busy_wallets: Collection[Pubkey] = (),
        wallets: Collection[Pubkey] | None = None,
    ) -> tuple[Order, ...]:
        waiting = self._waiting(owner, genesis_hash, busy, busy_wallets, wallets).limit(limit).with_for_update(skip_locked=True)
        changes = {"claimed_by": owner, "updated_ms": at_ms} | ({"lease_ms": lease_ms} if self.leased else {})

        def step(connection: Connection) -> list[tuple[Order, OrderEvent]]:
            taken = []
            for row in connection.execute(waiting):  # locked as they are read
                before = order_value(row)
                order = replace(
                    before, fencing=before.fencing + 1, event_seq=before.event_seq + 1, claimed_by=owner, updated_ms=at_ms
                )
                taken.append((order, event_of(order, order.state, EventKind.CLAIMED, at_ms, {"owner": owner})))
            if taken:
                claiming = _TAKE_LEASED if self.leased else _TAKE
                connection.execute(claiming, [changes | {"on_id": order.id} for order, _ in taken])
                record_all(connection, [event for _, event in taken])
            return taken

        claimed = await self._sessions.write(step)
        self._committed(*(event for _, event in claimed))
        return tuple(order for order, _ in claimed)

    async def renew(self, *, owner: str, lease_ms: int) -> None:
        if self.leased:
            held = update(ORDERS).where(ORDERS.c.claimed_by == owner, IS_OPEN, ORDERS.c.lease_until_ms > NOW_MS)
            parameters = {"lease_ms": lease_ms}
            await self._sessions.write(lambda connection: connection.execute(held.values(lease_until_ms=LEASE_END), parameters))

    async def let_go(self, order: Order) -> None:
        if self.leased:
            ours = {"on_id": order.id, "on_fencing": order.fencing}
            await self._sessions.write(lambda connection: connection.execute(_LET_GO, ours))

    @property
    def leased(self) -> bool:
        return self._sessions.dialect == "postgresql"

    def _waiting(
        self,
        owner: str,
        genesis_hash: str,
        busy: Collection[str] = (),
        busy_wallets: Collection[Pubkey] = (),
        wallets: Collection[Pubkey] | None = None,
    ) -> Select[Any]:
        waiting = select(ORDERS).where(IS_OPEN, ORDERS.c.genesis_hash == genesis_hash)
        if self.leased:
            # its own as well: what it could not let go of (the database was away) is kept leased by the beat of its other work
            waiting = waiting.where(or_(ORDERS.c.claimed_by == owner, self._is_free()))
        if wallets is not None:
            waiting = waiting.where(ORDERS.c.wallet.in_([str(wallet) for wallet in wallets]))
        if busy:
            waiting = waiting.where(ORDERS.c.id.not_in(list(busy)))
        if busy_wallets:
            waiting = waiting.where(ORDERS.c.wallet.not_in([str(wallet) for wallet in busy_wallets]))
        return waiting.order_by(ORDERS.c.rank_ms, ORDERS.c.id)

    def _by(self, claiming: Any, owner: str, at_ms: int) -> Any:
        lease = {"lease_until_ms": LEASE_END} if self.leased else {}
        return claiming.values(claimed_by=owner, updated_ms=at_ms, **_NEXT, **lease)

    def _is_free(self) -> Any:
        return or_(ORDERS.c.lease_until_ms.is_(None), ORDERS.c.lease_until_ms <= NOW_MS)
