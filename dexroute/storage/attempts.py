"""Writing an attempt's row: what was signed stays as it is, and what is dead stays dead, but for one case a fork can make."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from dexroute.errors import IllegalTransition
from dexroute.storage.rows import attempt_row
from dexroute.storage.tables import AttemptRow, table_of
from dexroute.types.orders import Attempt, AttemptOutcome

_ATTEMPTS: Final = table_of(AttemptRow)
_FIXED: Final = ("order_id", "number", "message", "blockhash", "last_valid_block_height")
_LATER: Final = ("signature", "wire", "signed_ms", "outcome", "slot", "error", "dead_at")
_READ: Final = select(*(_ATTEMPTS.c[name] for name in (*_FIXED, "signature", "wire", "outcome", "dead_at"))).where(
    _ATTEMPTS.c.id == bindparam("on_id")
)
_INSERT: Final = insert(_ATTEMPTS)
_UPDATE: Final = update(_ATTEMPTS).where(_ATTEMPTS.c.id == bindparam("on_id"))


def keep_attempt(connection: Connection, attempt: Attempt) -> None:
    """Insert an intent, or write new facts of an attempt. Raises IllegalTransition when that would change what was signed, or
    bring back to life what is proven dead. Only a refusal on chain that a fork dropped before it was final may come back."""
    columns = attempt_row(attempt)
    row = connection.execute(_READ, {"on_id": attempt.id}).one_or_none()
    if row is None:
        connection.execute(_INSERT, columns)
        return
    fixed = _FIXED if row.signature is None else (*_FIXED, "signature", "wire")
    changed = [name for name in fixed if getattr(row, name) != columns[name]]
    dropped_by_fork = row.outcome == AttemptOutcome.LANDED_WITH_ERROR and attempt.is_live and attempt.outcome is None
    if changed or (row.dead_at is not None and not dropped_by_fork):
        raise IllegalTransition(
            f"attempt {attempt.number} of order {attempt.order_id} is {'dead' if row.dead_at else 'fixed'}: "
            f"{', '.join(changed) or 'it'} cannot change any more",
            order=attempt.order_id,
            attempt=attempt.number,
        )
    connection.execute(_UPDATE, {name: columns[name] for name in _LATER} | {"on_id": attempt.id})
