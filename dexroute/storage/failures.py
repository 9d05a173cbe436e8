"""What a database's own errors mean to a caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dexroute.errors import DatabaseError, DatabaseUnavailable, DexError, IllegalTransition, InvalidAmount, SignatureTaken

_BUSY = ("database is locked", "database table is locked")
_DISK = ("database or disk is full", "disk I/O error")
_READ_ONLY = "readonly database"
_OUTAGES = ("08", "53", "57P")  # connection exceptions; no room, memory or connection left; the server goes down or comes up
_TAKEN = ("attempts.signature", "attempts_signature_key")  # as SQLite and PostgreSQL name the constraint
_LIMITS = {
    "uq_attempts_live": "the order already has a live attempt",
    "attempts.order_id": "the order already has a live attempt, or one with this number",
    "uq_attempts_number": "the order already has an attempt with this number",
    "fills": "that attempt, or its signature, already has a fill",
    "events": "that event number is already taken",
}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise the tree's errors for the driver's. `where` names the database without credentials."""
    try:
        yield
    except IntegrityError as error:
        if any(taken in str(error.orig) for taken in _TAKEN):
            raise SignatureTaken("the journal refuses this step: another attempt has that signature", database=where) from error
        raise IllegalTransition(f"the journal refuses this step: {_reason(error)}", database=where) from error
    except DBAPIError as error:
        raise _typed(error, where) from error
    except StatementError as error:  # a column type of ours refused a value
        if isinstance(error.orig, DexError):
            raise error.orig from error
        raise
    except OverflowError as error:
        raise _too_large(where, error) from error
    except (OSError, PoolTimeout) as error:  # asyncpg's own connection failures; a server too slow to give a connection back
        raise _unavailable(where, str(error)) from error


def _typed(error: DBAPIError, where: str) -> DexError:
    reason = str(error.orig)
    if "out of int" in reason:  # asyncpg's word for what sqlite3 calls OverflowError
        return _too_large(where, error.orig)
    interrupted = error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError)) or _tells_of_outage(error)
    if any(busy in reason for busy in _BUSY) or (interrupted and "postgresql" in where):
        return _unavailable(where, reason)
    if any(full in reason for full in _DISK):
        return disk_trouble(where, reason)
    step = "make it yours and writable, and repeat the command" if _READ_ONLY in reason else f"restore a backup. {STARTED_ANEW}"
    return DatabaseError(
        f"the journal {where} cannot be used: {reason}; nothing was overwritten: {step}", database=where, reason=reason
    )


STARTED_ANEW = "A new journal would know none of its keys: look at what the wallet did before you ask for anything again"
"""What nobody may be led into unwarned: where the journal is another, a key swaps a second time."""


def disk_trouble(where: str, reason: str) -> DatabaseUnavailable:
    """A disk that is full or fails: what the journal holds is not in question."""
    return DatabaseUnavailable(
        f"the journal {where} cannot be written: {reason}; nothing is lost. See to its disk (is it full?) and repeat the command",
        database=where,
        reason=reason,
    )


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL, and not a statement, is the trouble."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError) and (error.connection_invalidated or _tells_of_outage(error))
    return isinstance(error, (OSError, PoolTimeout))


def _tells_of_outage(error: DBAPIError) -> bool:
    """By SQLSTATE, since a server that dies while a connection is made reaches us as an error of no special class. An error without
    one is the driver's own: what it meets on a connection whose server is gone."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or str(state).startswith(_OUTAGES)


def _too_large(where: str, error: object) -> InvalidAmount:
    return InvalidAmount(f"a number does not fit the journal {where}: {error}", database=where)


def _unavailable(where: str, reason: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the journal {where} does not answer: {reason}; nothing is lost, try again when it does", database=where, reason=reason
    )


def _reason(error: IntegrityError) -> str:
    text = str(error.orig)
    return next((meaning for mark, meaning in _LIMITS.items() if mark in text), text)
