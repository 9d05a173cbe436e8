"""Many callers' steps in one transaction: each durable or failed for itself, and no neighbour's."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from solders.pubkey import Pubkey
from sqlalchemy import Connection, event

from dexroute.errors import DatabaseUnavailable, IllegalTransition, OrderTakenOver, SignatureTaken
from dexroute.storage.store import SqlStore, open_store
from dexroute.storage.writer import GroupWriter
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Order, OrderState, Promise
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import MINT_A, MINT_B, MOST, WALLET, a_fill, an_attempt, an_order, signed, to_building

HELD: Final = (MINT_A, MINT_B)


def commits(store: SqlStore) -> list[str]:
    """Grows by one with each transaction of the writer."""
    seen: list[str] = []
    group = store._sessions._group
    engine = group._engine if isinstance(group, GroupWriter) else store._sessions._writer.sync_engine
    event.listen(engine, "commit", lambda connection: seen.append("commit"))
    return seen


async def test_steps_that_come_at_once_share_a_commit(tmp_path: Path) -> None:
    async with open_store(tmp_path / "journal.db") as store:
        seen = commits(store)
        placed = await asyncio.gather(*(store.place(an_order(key=f"k{number}")) for number in range(100)))
        assert all(is_new for _, is_new in placed) and 1 <= len(seen) <= 5
        assert len(await store.orders()) == 100


async def test_who_hears_of_a_step_finds_it_in_the_file(tmp_path: Path) -> None:
    """Looked up by another connection at the very moment: a committed step, not a promised one."""
    async with open_store(tmp_path / "journal.db") as store:
        other = sqlite3.connect(tmp_path / "journal.db")

        async def place(number: int) -> int:
            order, _ = await store.place(an_order(key=f"k{number}"))
            return int(other.execute("SELECT count(*) FROM events WHERE order_id = ?", [order.id]).fetchone()[0])

        assert await asyncio.gather(*(place(number) for number in range(20))) == [1] * 20
        other.close()


async def test_a_step_that_fails_takes_no_neighbour_with_it(store: SqlStore) -> None:
    orders = [(await store.place(an_order(key=f"k{number}")))[0] for number in range(30)]
    stale = [replace(order, event_seq=9) if number % 3 == 0 else order for number, order in enumerate(orders)]
    seen = commits(store)
    results = await asyncio.gather(
        *(store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1) for order in stale),
        return_exceptions=True,
    )
    assert store.leased or len(seen) <= 3, "they did not share"
    for number, (order, result) in enumerate(zip(orders, results, strict=True)):
        moved = (await store.order(order.id)).state is OrderState.ROUTING
        assert isinstance(result, IllegalTransition) == (number % 3 == 0) != moved
        assert len(await store.events(order.id)) == 1 + moved


async def transactions(store: SqlStore) -> int:
    """How many of PostgreSQL's wrote the orders as they are now."""
    wanted = "SELECT count(DISTINCT xmin::text) FROM orders"
    return int(await store._sessions.write(lambda connection: connection.exec_driver_sql(wanted).scalar_one()))


