"""PostgreSQL's advisory locks: what is to happen one at a time and has no row to lock. On SQLite there is one writer anyway.

Keys are 64-bit numbers that all users of a database share: ours are eight letters each, or the hash of a name.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, func, select

MIGRATION: Final = 0x6465_7872_6F75_7465  # "dexroute"
POOLS: Final = 0x6465_7870_6F6F_6C73  # "dexpools"
POSITIONS: Final = 0x6465_7870_6F73_6974  # "dexposit"
TICKETS: Final = 0x6465_7874_6963_6B74  # "dextickt"

_SPENDER, _OWNER = 0, 1  # seeds: names of different things never meet


def one_at_a_time(connection: Connection, key: int) -> None:
    """Wait until nobody else holds `key`, and hold it until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def one_spender_at_a_time(connection: Connection, genesis_hash: str, wallet: str) -> None:
    """The same for one wallet of one cluster."""
    if connection.dialect.name == "postgresql":
        key = func.hashtextextended(f"{genesis_hash} {wallet}", _SPENDER)
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def hold_for_session(owner: Any) -> Any:
    """Wait for the lock that says `owner` (a bound name) lives, and hold it until the session ends."""
    return func.pg_advisory_lock(func.hashtextextended(owner, _OWNER))


def is_free_now(owner: Any) -> Any:
    """Whether nobody holds it; if so, nobody will until this transaction ends. Several may ask at once."""
    return func.pg_try_advisory_xact_lock_shared(func.hashtextextended(owner, _OWNER))
