"""A step that moves one order on: what it writes alone, and what those of many orders write together on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Executable, bindparam, delete, func, insert, select

from dexroute.errors import IllegalTransition, OrderTakenOver
from dexroute.storage.attempts import intending, is_new_intent, keep_attempt, keeping, kept_columns
from dexroute.storage.moves import move, moving, moving_columns
from dexroute.storage.promises import promise, release, release_all
from dexroute.storage.rows import attempt_row, fill_row
from dexroute.storage.spendings import spendings
from dexroute.storage.steps import read_order
from dexroute.storage.tables import EventRow, FillRow, table_of
from dexroute.types.orders import Attempt, Fill, Order, OrderEvent
from dexroute.types.spendings import SpendingGuard

_EVENTS: Final = table_of(EventRow)
_FILLS: Final = table_of(FillRow)
_FILL: Final = insert(_FILLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """`before` becomes `stored` by `changes`, as `event` tells. A step of the journal (storage/groups.py)."""

    before: Order
    stored: Order
    changes: Mapping[str, Any]
    event: OrderEvent
    lease_ms: int | None
    attempt: Attempt | None
    fill: Fill | None
    withdrawn: Fill | None
    guard: SpendingGuard | None

    @property
    def ends(self) -> bool:
        """Whether other orders of the wallet wait for it: it takes off what the order had promised."""
        return self.before.is_open and not self.stored.is_open and bool(self.stored.promised)

    @property
    def joins(self) -> bool:
        """Whether it may be written with others'."""
        reopens = self.stored.is_open and not self.before.is_open
        return self.guard is None and self.withdrawn is None and not reopens

    def __call__(self, connection: Connection) -> None:
        """Raises IllegalTransition and OrderTakenOver when the order is no longer as `before`, and what the guard raises."""
        before, stored = self.before, self.stored
        if not move(connection, before, self.changes, self.event, self.lease_ms):
            raise _moved_on(before, read_order(connection, before.id))
        if self.guard is not None:
            self.guard.check(spendings(connection, before, self.guard.since_ms))
        if self.attempt is not None:
            keep_attempt(connection, self.attempt)
        if self.withdrawn is not None:
            connection.execute(delete(_FILLS).where(_FILLS.c.attempt_id == self.withdrawn.attempt_id))
        if self.fill is not None:
            connection.execute(_FILL, fill_row(self.fill))
        if before.is_open and not stored.is_open:
            release(connection, stored)
        elif stored.is_open and not before.is_open:
            promise(connection, stored, None, unasked=True)


class Together:
    """Steps that join, as few statements on PostgreSQL: one for each kind of step, whose rows travel at once. What is not as it was
    read, or is not written in the common way (an intent that is there already, an attempt revived), fails all of them: then each
    must be written alone, to say what is wrong with it."""

    def __init__(self, steps: Sequence[Advance]) -> None:
        self._rows: dict[Executable, list[dict[str, Any]]] = {}
        for step in steps:
            attempt, fill = step.attempt, step.fill
            intends = None if attempt is None else is_new_intent(attempt)
            row = moving_columns(step.before, step.changes, step.event, step.lease_ms)
            if attempt is not None:
                row |= _named("attempt", attempt_row(attempt) if intends else kept_columns(attempt))
            if fill is not None:
                row |= _named("fill", fill_row(fill))
            self._rows.setdefault(_statement(frozenset(step.changes), intends, fill is not None), []).append(row)
        self._ended = [step.stored for step in steps if step.ends]

    @property
    def is_one_statement(self) -> bool:
        """Then it needs no transaction around it."""
        return len(self._rows) == 1 and not self._ended

    def write(self, connection: Connection) -> None:
        """Promises last, and all wallets' in one order: who waits for one holds none that another of these waits for."""
        for statement, rows in self._rows.items():
            connection.execute(statement, rows)
        release_all(connection, self._ended)


@cache
def _statement(changed: frozenset[str], intends: bool | None, fills: bool) -> Executable:
    """Of one kind of step, a few dozen at most. The event is written where the order and the attempt were found as expected:
    dividing by how many were is an error where there is none."""
    found = [moving(changed).cte("moved")]
    if intends is not None:
        found.append((intending("attempt") if intends else keeping("attempt")).cte("kept"))
    told = [column for column in _EVENTS.c if column.name != "position"]
    row = select(*(bindparam(f"event_{column.name}", type_=column.type) for column in told)).where(
        *(1 // select(func.count()).select_from(part).scalar_subquery() == 1 for part in found)
    )
    if fills:
        filled = {column.name: bindparam(f"fill_{column.name}", type_=column.type) for column in _FILLS.c}
        row = row.add_cte(_FILL.values(filled).cte("filled"))
    return insert(_EVENTS).from_select(told, row)


def _named(prefix: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": value for name, value in columns.items()}


def _moved_on(before: Order, now: Order) -> OrderTakenOver | IllegalTransition:
    facts = {"order": before.id, "read": str(before.state), "found": str(now.state)}
    if now.fencing != before.fencing:
        return OrderTakenOver(f"order {before.id} was taken over by {now.claimed_by or 'another'} and is {now.state} now", **facts)
    return IllegalTransition(f"order {before.id} moved on from {before.state} (event {before.event_seq}) to {now.state}", **facts)
