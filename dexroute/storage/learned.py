"""What reading pools taught, in SQL: dexroute.ports.LearnedMemory, and the searches of PoolMemory.

Written in one statement each (ON CONFLICT), so that two processes on one PostgreSQL journal do not fail each other's quotes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import LearnedPoolRow, PoolSearchRow, table_of
from dexroute.types.pools import LearnedPool

_LEARNED: Final = table_of(LearnedPoolRow)
_SEARCHES: Final = table_of(PoolSearchRow)
_AT_ONCE: Final = 500  # rows of a statement; SQLite takes 32,766 variables, old ones 999 names in a list


class SqlLearned:
    """Learned accounts and searches, per cluster."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def remember_learned(self, genesis_hash: str, pools: Iterable[LearnedPool]) -> None:
        # In order of address: two that write the same rows never wait for each other in a circle.
        rows = [
            {
                "genesis_hash": genesis_hash,
                "address": str(pool.address),
                "accounts": " ".join(sorted(map(str, pool.accounts))),
                "compute_units": pool.compute_units,
            }
            for pool in sorted(pools, key=lambda pool: str(pool.address))
        ]
        if rows:
            await self._sessions.write(lambda connection: _replace(connection, _LEARNED, rows))

    async def learned_pools(self, genesis_hash: str, addresses: Collection[Pubkey]) -> tuple[LearnedPool, ...]:
        names = [str(address) for address in addresses]
        found: list[LearnedPool] = []
        for start in range(0, len(names), _AT_ONCE):
            wanted = select(_LEARNED).where(
                _LEARNED.c.genesis_hash == genesis_hash, _LEARNED.c.address.in_(names[start : start + _AT_ONCE])
            )
            rows = await self._sessions.rows(wanted)
            with self._sessions.parsing():
                found += [
                    LearnedPool(
                        address=Pubkey.from_string(row.address),
                        accounts=frozenset(map(Pubkey.from_string, row.accounts.split())),
                        compute_units=row.compute_units,
                    )
                    for row in rows
                ]
        return tuple(found)

    async def remember_search(self, genesis_hash: str, scope: str, searched_ms: int) -> None:
        row = {"genesis_hash": genesis_hash, "scope": scope, "searched_ms": searched_ms}
        await self._sessions.write(lambda connection: _replace(connection, _SEARCHES, [row]))

    async def searched_ms(self, genesis_hash: str, scope: str) -> int | None:
        wanted = select(_SEARCHES.c.searched_ms).where(_SEARCHES.c.genesis_hash == genesis_hash, _SEARCHES.c.scope == scope)
        rows = await self._sessions.rows(wanted)
        return int(rows[0].searched_ms) if rows else None


def _replace(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert, or replace what stands under the same primary key."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), _AT_ONCE):
        adding = insert(table).values(rows[start : start + _AT_ONCE])
        changed = {column.name: adding.excluded[column.name] for column in table.columns if not column.primary_key}
        connection.execute(adding.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed))
