"""The journal on SQLite and on PostgreSQL: what goes in comes out, and what must never be is refused by the database itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from dexroute.errors import (
    DatabaseError,
    IdempotencyConflict,
    IllegalTransition,
    InvalidAmount,
    OrderNotFound,
    OrderTakenOver,
    SignatureTaken,
)
from dexroute.ports import OrderStore
from dexroute.storage.store import SqlStore, open_store
from dexroute.types.orders import AttemptOutcome, EventKind, OrderState, SwapAmounts
from tests.storage.orders_at_hand import MOST, U64_MAX, a_fill, an_attempt, an_order, signed, to_building, to_confirmed


async def run_sql(store: SqlStore, statement: str) -> None:
    """Past all code of the store, in one transaction."""
    async with store._sessions.writing() as session:
        await (await session.connection()).execute(text(statement))


async def test_everything_recorded_comes_back_whole(journal: OrderStore) -> None:
    order = await to_confirmed(journal, an_order(key="clé 🔑"))
    attempt = replace(signed(an_attempt(order)), outcome=AttemptOutcome.LANDED, slot=U64_MAX)
    assert await journal.order(order.id) == order == await journal.order_by_key("clé 🔑")
    assert order.executed == MOST and order.request.amount == U64_MAX and order.limit_amount == U64_MAX
    assert await journal.attempts(order.id) == (attempt,)
    assert await journal.fills(order.id) == (a_fill(attempt),)
    events = await journal.events(order.id)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6] and events[-1].facts == {"slot": str(U64_MAX)}
    assert await journal.events(order.id, after_seq=4) == events[4:]


async def test_orders_are_listed_newest_first(journal: OrderStore) -> None:
    placed = [(await journal.place(an_order(now_ms=1_700_000_000_000 + age)))[0] for age in range(5)]
    newest = tuple(reversed(placed))
    assert await journal.orders() == newest
    assert await journal.orders(limit=2) == newest[:2]
    assert await journal.orders(before_id=newest[1].id) == newest[2:]
    assert await journal.orders(states={OrderState.CONFIRMED}) == ()
    assert await journal.orders(states={OrderState.PENDING}, limit=1) == newest[:1]


async def test_one_key_is_one_order(journal: OrderStore) -> None:
    first, is_new = await journal.place(an_order(key="k"))
    assert is_new and await journal.place(an_order(key="k")) == (first, False)
    with pytest.raises(IdempotencyConflict, match=first.id):
        await journal.place(an_order(key="k", slippage_bps=51))
    assert len(await journal.orders()) == 1 and len(await journal.events(first.id)) == 1


async def test_many_placing_at_once_under_one_key_agree(journal: OrderStore) -> None:
    results = await asyncio.gather(*(journal.place(an_order(key="k")) for _ in range(20)))
    assert sum(is_new for _, is_new in results) == 1 and len({order.id for order, _ in results}) == 1


async def test_an_illegal_move_is_refused(journal: OrderStore) -> None:
    placed, _ = await journal.place(an_order())
    with pytest.raises(IllegalTransition, match="PENDING to CONFIRMED"):
        await journal.advance(placed, replace(placed, state=OrderState.CONFIRMED), EventKind.CONFIRMED, at_ms=1)
    with pytest.raises(IllegalTransition, match="starts as PENDING"):
        await journal.place(replace(an_order(), state=OrderState.SUBMITTED))
    assert await journal.order(placed.id) == placed


async def test_a_stale_writer_is_refused_and_leaves_nothing(journal: OrderStore) -> None:
    building = await to_building(journal, an_order())
    intended, _ = await journal.advance(building, building, EventKind.INTENT, at_ms=1)
    with pytest.raises(IllegalTransition, match="moved on"):
        await journal.advance(building, building, EventKind.INTENT, at_ms=1, attempt=an_attempt(building))
    claimed = await journal.claim(building.id, owner="other", at_ms=7)
    assert claimed.fencing == 2 and claimed.claimed_by == "other" and claimed.state is OrderState.BUILDING
    with pytest.raises(OrderTakenOver, match="other"):
        await journal.advance(intended, intended, EventKind.INTENT, at_ms=1, attempt=an_attempt(building))
    assert await journal.attempts(building.id) == () and (await journal.events(building.id))[-1].kind is EventKind.CLAIMED


async def test_claims_at_once_are_numbered_apart_and_one_writes(journal: OrderStore) -> None:
    placed, _ = await journal.place(an_order())
    claims = await asyncio.gather(*(journal.claim(placed.id, owner=f"w{number}", at_ms=1) for number in range(8)))
    assert sorted(claim.fencing for claim in claims) == list(range(2, 10))
    routed = await asyncio.gather(
        *(journal.advance(claim, replace(claim, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=2) for claim in claims),
        return_exceptions=True,
    )
    assert sum(isinstance(result, OrderTakenOver) for result in routed) == 7
    assert [event.seq for event in await journal.events(placed.id)] == list(range(1, 11))


async def test_an_ended_order_is_not_claimed(journal: OrderStore) -> None:
    order = await to_confirmed(journal, an_order())
    assert await journal.claim(order.id, owner="late", at_ms=9) == order
    assert await journal.order(order.id) == order and len(await journal.events(order.id)) == order.event_seq


async def test_a_missing_order_is_named(journal: OrderStore) -> None:
    unknown = an_order()
    with pytest.raises(OrderNotFound, match=unknown.id):
        await journal.order(unknown.id)
    with pytest.raises(OrderNotFound, match=unknown.id):
        await journal.claim(unknown.id, owner="o", at_ms=1)
    with pytest.raises(OrderNotFound, match=unknown.id):
        await journal.advance(unknown, unknown, EventKind.INTENT, at_ms=1)
    assert await journal.order_by_key("nope") is None


async def test_a_second_live_attempt_is_impossible(journal: OrderStore) -> None:
    building = await to_building(journal, an_order())
    first = an_attempt(building)
    intended, _ = await journal.advance(building, building, EventKind.INTENT, at_ms=1, attempt=first)
    with pytest.raises(IllegalTransition, match="live attempt"):
        await journal.advance(intended, intended, EventKind.INTENT, at_ms=1, attempt=an_attempt(building, 2))
    assert await journal.order(building.id) == intended, "the refused step left its event behind"
    dead = replace(first, outcome=AttemptOutcome.NEVER_SIGNED, dead_at=5)
    buried, _ = await journal.advance(intended, intended, EventKind.ATTEMPT_DEAD, at_ms=1, attempt=dead)
    await journal.advance(buried, buried, EventKind.INTENT, at_ms=1, attempt=an_attempt(building, 2))
    assert [attempt.is_live for attempt in await journal.attempts(building.id)] == [False, True]


async def test_an_attempt_that_landed_stays_alive_so_nothing_can_follow_it(journal: OrderStore) -> None:
    order = await to_confirmed(journal, an_order())
    back, _ = await journal.advance(order, replace(order, state=OrderState.SUBMITTED), EventKind.ROUTING, at_ms=1)
    with pytest.raises(IllegalTransition, match="live attempt"):
        await journal.advance(back, back, EventKind.INTENT, at_ms=1, attempt=an_attempt(order, 2))


async def test_what_was_signed_and_what_is_dead_never_change(journal: OrderStore) -> None:
    building = await to_building(journal, an_order())
    attempt = an_attempt(building)
    order, _ = await journal.advance(building, building, EventKind.INTENT, at_ms=1, attempt=attempt)
    order, _ = await journal.advance(order, order, EventKind.SIGNED, at_ms=1, attempt=signed(attempt))
    for forged in (
        replace(signed(attempt), wire=b"other"),
        replace(signed(attempt), signature="other"),
        replace(signed(attempt), message=b"other"),
        replace(signed(attempt), last_valid_block_height=1),
        attempt,
    ):
        with pytest.raises(IllegalTransition, match="cannot change"):
            await journal.advance(order, order, EventKind.SIGNED, at_ms=1, attempt=forged)
    dead = replace(signed(attempt), outcome=AttemptOutcome.EXPIRED, dead_at=5)
    order, _ = await journal.advance(order, order, EventKind.ATTEMPT_DEAD, at_ms=1, attempt=dead)
    with pytest.raises(IllegalTransition, match="dead"):
        await journal.advance(order, order, EventKind.ATTEMPT_DEAD, at_ms=1, attempt=signed(attempt))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO attempts (id, order_id, number, fencing, message, blockhash, last_valid_block_height, tracked, created_ms)"
        " SELECT 'x', order_id, 9, 1, message, blockhash, last_valid_block_height, tracked, 1 FROM attempts",
        "UPDATE attempts SET wire = NULL",
        "UPDATE attempts SET signature = NULL",
        "INSERT INTO events (order_id, seq, kind, after, fencing, at_ms, facts)"
        " SELECT order_id, seq, kind, after, fencing, at_ms, facts FROM events WHERE seq = 1",
        "INSERT INTO fills SELECT * FROM fills",
        "UPDATE orders SET key = 'k2'",
        "UPDATE attempts SET order_id = 'nobody'",
        "DELETE FROM orders",
    ],
)
async def test_the_database_itself_refuses_what_must_not_be(store: SqlStore, statement: str) -> None:
    await to_confirmed(store, an_order(key="k1"))
    await store.place(an_order(key="k3"))
    with pytest.raises(IllegalTransition):
        await run_sql(store, statement)


async def test_numbers_out_of_range_are_refused_before_they_are_written(store: SqlStore) -> None:
    placed, _ = await store.place(an_order())
    for amount in (-1, 2**64, 1.5, True):
        bad = SwapAmounts(amount_in=amount, amount_out=1)  # type: ignore[arg-type]
        with pytest.raises(InvalidAmount):
            await store.advance(placed, replace(placed, quoted=bad), EventKind.ROUTING, at_ms=1)
    with pytest.raises(InvalidAmount):
        await store.claim(placed.id, owner="o", at_ms=2**63)
    assert await store.order(placed.id) == placed


async def test_stored_text_that_is_no_number_is_named(tmp_path: Path) -> None:
    """SQLite only: PostgreSQL's NUMERIC holds nothing else."""
    async with open_store(tmp_path / "journal.db") as store:
        placed, _ = await store.place(an_order())
        for damage in ("UPDATE orders SET amount = 'many'", "UPDATE orders SET amount = '-5'", "UPDATE orders SET state = 'LOST'"):
            await run_sql(store, damage)
            with pytest.raises(DatabaseError, match="restore a backup"):
                await store.order(placed.id)


