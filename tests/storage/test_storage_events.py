"""Following the journal: every event once, in each order's own order, whoever commits and whoever reads at the same time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest

from dexroute.engine.execution.events import EventFeed
from dexroute.errors import OrderNotFound
from dexroute.storage.store import SqlStore, open_store
from dexroute.types.orders import EventKind, OrderEvent, OrderState
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import an_order

STEPS = 6


async def worked_off(store: SqlStore) -> str:
    """One order through a few steps to its end."""
    order, _ = await store.place(an_order())
    for _ in range(STEPS - 3):
        order = await store.claim(order.id, owner="w", at_ms=5)
    order, _ = await store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=6)
    ended = replace(order, state=OrderState.CANCELLED, settled=True)
    order, _ = await store.advance(order, ended, EventKind.CANCELLED, at_ms=7)
    return order.id


def check(events: list[OrderEvent], orders: int) -> None:
    """No gap, no double: not in the journal's numbers, not in any order's."""
    assert [event.position for event in events] == list(range(1, orders * STEPS + 1))
    by_order: dict[str, list[int]] = {}
    for event in events:
        by_order.setdefault(event.order_id, []).append(event.seq)
    assert len(by_order) == orders and all(seqs == list(range(1, STEPS + 1)) for seqs in by_order.values())


async def some(feed: EventFeed, count: int, *, after: int = 0) -> list[OrderEvent]:
    seen: list[OrderEvent] = []
    async with aclosing(feed.follow(after=after)) as following:  # type: ignore[type-var]
        while len(seen) < count:
            seen.append(await anext(following))
    return seen


async def test_what_is_committed_is_heard_and_read_from_any_number(store: SqlStore) -> None:
    heard: list[OrderEvent] = []
    store.on_commit(heard.append)
    ids = [await worked_off(store) for _ in range(3)]
    assert [(event.order_id, event.seq) for event in heard] == [(order, seq) for order in ids for seq in range(1, STEPS + 1)]
    feed = EventFeed(store)
    everything = [event async for event in feed.follow(live=False)]
    check(everything, 3)
    assert everything == (sorted(heard, key=lambda event: (event.order_id, event.seq)) if store.leased else heard)
    for after in range(len(everything) + 1):
        assert [event async for event in feed.follow(after=after, live=False)] == everything[after:]
    of_one = [event async for event in feed.follow(ids[1], after=2)]  # live, and ended: nothing can come any more
    assert of_one == [event for event in heard if event.order_id == ids[1] and event.seq > 2] and len(of_one) == STEPS - 2
    with pytest.raises(OrderNotFound):
        await anext(feed.follow("nobody"))


async def test_a_subscriber_that_comes_and_goes_misses_nothing_and_hears_nothing_twice(store: SqlStore) -> None:
    orders = 12
    feed = EventFeed(store, look_ms=60_000)  # nothing but hints
    async with asyncio.timeout(30):
        placing = asyncio.gather(*(worked_off(store) for _ in range(orders)))
        seen: list[OrderEvent] = []
        while len(seen) < orders * STEPS:
            seen += await some(feed, min(7, orders * STEPS - len(seen)), after=seen[-1].position or 0 if seen else 0)
        await placing
    check(seen, orders)


async def test_events_nobody_had_read_are_numbered_when_an_older_journal_is_opened(tmp_path: Path) -> None:
    """Until revision 0007 a SQLite journal was numbered by its readers; some had read a part, and nobody the rest."""
    file = tmp_path / "older.db"
    async with open_store(file) as store:
        ids = [await worked_off(store) for _ in range(3)]
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("UPDATE events SET position = NULL WHERE position > 8")
        for younger in ("DROP INDEX ix_attempts_signed", "ALTER TABLE attempts DROP COLUMN blockhash_slot"):
            raw.execute(younger)
        raw.execute("UPDATE alembic_version SET version_num = '0007'")
        raw.commit()
    async with open_store(file) as store:
        ids.append(await worked_off(store))
        everything = [event async for event in EventFeed(store).follow(live=False)]
    check(everything, 4)
    assert [event.order_id for event in everything[:8]] == [ids[0]] * STEPS + [ids[1]] * 2, "numbers once read stay"
    assert [event.order_id for event in everything[3 * STEPS :]] == [ids[3]] * STEPS


async def test_an_order_is_followed_to_its_final_end(store: SqlStore) -> None:
    order, _ = await store.place(an_order())
    feed = EventFeed(store, look_ms=60_000)

    async def all_of_it() -> list[EventKind]:
        return [event.kind async for event in feed.follow(order.id)]

    following = asyncio.create_task(all_of_it())
    await asyncio.sleep(0.05)
    await store.advance(order, replace(order, state=OrderState.CANCELLED, settled=True), EventKind.CANCELLED, at_ms=7)
    async with asyncio.timeout(10):
        assert await following == [EventKind.PLACED, EventKind.CANCELLED]


@pytest.fixture
async def two(postgres: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    url = await empty_postgres(postgres)
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_store(url)), await stack.enter_async_context(open_store(url))


async def test_readers_of_two_processes_agree_while_many_commit_at_once(two: tuple[SqlStore, SqlStore]) -> None:
    """Twenty orders commit in parallel through two stores; four readers number them at the same time, and see one journal."""
    orders = 20
    feeds = [EventFeed(store, look_ms=3) for store in (*two, *two)]
    async with asyncio.timeout(60):
        placing = asyncio.gather(*(worked_off(two[number % 2]) for number in range(orders)))
        told = await asyncio.gather(*(some(feed, orders * STEPS) for feed in feeds))
        await placing
    for events in told:
        check(events, orders)
        assert events == told[0]


async def test_a_transaction_that_commits_late_is_not_passed_over(two: tuple[SqlStore, SqlStore]) -> None:
    """The case a sequence gets wrong: begun first, committed last, read in between."""
    one, other = two
    early = an_order()
    async with one._sessions._writer.begin() as connection:  # an insert that waits with its commit

        def place(sync: object) -> None:
            from dexroute.storage.rows import order_row
            from dexroute.storage.steps import ORDERS, record

            sync.execute(ORDERS.insert(), order_row(replace(early, event_seq=1)))  # type: ignore[attr-defined]
            record(sync, replace(early, event_seq=1), None, EventKind.PLACED, 1, {})  # type: ignore[arg-type]

        await connection.run_sync(place)
        await worked_off(other)
        seen = await some(EventFeed(other), STEPS)
        assert early.id not in {event.order_id for event in seen}
    late = await some(EventFeed(other), 1, after=seen[-1].position or 0)
    assert [event.order_id for event in late] == [early.id]
