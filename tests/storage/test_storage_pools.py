"""Remembered pools: a hint that stays true to its cluster."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.storage.store import SqlStore
from dexroute.types.pools import RememberedPool

A, B, C = (Pubkey.from_string(letter + "1" * 43) for letter in "ABC")


def pool(address: int, *mints: Pubkey, **changes: object) -> RememberedPool:
    known = RememberedPool(
        genesis_hash="here",
        address=Pubkey.from_bytes(bytes([address]) * 32),
        venue_id="dexroute-pool",
        mints=mints,
        source="chain",
        first_seen_ms=1,
        last_seen_ms=address,
        reserves=(2**128 - 1,) * len(mints),
        seen_slot=2**64 - 1,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


async def test_pools_are_found_by_cluster_and_mints_last_seen_first(store: SqlStore) -> None:
    ab, bc, abc, elsewhere = pool(1, A, B), pool(2, B, C), pool(3, C, A, B), pool(4, A, B, genesis_hash="there")
    await store.remember_pools([ab, bc, abc, elsewhere])
    assert await store.remembered_pools("here") == (abc, bc, ab)
    assert await store.remembered_pools("here", mints=[A]) == (abc, ab)
    assert await store.remembered_pools("here", mints=[A, B]) == (abc, ab)
    assert await store.remembered_pools("here", mints=[A, C]) == (abc,)
    assert await store.remembered_pools("there", mints=[B]) == (elsewhere,)
    assert await store.remembered_pools("nowhere") == ()


async def test_seeing_a_pool_again_renews_it_and_keeps_its_age(store: SqlStore) -> None:
    first = pool(1, A, B)
    await store.remember_pools([first])
    again = replace(first, first_seen_ms=99, last_seen_ms=99, reserves=(), seen_slot=None, source="user", mints=(B, A))
    await store.remember_pools([pool(1, A, B), again])
    assert await store.remembered_pools("here") == (replace(again, first_seen_ms=1),)


async def test_a_pool_is_remembered_on_its_cluster_only(store: SqlStore) -> None:
    here, there = pool(1, A, B), pool(1, A, B, genesis_hash="there")
    await store.remember_pools([here, there])
    assert await store.remembered_pools("here") == (here,) and await store.remembered_pools("there") == (there,)
    await store.remember_pools([])


async def test_many_may_see_the_same_new_pools_at_once(store: SqlStore) -> None:
    seen = [[pool(address, A, B, last_seen_ms=look) for address in range(1, 30)] for look in range(12)]
    await asyncio.gather(*(store.remember_pools(pools) for pools in seen))
    assert len(await store.remembered_pools("here")) == 29