async def test_amounts_sort_as_numbers(store: SqlStore) -> None:
    for amount in (5, U64_MAX, 10, 2**63):
        request = replace(an_order().request, amount=amount)
        await store.place(an_order(request=request))
    async with store._sessions.reading() as session:
        found = (await (await session.connection()).execute(text("SELECT amount FROM orders ORDER BY amount"))).scalars().all()
    assert [int(amount) for amount in found] == [5, 10, 2**63, U64_MAX]


async def test_facts_about_the_journal_are_kept(journal: OrderStore) -> None:
    assert await journal.noted("cluster:g") is None
    await journal.note("cluster:g", "1")
    await journal.note("cluster:g", "2")
    assert await journal.noted("cluster:g") == "2"


async def test_of_those_who_change_a_fact_at_once_one_succeeds(journal: OrderStore) -> None:
    before: str | None = None
    for turn in range(5):
        values = [f"{turn}:{number}" for number in range(8)]
        done = await asyncio.gather(*(journal.replace_note("wallet", before, value) for value in values))
        assert sum(done) == 1
        assert await journal.noted("wallet") == values[done.index(True)]
        assert not await journal.replace_note("wallet", "something else", "mine")
        assert turn == 0 or not await journal.replace_note("wallet", None, "mine")
        before = values[done.index(True)]


