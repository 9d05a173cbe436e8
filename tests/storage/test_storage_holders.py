"""Which worker has what in hand, on every kind of journal."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dexroute.host.lock import DirectoryLock, holder_process
from dexroute.ports import OrderStore
from dexroute.storage.store import open_store, read_store
from dexroute.types.orders import EventKind, Holder, Order, OrderState
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import an_order

ONE, TWO = f"host:{os.getpid()}:one", f"host:{os.getpid()}:two"


async def placed(journal: OrderStore, count: int) -> list[Order]:
    return [(await journal.place(an_order(key=f"key {number}")))[0] for number in range(count)]


async def take(
    journal: OrderStore, owner: str, count: int, at_ms: int, *, beside: Sequence[Order] = (), lease_ms: int = 60_000
) -> list[Order]:
    busy = [order.id for order in beside]
    return list(await journal.take(owner=owner, genesis_hash="genesis", at_ms=at_ms, limit=count, lease_ms=lease_ms, busy=busy))


async def test_workers_by_what_they_hold(journal: OrderStore) -> None:
    await placed(journal, 7)
    assert await journal.holders() == (), "what nobody claimed nobody holds"
    taken = await take(journal, ONE, 1, 1_000)
    taken += await take(journal, TWO, 2, 2_000, beside=taken)
    taken += await take(journal, TWO, 1, 3_000, beside=taken)
    first, second = await journal.holders()
    assert (first.owner, first.orders, first.since_ms) == (TWO, 3, 2_000)
    assert (second.owner, second.orders, second.since_ms) == (ONE, 1, 1_000)
    for holder in (first, second):
        left = holder.lease_left_ms
        assert (left is not None and 0 < left <= 60_000) if journal.leased else left is None

    ended = replace(taken[0], state=OrderState.CANCELLED)
    await journal.advance(taken[0], ended, EventKind.CANCELLED, at_ms=4_000)
    await journal.let_go(taken[1])
    (left_over, *none) = await journal.holders()
    assert not none and left_over.owner == TWO and left_over.orders == (2 if journal.leased else 3)
    again = await journal.claim(taken[2].id, owner=ONE, at_ms=9_000, lease_ms=60_000)
    assert again.claimed_by == ONE
    assert {holder.owner: (holder.orders, holder.since_ms) for holder in await journal.holders()} == {
        TWO: (1, 3_000) if journal.leased else (2, 2_000),
        ONE: (1, 9_000),
    }, "since the claim that holds now"


async def test_a_lease_that_ran_out_is_nobodys(postgres: str) -> None:
    async with open_store(await empty_postgres(postgres)) as store:
        await placed(store, 1)
        await take(store, ONE, 1, 1_000, lease_ms=1)
        await asyncio.sleep(0.02)
        assert await store.holders() == ()


async def test_on_sqlite_only_the_process_that_has_the_file_holds_anything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    async with open_store(url) as store:
        await placed(store, 2)
        await take(store, f"host:{os.getpid() + 1}:earlier", 1, 1_000)
        assert await store.holders() == (), "it is gone: the lock is ours"
        (order,) = await take(store, ONE, 1, 2_000)
        expected = (Holder(owner=ONE, orders=1, since_ms=2_000),)
        assert order.claimed_by == ONE and await store.holders() == expected
        async with read_store(url) as reader:
            assert await reader.holders() == expected, "as anybody beside it sees it"
    async with read_store(url) as reader:
        assert await reader.holders() == ()


def test_who_has_a_lock_is_told_without_taking_it(tmp_path: Path) -> None:
    assert holder_process(tmp_path, "journal") is None
    lock = DirectoryLock(tmp_path, "journal", what="the journal")
    assert holder_process(tmp_path, "journal") == os.getpid()
    lock.release()
    assert holder_process(tmp_path, "journal") is None
    file = tmp_path / "journal.lock"
    file.write_text(json.dumps({"pid": 1, "url": None}))
    assert holder_process(tmp_path, "journal") == 1
    for nonsense in (
        "",
        "{",
        '{"pid": 0}',
        '{"pid": -1}',
        "[]",
        '{"pid": null}',
        '{"pid": "1"}',
        '{"pid": 4000000000}',
        '{"pid": 1e400}',
        '{"pid": 99999999999999}',
    ):
        file.write_text(nonsense)
        assert holder_process(tmp_path, "journal") is None, nonsense