async def test_steps_of_many_orders_share_a_commit(store: SqlStore) -> None:
    """Of every kind, the ends too, for which a wallet's other orders wait."""
    promised = (Promise(mint=MINT_A, amount=1),)
    orders = [
        (await store.place(replace(an_order(key=f"k{number}"), promised=promised), available={MINT_A: 99}))[0]
        for number in range(30)
    ]
    seen = commits(store)
    routing = await asyncio.gather(
        *(store.advance(order, replace(order, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1) for order in orders)
    )
    assert await transactions(store) <= 3 if store.leased else 1 <= len(seen) <= 5
    seen.clear()
    await asyncio.gather(
        *(store.advance(order, replace(order, state=OrderState.CANCELLED), EventKind.CANCELLED, at_ms=1) for order, _ in routing)
    )
    assert await transactions(store) <= 2 if store.leased else 1 <= len(seen) <= 5
    assert not any((await store.promised("genesis", WALLET)).values())
    assert [len(await store.events(order.id)) for order in orders] == [3] * 30


async def test_a_step_is_whole_whether_it_is_written_alone_or_with_others(store: SqlStore) -> None:
    """Intent, signature and fill of many orders at once, and of one after the other: the rows are the same but for their names."""
    promised = (Promise(mint=MINT_A, amount=7), Promise(mint=MINT_B, amount=2))

    async def carried(number: int) -> tuple[Order, Attempt]:
        placed = replace(an_order(key=f"k{number}"), promised=promised)
        order, _ = await store.place(placed, available=dict.fromkeys(HELD, 10**9))
        for state, kind in ((OrderState.ROUTING, EventKind.ROUTING), (OrderState.BUILDING, EventKind.ROUTED)):
            order, _ = await store.advance(order, replace(order, state=state), kind, at_ms=3, facts={"amount": "7"})
        intent = an_attempt(order)
        order, _ = await store.advance(order, order, EventKind.INTENT, at_ms=4, attempt=intent)
        attempt = signed(intent)
        order, _ = await store.advance(
            order, replace(order, state=OrderState.SUBMITTED), EventKind.SIGNED, at_ms=5, attempt=attempt, lease_ms=60_000
        )
        attempt = replace(attempt, outcome=AttemptOutcome.LANDED, slot=9)
        fill = a_fill(attempt)
        ended = replace(order, state=OrderState.CONFIRMED, executed=fill.amounts, costs=fill.costs)
        order, _ = await store.advance(order, ended, EventKind.CONFIRMED, at_ms=6, attempt=attempt, fill=fill)
        assert await store.fills(order.id) == (fill,) and await store.attempts(order.id) == (attempt,)
        assert (await store.order(order.id)).executed == MOST
        return order, attempt

    one = [await carried(number) for number in range(2)]
    many = await asyncio.gather(*(carried(number) for number in range(2, 22)))
    for order, _ in (*one, *many):
        assert [event.kind for event in await store.events(order.id)] == [event.kind for event in await store.events(one[0][0].id)]
    assert await store.promised("genesis", WALLET) == dict.fromkeys(HELD, 0)


async def test_among_many_signatures_only_those_that_are_refused_fail(store: SqlStore) -> None:
    """A signature that another order has, an attempt that changed what was signed, an order that was claimed anew, an intent that
    is there already: each is told what is wrong with it, and the others are signed."""
    ready = []
    for number in range(12):
        order = await to_building(store, an_order(key=f"k{number}"))
        intent = an_attempt(order)
        order, _ = await store.advance(order, order, EventKind.INTENT, at_ms=4, attempt=intent)
        ready.append((order, signed(intent)))
    await store.claim(ready[5][0].id, owner="another", at_ms=5)
    steps = dict(enumerate(ready))
    steps[1] = (ready[1][0], replace(ready[1][1], signature=ready[0][1].signature))
    steps[3] = (ready[3][0], replace(ready[3][1], message=b"another"))
    again = ready[7][0], replace(an_attempt(ready[7][0]), created_ms=9)
    results = await asyncio.gather(
        *(
            store.advance(order, replace(order, state=OrderState.SUBMITTED), EventKind.SIGNED, at_ms=5, attempt=attempt)
            for order, attempt in steps.values()
        ),
        store.advance(again[0], again[0], EventKind.INTENT, at_ms=5, attempt=again[1]),
        return_exceptions=True,
    )
    wrong = {number: type(result) for number, result in enumerate(results) if isinstance(result, BaseException)}
    same = {1, 0} & set(wrong)
    assert len(same) == 1 and wrong.pop(same.pop()) is SignatureTaken
    assert wrong.pop(3) is IllegalTransition and wrong.pop(5) is OrderTakenOver
    assert set(wrong) in ({7}, {12}) and set(wrong.values()) == {IllegalTransition}, "one of the two steps of one order"
    landed = [(await store.order(order.id)).state is OrderState.SUBMITTED for order, _ in ready]
    assert sum(landed) == 12 - 3 - (7 in wrong)


async def test_two_processes_that_place_and_end_orders_of_two_wallets_never_wait_in_a_ring(postgres: str) -> None:
    """Each promises the same two mints, named in either order. PostgreSQL would end a ring after a second by refusing a step."""
    url = await empty_postgres(postgres)
    mints = (Promise(mint=MINT_A, amount=2**64 - 1), Promise(mint=MINT_B, amount=1))
    wallets = (WALLET, Pubkey.from_string("Wa11et2111111111111111111111111111111111111"))
    async with open_store(url) as one, open_store(url) as other:

        async def place_and_end(number: int) -> None:
            store, promised = ((one, mints), (other, mints[::-1]))[number % 2]
            order = replace(an_order(key=f"k{number}"), promised=promised, wallet=wallets[number % 4 // 2])
            order, _ = await store.place(order, available=dict.fromkeys(HELD, 2**80))
            await store.advance(order, replace(order, state=OrderState.CANCELLED), EventKind.CANCELLED, at_ms=1)

        await asyncio.gather(*(place_and_end(number) for number in range(80)))
        for wallet in wallets:
            assert await one.promised("genesis", wallet) == dict.fromkeys(HELD, 0)
        assert len(await other.orders(states=[OrderState.CANCELLED])) == 80


async def test_a_transaction_that_fails_as_a_whole_is_tried_step_by_step(tmp_path: Path) -> None:
    """As on a full disk, where SQLite rolls back everything at once."""
    async with open_store(tmp_path / "journal.db") as store:

        def broken(connection: Connection) -> None:
            connection.exec_driver_sql("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

        def harmless(connection: Connection) -> int:
            return int(connection.exec_driver_sql("INSERT INTO meta VALUES (hex(randomblob(9)), 'x') RETURNING 1").scalar_one())

        steps = [store._sessions.write(step) for step in (harmless, broken, harmless)]
        first, second, third = await asyncio.gather(*steps, return_exceptions=True)
        assert (first, third) == (1, 1) and isinstance(second, sqlite3.OperationalError)
        counted = await store._sessions.write(lambda c: c.exec_driver_sql("SELECT count(*) FROM meta WHERE value = 'x'").scalar())
        assert counted == 2, "a step that was rolled back with its neighbour ran twice"


async def test_a_caller_who_gives_up_waiting_leaves_the_writer_in_order(tmp_path: Path) -> None:
    async with open_store(tmp_path / "journal.db") as store:
        waiting = asyncio.create_task(store.place(an_order(key="k")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await store.place(an_order(key="other")))[1]
        assert len(await store.orders()) in (1, 2)


async def test_a_full_disk_fails_what_does_not_fit_and_keeps_the_rest(tmp_path: Path) -> None:
    async with open_store(tmp_path / "journal.db") as store:
        await store.place(an_order(key="first"))
        group = store._sessions._group
        assert isinstance(group, GroupWriter)
        group._disconnect()
        event.listen(group._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
        results = await asyncio.gather(*(store.place(an_order(key=f"{n}" * 40)) for n in range(200)), return_exceptions=True)
        kept = {result[0].key for result in results if not isinstance(result, BaseException)}
        refused = [result for result in results if isinstance(result, BaseException)]
        assert refused and all(isinstance(error, DatabaseUnavailable) and "full" in str(error) for error in refused)
        assert {order.key for order in await store.orders()} == kept | {"first"}
        for order in await store.orders():
            assert len(await store.events(order.id)) == order.event_seq


async def test_a_signature_that_could_not_be_counted_is_not_told_to_its_caller(tmp_path: Path) -> None:
    """Who does not hear of the commit does not send; the next start finds the signature and goes on with it."""
    async with open_store(tmp_path / "journal.db") as store:
        building = await to_building(store, an_order())
        attempt = an_attempt(building)
        intended, _ = await store.advance(building, building, EventKind.INTENT, at_ms=1, attempt=attempt)
        group = store._sessions._group
        assert isinstance(group, GroupWriter)

        def broken(signatures: int) -> None:
            if signatures:
                raise OSError(5, "Input/output error")

        group._signed = broken
        after = replace(intended, state=OrderState.SUBMITTED)
        neighbour, signing = await asyncio.gather(
            store.place(an_order(key="other")),
            store.advance(intended, after, EventKind.SIGNED, at_ms=1, attempt=signed(attempt)),
            return_exceptions=True,
        )
        assert not isinstance(neighbour, BaseException) and isinstance(signing, DatabaseUnavailable)
        assert (await store.order(building.id)).state is OrderState.SUBMITTED