async def test_two_processes_on_one_postgres_never_overwrite_each_others_note(postgres: str) -> None:
    from tests.servers.postgres import empty_postgres

    url = await empty_postgres(postgres)
    async with open_store(url) as first, open_store(url) as second:
        before: str | None = None
        for turn in range(20):
            done = await asyncio.gather(*(one.replace_note("w", before, f"{turn}:{id(one)}") for one in (first, second)))
            assert sum(done) == 1
            before = await first.noted("w")
            assert before == await second.noted("w") == f"{turn}:{id((first, second)[done.index(True)])}"


async def test_two_workers_on_one_postgres_share_an_order_by_claims(postgres: str) -> None:
    from tests.servers.postgres import empty_postgres

    url = await empty_postgres(postgres)
    async with open_store(url) as one, open_store(url) as other:
        (first, _), (second, _) = await asyncio.gather(one.place(an_order(key="k")), other.place(an_order(key="k")))
        assert first.id == second.id
        mine, theirs = await asyncio.gather(one.claim(first.id, owner="1", at_ms=1), other.claim(first.id, owner="2", at_ms=1))
        newest, stale = (mine, theirs) if mine.fencing > theirs.fencing else (theirs, mine)
        with pytest.raises(OrderTakenOver):
            await one.advance(stale, replace(stale, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=2)
        await other.advance(newest, replace(newest, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=2)


async def test_the_newest_steps_come_first_and_only_those_asked_for(journal: OrderStore) -> None:
    placed = [(await journal.place(replace(an_order(), id=f"{number:032x}")))[0].id for number in (3, 1, 2)]
    await journal.claim(placed[0], owner="one", at_ms=1, lease_ms=1_000)
    steps = await journal.newest_steps([EventKind.PLACED], limit=2)
    assert [(step.order_id[-1], step.kind) for step in steps] == [("3", EventKind.PLACED), ("2", EventKind.PLACED)]
    (claimed,) = await journal.newest_steps([EventKind.CLAIMED], limit=9)
    assert claimed.order_id == placed[0] and claimed.facts["owner"] == "one"
    assert await journal.newest_steps([EventKind.PLACED], limit=0) == ()


async def test_one_signature_is_of_one_attempt_and_the_order_refused_it_goes_on(journal: OrderStore) -> None:
    orders = []
    for _ in range(2):
        building = await to_building(journal, an_order())
        intended, _ = await journal.advance(building, building, EventKind.INTENT, at_ms=1, attempt=an_attempt(building))
        orders.append(intended)
    first, second = orders
    await journal.advance(first, first, EventKind.SIGNED, at_ms=1, attempt=replace(signed(an_attempt(first)), signature="same"))
    with pytest.raises(SignatureTaken, match="another attempt"):
        attempt = replace(signed(an_attempt(second)), signature="same")
        await journal.advance(second, second, EventKind.SIGNED, at_ms=1, attempt=attempt)
    assert await journal.attempts(second.id) == (an_attempt(second),)
    assert await journal.order(second.id) == second, "the refused step left its event behind"
    attempt = replace(signed(an_attempt(second)), signature="another")
    await journal.advance(second, second, EventKind.SIGNED, at_ms=1, attempt=attempt)
    assert await journal.known_signatures(["same", "another"]) == {"same", "another"}
