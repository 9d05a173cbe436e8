"""Remembered lookup tables: per cluster, the latest first."""

from __future__ import annotations

from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.storage.store import SqlStore
from dexroute.types.lookup_tables import RememberedTable

OWN = RememberedTable(
    genesis_hash="here", address=Pubkey(bytes([1]) * 32), authority=Pubkey(bytes([9]) * 32), added_ms=1_900_000_000_000
)


async def test_tables_are_kept_per_cluster(store: SqlStore) -> None:
    assert await store.remembered_tables("here") == ()
    later = replace(OWN, address=Pubkey(bytes([2]) * 32), authority=None, added_ms=OWN.added_ms + 1)
    there = replace(OWN, genesis_hash="there")
    for table in (OWN, later, there):
        await store.remember_table(table)
    assert await store.remembered_tables("here") == (later, OWN)
    changed = replace(OWN, authority=None, added_ms=OWN.added_ms + 2)
    await store.remember_table(changed)
    assert await store.remembered_tables("here") == (changed, later)
    await store.forget_table("here", OWN.address)
    await store.forget_table("here", Pubkey(bytes([7]) * 32))
    assert await store.remembered_tables("here") == (later,)
    assert await store.remembered_tables("there") == (there,)
