"""What reading pools taught, and when pools were searched for: replaced in place, on both databases, by two at once too."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.storage.store import SqlStore, open_store
from dexroute.types.pools import LearnedPool

NAMES = [Pubkey(bytes([number // 256, number % 256]) * 16) for number in range(1_200)]
POOL = LearnedPool(address=NAMES[1], accounts=frozenset(NAMES[1:4]), compute_units=43_210)


async def test_what_was_learned_is_kept_per_cluster_and_replaced(store: SqlStore) -> None:
    assert await store.learned_pools("here", NAMES) == ()
    await store.remember_learned("here", [])
    other = LearnedPool(address=NAMES[2], accounts=frozenset())
    await store.remember_learned("here", [other, POOL])
    await store.remember_learned("there", [replace(POOL, compute_units=1)])
    assert set(await store.learned_pools("here", NAMES)) == {POOL, other}
    assert await store.learned_pools("here", [NAMES[3]]) == ()
    changed = replace(POOL, accounts=frozenset(NAMES[1:9]), compute_units=None)
    await store.remember_learned("here", [changed])
    assert await store.learned_pools("here", [POOL.address]) == (changed,)
    assert await store.learned_pools("there", [POOL.address]) == (replace(POOL, compute_units=1),)


async def test_more_pools_than_one_statement_takes(store: SqlStore) -> None:
    many = {LearnedPool(address=name, accounts=frozenset({name})) for name in NAMES}
    await store.remember_learned("here", many)
    assert set(await store.learned_pools("here", NAMES)) == many


async def test_searches_have_a_time_each(store: SqlStore) -> None:
    assert await store.searched_ms("here", "all") is None
    for at_ms in (1_900_000_000_000, 1_900_000_000_001):
        await store.remember_search("here", "all", at_ms)
    await store.remember_search("here", "a b 2", 5)
    assert [await store.searched_ms("here", scope) for scope in ("all", "a b 2", "b a 2")] == [1_900_000_000_001, 5, None]
    assert await store.searched_ms("there", "all") is None


async def test_two_that_learn_the_same_at_once_do_not_fail_each_other(store: SqlStore, database: str) -> None:
    pools = [LearnedPool(address=name, accounts=frozenset({name})) for name in NAMES[:200]]

    async def learn(memory: SqlStore, known: list[LearnedPool]) -> None:
        for _ in range(5):
            await memory.remember_learned("here", known)

    if database.startswith("sqlite"):  # one process at a time
        await asyncio.gather(learn(store, pools), learn(store, pools[::-1]))
    else:
        async with open_store(database) as other:
            await asyncio.gather(learn(store, pools), learn(other, pools[::-1]))
    assert set(await store.learned_pools("here", NAMES)) == set(pools)
