"""Remembered pools in SQL: dexroute.ports.PoolMemory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from solders.pubkey import Pubkey
from sqlalchemy import delete, insert, tuple_
from sqlmodel import col, select

from dexroute.storage.advisory import POOLS, one_at_a_time
from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import PoolMintRow, PoolRow
from dexroute.types.pools import RememberedPool


class SqlPools:
    """Pools seen before, per cluster."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def remember_pools(self, pools: Iterable[RememberedPool]) -> None:
        latest = {(pool.genesis_hash, str(pool.address)): pool for pool in pools}
        if not latest:
            return
        async with self._sessions.writing() as session:
            await (await session.connection()).run_sync(one_at_a_time, POOLS)
            keys = tuple_(col(PoolRow.genesis_hash), col(PoolRow.address))
            known = await session.exec(select(PoolRow).where(keys.in_(list(latest))))
            rows = {(row.genesis_hash, row.address): row for row in known}
            for (genesis_hash, address), pool in latest.items():
                row = rows.get((genesis_hash, address))
                if row is None:
                    row = PoolRow(
                        genesis_hash=genesis_hash,
                        address=address,
                        venue_id=pool.venue_id,
                        source=pool.source,
                        first_seen_ms=pool.first_seen_ms,
                        last_seen_ms=pool.last_seen_ms,
                    )
                row.venue_id, row.source, row.seen_slot, row.last_seen_ms = (
                    pool.venue_id,
                    pool.source,
                    pool.seen_slot,
                    pool.last_seen_ms,
                )
                session.add(row)
            await session.flush()
            key = tuple_(col(PoolMintRow.genesis_hash), col(PoolMintRow.address))
            await session.exec(delete(PoolMintRow).where(key.in_(list(latest))))
            await session.exec(insert(PoolMintRow).values([row for pool in latest.values() for row in _mint_rows(pool)]))

    async def remembered_pools(self, genesis_hash: str, *, mints: Collection[Pubkey] = ()) -> tuple[RememberedPool, ...]:
        wanted = select(PoolRow).where(col(PoolRow.genesis_hash) == genesis_hash)
        for mint in mints:
            holders = select(PoolMintRow.address).where(
                col(PoolMintRow.genesis_hash) == genesis_hash, col(PoolMintRow.mint) == str(mint)
            )
            wanted = wanted.where(col(PoolRow.address).in_(holders))
        async with self._sessions.reading() as session:
            rows = (await session.exec(wanted.order_by(col(PoolRow.last_seen_ms).desc(), col(PoolRow.address)))).all()
            held: defaultdict[str, list[PoolMintRow]] = defaultdict(list)
            parts = select(PoolMintRow).where(
                col(PoolMintRow.genesis_hash) == genesis_hash,
                col(PoolMintRow.address).in_(wanted.with_only_columns(col(PoolRow.address))),
            )
            for part in await session.exec(parts.order_by(col(PoolMintRow.position))):
                held[part.address].append(part)
            return tuple(_value(row, held[row.address]) for row in rows)


def _mint_rows(pool: RememberedPool) -> list[dict[str, object]]:
    reserves = pool.reserves or (None,) * len(pool.mints)
    return [
        {
            "genesis_hash": pool.genesis_hash,
            "address": str(pool.address),
            "position": position,
            "mint": str(mint),
            "reserve": reserve,
        }
        for position, (mint, reserve) in enumerate(zip(pool.mints, reserves, strict=True))
    ]


def _value(row: PoolRow, mints: list[PoolMintRow]) -> RememberedPool:
    reserves = tuple(part.reserve for part in mints if part.reserve is not None)
    return RememberedPool(
        genesis_hash=row.genesis_hash,
        address=Pubkey.from_string(row.address),
        venue_id=row.venue_id,
        mints=tuple(Pubkey.from_string(part.mint) for part in mints),
        source=row.source,
        first_seen_ms=row.first_seen_ms,
        last_seen_ms=row.last_seen_ms,
        reserves=reserves if len(reserves) == len(mints) else (),
        seen_slot=row.seen_slot,
    )
