"""PostgreSQL killed under load and started again: callers are told of an outage, and what was acknowledged is there."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Final

from dexroute.errors import DatabaseUnavailable
from dexroute.storage.store import open_store
from dexroute.types.orders import EventKind, OrderState
from tests.servers.postgres import postgres_server
from tests.storage.orders_at_hand import an_order

ROUTING: Final = OrderState.ROUTING


async def test_a_server_killed_under_load_is_an_outage_and_loses_nothing_it_acknowledged() -> None:
    acknowledged: list[tuple[str, OrderState]] = []
    outages: list[str] = []

    async def place(name: str) -> None:
        try:
            async with open_store(server.url) as store:
                for number in range(100_000):
                    told = await asyncio.gather(*(store.place(an_order(key=f"{name}-{number}-{k}")) for k in range(4)))
                    acknowledged.extend((order.id, order.state) for order, _ in told)
                    steps = [store.advance(one, replace(one, state=ROUTING), EventKind.ROUTING, at_ms=1) for one, _ in told]
                    acknowledged.extend((order.id, order.state) for order, _ in await asyncio.gather(*steps))
        except DatabaseUnavailable as outage:
            outages.append(str(outage))

    with postgres_server() as server:
        for kill in range(3):
            # One is in the middle of much, the others of opening: both are when servers die.
            placing = [asyncio.create_task(place(f"{kill}-{worker}")) for worker in range(4)]
            while kill == 0 and not any(state is ROUTING for _, state in acknowledged):
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.uniform(0.3, 1.2))
            await asyncio.to_thread(server.kill)
            await asyncio.gather(*placing)
            await asyncio.to_thread(server.start)
        async with open_store(server.url) as store:
            there = {order.id: order.state for order in await store.orders(limit=1_000_000)}
    assert len(outages) == 12 and all("nothing is lost" in outage for outage in outages)
    assert all(there[order_id] in (state, ROUTING) for order_id, state in acknowledged)
    assert sum(state is ROUTING for _, state in acknowledged) > 0
