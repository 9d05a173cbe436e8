"""The whole journal in pages: every order with all that belongs to it, in the order they were placed, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, Table, inspect, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dexroute.errors import DatabaseError
from dexroute.storage.rows import attempt_value, event_value, fill_value, order_value
from dexroute.storage.steps import ORDERS
from dexroute.storage.tables import AttemptRow, EventRow, FillRow, PromisedRow, table_of
from dexroute.types.orders import OrderHistory, OrderState

_ATTEMPTS: Final = table_of(AttemptRow)
_EVENTS: Final = table_of(EventRow)
_FILLS: Final = table_of(FillRow)
_PROMISED: Final = table_of(PromisedRow)
_PAGE: Final = 200
_MOST_ORPHANS: Final = 100
_GUARD: Final = "uq_attempts_live"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableOrder:
    """An order of which some stored value does not parse."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilter:
    """Which orders: placed at `since_ms` or after and before `until_ms` (Unix time, at most 48 bits), in one of `states`, of
    `wallet`, with `mint` paid or received. None: all."""

    since_ms: int | None = None
    until_ms: int | None = None
    states: Collection[OrderState] | None = None
    wallet: Pubkey | None = None
    mint: Pubkey | None = None


class JournalSnapshot:
    """One consistent view of a journal. Good while the block that opened it lasts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def histories(
        self, wanted: HistoryFilter | None = None, *, attempts: bool = True, events: bool = True
    ) -> AsyncIterator[OrderHistory | UnreadableOrder]:
        """Oldest order first; `attempts` and `events` are read only when asked for. What does not parse spoils its own order and
        no other."""
        chosen = _chosen(wanted or HistoryFilter())
        last = ""
        while True:
            ids = (await self._connection.execute(chosen.where(ORDERS.c.id > last).limit(_PAGE))).scalars().all()
            if not ids:
                return
            last = ids[-1]
            for one in await self._page(ids, attempts, events):
                yield one

    async def orphans(self) -> Mapping[str, str]:
        """Orders that attempts, events or fills name and that are not there: id and what names it. At most a hundred of each."""
        found: dict[str, str] = {}
        for table in (_ATTEMPTS, _EVENTS, _FILLS):
            orphaned = select(table.c.order_id).where(~select(ORDERS.c.id).where(ORDERS.c.id == table.c.order_id).exists())
            rows = await self._connection.execute(orphaned.distinct().limit(_MOST_ORPHANS))
            found |= {
                order_id: f"{found[order_id]}, {table.name}" if order_id in found else table.name for order_id in rows.scalars()
            }
        return found

    async def promised(self) -> Mapping[tuple[str, Pubkey, Pubkey], int]:
        """Every total that is not zero: (genesis hash, wallet, mint) and base units."""
        rows = (await self._connection.execute(select(_PROMISED))).all()
        return {
            (row.genesis_hash, Pubkey.from_string(row.wallet), Pubkey.from_string(row.mint)): row.amount
            for row in rows
            if row.amount
        }

    async def is_guarded(self) -> bool:
        """Whether the database itself refuses a second live attempt of an order."""

        def look(connection: Connection) -> bool:
            return any(index["name"] == _GUARD and index["unique"] for index in inspect(connection).get_indexes(_ATTEMPTS.name))

        return await self._connection.run_sync(look)

    async def _page(self, ids: Sequence[str], attempts: bool, events: bool) -> list[OrderHistory | UnreadableOrder]:
        try:
            of_attempts = await self._grouped(_ATTEMPTS, _ATTEMPTS.c.number, ids) if attempts else {}
            of_events = await self._grouped(_EVENTS, _EVENTS.c.seq, ids) if events else {}
            of_fills = await self._grouped(_FILLS, _FILLS.c.slot, ids)
            rows = (await self._connection.execute(select(ORDERS).where(ORDERS.c.id.in_(ids)).order_by(ORDERS.c.id))).all()
            return [
                OrderHistory(
                    order=order_value(row),
                    attempts=tuple(attempt_value(one) for one in of_attempts.get(row.id, ())),
                    events=tuple(event_value(one) for one in of_events.get(row.id, ())),
                    fills=tuple(fill_value(one) for one in of_fills.get(row.id, ())),
                )
                for row in rows
            ]
        except (DatabaseError, ValueError, KeyError, TypeError, AttributeError) as error:
            if len(ids) == 1:
                return [UnreadableOrder(order_id=ids[0], reason=f"{type(error).__name__}: {error}")]
        return [one for order_id in ids for one in await self._page([order_id], attempts, events)]

    async def _grouped(self, table: Table, by: Any, ids: Sequence[str]) -> Mapping[str, list[Any]]:
        grouped: defaultdict[str, list[Any]] = defaultdict(list)
        for row in await self._connection.execute(select(table).where(table.c.order_id.in_(ids)).order_by(table.c.order_id, by)):
            grouped[row.order_id].append(row)
        return grouped


def _chosen(wanted: HistoryFilter) -> Any:
    chosen = select(ORDERS.c.id).order_by(ORDERS.c.id)
    if wanted.since_ms is not None:
        chosen = chosen.where(ORDERS.c.id >= f"{max(0, wanted.since_ms):012x}")  # an id begins with the time of its order
    if wanted.until_ms is not None:
        chosen = chosen.where(ORDERS.c.id < f"{max(0, wanted.until_ms):012x}")
    if wanted.states is not None:
        chosen = chosen.where(ORDERS.c.state.in_([str(state) for state in wanted.states]))
    if wanted.wallet is not None:
        chosen = chosen.where(ORDERS.c.wallet == str(wanted.wallet))
    if wanted.mint is not None:
        chosen = chosen.where(or_(ORDERS.c.input_mint == str(wanted.mint), ORDERS.c.output_mint == str(wanted.mint)))
    return chosen
