"""What landed and is not final: found in pages by an index, and settled only while it stands as it was judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.sql import Executable

from dexroute.ports import OrderStore
from dexroute.storage import landed as pages
from dexroute.storage.store import SqlStore
from dexroute.types.orders import AttemptOutcome, EventKind, LandedAttempt, Order, OrderState
from tests.storage.orders_at_hand import U64_MAX, a_fill, an_attempt, an_order, signed, to_confirmed


async def all_pages(journal: OrderStore, limit: int, **narrowed: Any) -> list[list[LandedAttempt]]:
    found: list[list[LandedAttempt]] = []
    last = None
    while page := await journal.landed("genesis", limit=limit, after=last, **narrowed):
        found.append(list(page))
        last = page[-1]
    return found


async def taken_back(journal: OrderStore, order: Order) -> Order:
    (attempt,) = await journal.attempts(order.id)
    alive = replace(attempt, outcome=None, slot=None, dead_at=None)
    changed = replace(order, state=OrderState.SUBMITTED, executed=None, costs=None, regressed=True)
    back, _ = await journal.advance(order, changed, EventKind.REGRESSED, at_ms=9, attempt=alive, withdrawn=a_fill(attempt))
    return back


async def test_pages_hold_each_landed_order_once_the_next_in_turn_first(journal: OrderStore) -> None:
    # of one millisecond too: the place in the queue alone does not tell them apart
    orders = [await to_confirmed(journal, an_order(now_ms=1_700_000_000_000 + age // 3)) for age in range(7)]
    await journal.place(an_order())
    await to_confirmed(journal, an_order(genesis_hash="elsewhere"))
    found = await all_pages(journal, 2)
    assert [len(page) for page in found] == [2, 2, 2, 1]
    flat = [one for page in found for one in page]
    assert [(one.rank_ms, one.order_id) for one in flat] == sorted((one.rank_ms, one.order_id) for one in flat)
    assert {one.order_id for one in flat} == {order.id for order in orders}
    first = signed(an_attempt(orders[0]))
    (one,) = [one for one in flat if one.order_id == orders[0].id]
    assert (one.signature, one.slot, one.outcome) == (first.signature, U64_MAX, AttemptOutcome.LANDED)
    assert one.last_valid_block_height == U64_MAX
    assert await all_pages(journal, 9, above_slot=U64_MAX) == [] and len(await all_pages(journal, 9, above_slot=9)) == 1


async def test_what_is_settled_stands_as_it_was_judged(journal: OrderStore) -> None:
    settles, moved, again = [await to_confirmed(journal, an_order()) for _ in range(3)]
    ((first, second, third),) = await all_pages(journal, 9)
    judged = {one.order_id: one for one in (first, second, third)}
    back = await taken_back(journal, moved)
    wrong = replace(judged[again.id], slot=7)
    ((order, event),) = await journal.finalize([judged[settles.id], judged[moved.id], wrong], at_ms=10)
    assert order == replace(settles, settled=True, event_seq=settles.event_seq + 1) == await journal.order(settles.id)
    assert (await journal.events(settles.id))[-1] == event and event.kind is EventKind.FINALIZED
    assert event.facts == {"attempt": 1, "signature": judged[settles.id].signature, "slot": str(U64_MAX)}
    assert await journal.order(moved.id) == back and await journal.order(again.id) == again
    assert await journal.finalize([judged[settles.id]], at_ms=11) == (), "once"
    assert [one.order_id for page in await all_pages(journal, 9) for one in page] == [again.id]


async def plan(store: SqlStore, wanted: Executable) -> str:
    """How the database would find it, were its tables too large to read whole."""
    async with store._sessions.reading() as session:
        connection = await session.connection()
        on_postgres = connection.dialect.name == "postgresql"
        compiled = wanted.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
        if on_postgres:
            for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                await connection.execute(text(f"SET LOCAL {setting} = off"))
        rows = await connection.exec_driver_sql(f"EXPLAIN {'' if on_postgres else 'QUERY PLAN '}{compiled}")
        return "\n".join(str(row) for row in rows)


async def test_neither_those_who_wait_nor_those_who_landed_are_looked_for_among_all_orders(store: SqlStore) -> None:
    for _ in range(3):
        await to_confirmed(store, an_order())
    after = (await store.landed("genesis", limit=1))[0]
    for found in (pages._page("genesis", 9, None, None), pages._page("genesis", 9, after, None)):
        assert "ix_orders_unsettled" in await plan(store, found)
    waiting = store._waiting("nobody", "genesis", busy=["one"]).limit(9)
    assert "ix_orders_open" in await plan(store, waiting)
