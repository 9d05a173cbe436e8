"""Remembered lookup tables in SQL: dexroute.ports.TableMemory."""

from __future__ import annotations

from solders.pubkey import Pubkey
from sqlalchemy import delete
from sqlmodel import col, select

from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import LookupTableRow
from dexroute.types.lookup_tables import RememberedTable


class SqlTables:
    """Lookup tables, per cluster."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def remember_table(self, table: RememberedTable) -> None:
        async with self._sessions.writing() as session:
            await session.merge(
                LookupTableRow(
                    genesis_hash=table.genesis_hash,
                    address=str(table.address),
                    authority=None if table.authority is None else str(table.authority),
                    added_ms=table.added_ms,
                )
            )

    async def remembered_tables(self, genesis_hash: str) -> tuple[RememberedTable, ...]:
        wanted = select(LookupTableRow).where(col(LookupTableRow.genesis_hash) == genesis_hash)
        async with self._sessions.reading() as session:
            rows = await session.exec(wanted.order_by(col(LookupTableRow.added_ms).desc(), col(LookupTableRow.address)))
            return tuple(_value(row) for row in rows)

    async def forget_table(self, genesis_hash: str, address: Pubkey) -> None:
        named = (col(LookupTableRow.genesis_hash) == genesis_hash, col(LookupTableRow.address) == str(address))
        async with self._sessions.writing() as session:
            await session.exec(delete(LookupTableRow).where(*named))


def _value(row: LookupTableRow) -> RememberedTable:
    return RememberedTable(
        genesis_hash=row.genesis_hash,
        address=Pubkey.from_string(row.address),
        authority=None if row.authority is None else Pubkey.from_string(row.authority),
        added_ms=row.added_ms,
    )
