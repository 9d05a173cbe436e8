"""Reading a whole journal through: what a filter chooses, one view while others write, and beside whoever holds the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import DatabaseError, DataDirBusy
from dexroute.host.lock import hold
from dexroute.storage import snapshot
from dexroute.storage.snapshot import HistoryFilter, UnreadableOrder
from dexroute.storage.store import SqlStore, open_store, read_store
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import EventKind, Order, OrderHistory, OrderState
from dexroute.types.requests import QuoteRequest
from tests.storage.orders_at_hand import MINT_A, MINT_B, WALLET, an_order, to_building, to_confirmed

OTHER = Pubkey(bytes([7] * 32))
TIMES = (0, 1, 0xABC, 1_700_000_000_000, 1_700_000_000_001, 0xFFFF_FFFF_FFFF)


async def fill_journal(store: SqlStore) -> list[Order]:
    """Orders of two wallets, two pairs and three states at the edges of time."""
    placed: list[Order] = []
    for number, (now_ms, wallet) in enumerate(product(TIMES, (WALLET, OTHER))):
        pair = (MINT_A, MINT_B) if number % 3 else (NATIVE_MINT, MINT_A)
        request = QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=5)
        order = an_order(now_ms=now_ms, wallet=wallet, request=request, key=f"key {number}")
        if number % 4 == 0:
            placed.append((await store.place(order))[0])
        else:
            placed.append(await (to_building if number % 4 == 1 else to_confirmed)(store, order))
    return sorted(placed, key=lambda order: order.id)


async def read(store: SqlStore, wanted: HistoryFilter | None = None, **parts: bool) -> list[OrderHistory]:
    async with store.snapshot() as journal:
        found = [history async for history in journal.histories(wanted, **parts)]
    assert not [one for one in found if isinstance(one, UnreadableOrder)]
    return [one for one in found if isinstance(one, OrderHistory)]


async def test_a_filter_chooses_what_it_says(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_PAGE", 3)
    orders = await fill_journal(store)
    assert len(orders) == 12 and [history.order for history in await read(store)] == orders
    filters = [
        HistoryFilter(since_ms=since, until_ms=until, states=states, wallet=wallet, mint=mint)
        for since in (None, -5, 1, 1_700_000_000_001)
        for until in (None, -1, 0xABC, 1_700_000_000_000, 0xFFFF_FFFF_FFFF)
        for states in (None, [OrderState.PENDING], [OrderState.BUILDING, OrderState.CONFIRMED], [OrderState.FAILED], [])
        for wallet in (None, OTHER)
        for mint in (None, NATIVE_MINT, MINT_B, OTHER)
    ]
    sizes = set()
    async with store.snapshot() as journal:
        for wanted in filters:
            chosen = [history.order async for history in journal.histories(wanted, attempts=False, events=False)]  # type: ignore[union-attr]
            assert chosen == [order for order in orders if _is_wanted(order, wanted)], wanted
            sizes.add(len(chosen))
    assert len(sizes) > 6 and {0, 12} <= sizes


def _is_wanted(order: Order, wanted: HistoryFilter) -> bool:
    return (
        (wanted.since_ms is None or order.created_ms >= wanted.since_ms)
        and (wanted.until_ms is None or order.created_ms < wanted.until_ms)
        and (wanted.states is None or order.state in wanted.states)
        and (wanted.wallet is None or order.wallet == wanted.wallet)
        and (wanted.mint is None or wanted.mint in (order.request.input_mint, order.request.output_mint))
    )


async def test_a_history_is_all_that_the_journal_holds(store: SqlStore) -> None:
    orders = await fill_journal(store)
    histories = await read(store)
    for history in histories:
        assert history.attempts == await store.attempts(history.order.id)
        assert history.events == await store.events(history.order.id)
        assert history.fills == await store.fills(history.order.id)
    assert sum(len(history.fills) for history in histories) == sum(order.state is OrderState.CONFIRMED for order in orders) == 6
    bare = await read(store, attempts=False, events=False)
    assert [replace(history, attempts=(), events=()) for history in histories] == bare


async def test_one_view_while_others_write(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed after the first page was read is not in the later ones, neither new orders nor new states."""
    monkeypatch.setattr(snapshot, "_PAGE", 2)
    before = await fill_journal(store)
    seen: list[Order] = []
    async with store.snapshot() as journal:
        async for history in journal.histories():
            assert isinstance(history, OrderHistory)
            seen.append(history.order)
            if len(seen) == 1:
                await to_confirmed(store, an_order(now_ms=1_800_000_000_000, key="late"))
                pending = next(order for order in reversed(before) if order.state is OrderState.PENDING)
                await store.advance(pending, replace(pending, state=OrderState.CANCELLED), EventKind.CANCELLED, at_ms=9)
    assert seen == before
    assert [history.order.state for history in await read(store)] != [order.state for order in before]


async def test_a_journal_is_read_beside_its_holder(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    async with open_store(file) as held:
        orders = await fill_journal(held)
        with pytest.raises(DataDirBusy):
            async with open_store(file):
                pass
        async with read_store(file) as reading:
            assert [history.order for history in await read(reading)] == orders
            late, _ = await held.place(an_order(now_ms=1_800_000_000_000, key="late"))
            assert await reading.order(late.id) == late, "the next view has it"
            with pytest.raises(DatabaseError, match="readonly"):
                await reading.place(an_order(key="never"))
    before = file.read_bytes()
    async with read_store(file) as alone:
        assert len(await read(alone)) == 13
    assert file.read_bytes() == before


async def test_a_missing_journal_is_made_and_an_older_one_migrated_unless_it_is_held(database: str, tmp_path: Path) -> None:
    async with read_store(database) as made:
        assert await read(made) == []
    file = tmp_path / "older.db"
    async with open_store(file):
        pass
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0001'")
        raw.commit()
    with hold(tmp_path, file.name, what="the journal"), pytest.raises(DataDirBusy):
        async with read_store(file):
            pass
