"""A limit over a wallet's orders is held by the transaction that adds to them: of many at once, no more pass than it allows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import PolicyRefused
from dexroute.ports import OrderStore
from dexroute.storage.store import open_store
from dexroute.types.orders import AttemptOutcome, EventKind, Order, OrderState
from dexroute.types.spendings import Spending, SpendingGuard
from tests.servers.postgres import empty_postgres
from tests.storage.orders_at_hand import COSTS, an_attempt, an_order, to_building, to_confirmed

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000


def allowing(most: int) -> SpendingGuard:
    """Attempts alive at a time, the new one among them."""

    def check(others: Sequence[Spending]) -> None:
        # the step's own attempt is not kept yet, so whatever is reserved is another's
        if sum(other.reserved is not None for other in others) >= most:
            raise PolicyRefused("too many", rule="test")

    return SpendingGuard(since_ms=NOW_MS, check=check)


async def intend(journal: OrderStore, order: Order, guard: SpendingGuard) -> Order:
    intended, _ = await journal.advance(order, order, EventKind.INTENT, at_ms=3, attempt=an_attempt(order), guard=guard)
    return intended


async def passed(journals: Sequence[OrderStore], count: int, most: int) -> int:
    orders = [await to_building(journals[0], an_order()) for _ in range(count)]
    found = await asyncio.gather(
        *(intend(journals[number % len(journals)], order, allowing(most)) for number, order in enumerate(orders)),
        return_exceptions=True,
    )
    refused = [order for order, one in zip(orders, found, strict=True) if isinstance(one, PolicyRefused)]
    assert len(refused) + sum(isinstance(one, Order) for one in found) == count, found
    for order in refused:
        assert await journals[0].order(order.id) == order and not await journals[0].attempts(order.id), "nothing is left of it"
    return count - len(refused)


async def test_no_more_pass_at_once_than_are_allowed(journal: OrderStore) -> None:
    assert await passed([journal], count=12, most=5) == 5


async def test_no_more_pass_at_once_in_two_processes_either(postgres: str) -> None:
    url = await empty_postgres(postgres)
    async with AsyncExitStack() as stack:
        journals = [await stack.enter_async_context(open_store(url)) for _ in range(2)]
        assert await passed(journals, count=24, most=5) == 5


async def test_what_counts(journal: OrderStore) -> None:
    """Open orders of any age, those placed since, and those signed since, however long they had waited before; of this wallet, on
    this cluster. Reserved is what is alive."""
    old_ms = NOW_MS - 50 * HOUR_MS
    waiting, _ = await journal.place(an_order(now_ms=old_ms))
    under_way = await intend(journal, await to_building(journal, an_order(now_ms=NOW_MS + 1)), allowing(9))
    given_up = await intend(journal, await to_building(journal, an_order(now_ms=NOW_MS + 2)), allowing(9))
    back = replace(given_up, state=OrderState.ROUTING)
    dead = replace(an_attempt(given_up), outcome=AttemptOutcome.NEVER_SIGNED, dead_at=4)
    given_up, _ = await journal.advance(given_up, back, EventKind.ATTEMPT_DEAD, at_ms=NOW_MS, attempt=dead)
    landed = await to_confirmed(journal, an_order(now_ms=NOW_MS + 3))
    long_ago = await to_confirmed(journal, an_order(now_ms=old_ms))  # signed in 1970
    waited = await to_confirmed(journal, an_order(now_ms=NOW_MS - 1_000 * HOUR_MS), signed_ms=NOW_MS - 1_000)
    await journal.place(an_order(wallet=Pubkey.new_unique()))
    await journal.place(an_order(genesis_hash="elsewhere"))
    found: dict[str, Spending] = {}

    def check(others: Sequence[Spending]) -> None:
        found.update({other.order.id: other for other in others})
        raise PolicyRefused("seen", rule="test")

    mine = await to_building(journal, an_order(now_ms=NOW_MS + 4))
    with pytest.raises(PolicyRefused):
        await intend(journal, mine, SpendingGuard(since_ms=NOW_MS, check=check))
    assert found.keys() - {mine.id} == {waiting.id, under_way.id, given_up.id, landed.id, waited.id} and long_ago.id not in found
    assert found[under_way.id].reserved == COSTS and found[landed.id].order == landed
    assert found[waiting.id].reserved is None and found[given_up.id].reserved is None
