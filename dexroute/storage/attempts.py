"""Writing an attempt's row: what was signed stays as it is, and what is dead stays dead, but for one case a fork can make."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from dexroute.errors import IllegalTransition
from dexroute.storage.rows import attempt_row
from dexroute.storage.tables import AttemptRow, table_of
from dexroute.types.orders import Attempt, AttemptOutcome

_ATTEMPTS: Final = table_of(AttemptRow)
_FIXED: Final = ("order_id", "number", "message", "blockhash", "last_valid_block_height")
_SIGNED: Final = ("signature", "wire")
_LATER: Final = (*_SIGNED, "signed_ms", "outcome", "slot", "error", "dead_at")


def _as_given(*names: str, prefix: str = "on_") -> ColumnElement[bool]:
    return and_(*(_ATTEMPTS.c[name] == bindparam(f"{prefix}{name}") for name in names))


def _may_change(prefix: str) -> ColumnElement[bool]:
    """The rules are part of the write: a row that it does not find is read only to say why."""
    unsigned_or_same = or_(_ATTEMPTS.c.signature.is_(None), _as_given(*_SIGNED, prefix=prefix))
    return and_(_as_given("id", *_FIXED, prefix=prefix), unsigned_or_same, _ATTEMPTS.c.dead_at.is_(None))


_INTEND: Final = {
    "sqlite": sqlite.insert(_ATTEMPTS).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_ATTEMPTS).on_conflict_do_nothing(),
}
_INSERT: Final = insert(_ATTEMPTS)
_UPDATE: Final = update(_ATTEMPTS).where(_may_change("on_"))
_REVIVE: Final = update(_ATTEMPTS).where(
    _as_given("id", *_FIXED, *_SIGNED), _ATTEMPTS.c.outcome == str(AttemptOutcome.LANDED_WITH_ERROR)
)
_READ: Final = select(*(_ATTEMPTS.c[name] for name in (*_FIXED, *_SIGNED, "dead_at"))).where(_as_given("id"))


def keep_attempt(connection: Connection, attempt: Attempt) -> None:
    """Insert an intent, or write new facts of an attempt. Raises IllegalTransition when that would change what was signed, or
    bring back to life what is proven dead. Only a refusal on chain that a fork dropped before it was final may come back."""
    columns = attempt_row(attempt)
    if is_new_intent(attempt) and _wrote(connection, _INTEND[connection.dialect.name], columns):
        return
    later = kept_columns(attempt)
    knows_no_end = attempt.is_live and attempt.outcome is None
    if _wrote(connection, _UPDATE, later) or (knows_no_end and _wrote(connection, _REVIVE, later)):
        return
    row = connection.execute(_READ, {"on_id": attempt.id}).one_or_none()
    if row is None:
        connection.execute(_INSERT, columns)
        return
    fixed = _FIXED if row.signature is None else (*_FIXED, *_SIGNED)
    changed = [name for name in fixed if getattr(row, name) != columns[name]]
    raise IllegalTransition(
        f"attempt {attempt.number} of order {attempt.order_id} is {'dead' if row.dead_at else 'fixed'}: "
        f"{', '.join(changed) or 'it'} cannot change any more",
        order=attempt.order_id,
        attempt=attempt.number,
    )


def is_new_intent(attempt: Attempt) -> bool:
    return attempt.is_live and attempt.outcome is None and attempt.signature is None


def kept_columns(attempt: Attempt) -> dict[str, Any]:
    """The parameters that write new facts of an attempt, if it is what it was."""
    columns = attempt_row(attempt)
    return {name: columns[name] for name in _LATER} | {f"on_{name}": columns[name] for name in ("id", *_FIXED, *_SIGNED)}


def intending(prefix: str) -> ReturningInsert[Any]:
    """A new intent as part of a larger statement, its parameters named with `prefix`."""
    values = {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in _ATTEMPTS.c}
    return _INSERT.values(values).returning(_ATTEMPTS.c.id)


def keeping(prefix: str) -> ReturningUpdate[Any]:
    """New facts of an attempt as part of a larger statement; it returns the id of one that may still get them."""
    values = {name: bindparam(f"{prefix}_{name}", type_=_ATTEMPTS.c[name].type) for name in _LATER}
    return update(_ATTEMPTS).where(_may_change(f"{prefix}_on_")).values(values).returning(_ATTEMPTS.c.id)


def _wrote(connection: Connection, statement: Any, columns: dict[str, Any]) -> bool:
    return connection.execute(statement, columns).rowcount == 1
