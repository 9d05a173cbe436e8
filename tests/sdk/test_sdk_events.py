"""Events after their commit: to subscribers here, over Redis to others, and to all of them with Redis dead."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from dexroute import Dex, KeypairSigner
from dexroute.types.orders import EventKind, OrderEvent, OrderState
from tests.servers.redis import RedisServer, redis_server


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


def check(events: list[OrderEvent], order_id: str) -> None:
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {event.order_id for event in events} == {order_id}
    assert events[0].kind is EventKind.PLACED and events[-1].kind is EventKind.CONFIRMED


async def until_confirmed(dex: Dex) -> list[OrderEvent]:
    seen = []
    async with aclosing(dex.events()) as following:  # type: ignore[type-var]
        async for event in following:
            seen.append(event)
            if event.kind is EventKind.CONFIRMED:
                break
    return seen


async def test_every_step_of_a_swap_is_heard_as_it_is_committed(dex: Dex) -> None:
    following = asyncio.create_task(until_confirmed(dex))
    receipt = await dex.swap(await dex.quote("SOL", "USDC", "1", swappable=True))
    async with asyncio.timeout(30):
        events = await following
    check(events, receipt.order.id)
    assert [event.position for event in events] == [event.seq for event in events]
    assert events == list((await (await dex.orders()).receipt(receipt.order.id)).events)


@pytest.mark.usefixtures("patient_redis")
async def test_every_step_is_published_and_others_are_woken_by_it(market: Path, signer: KeypairSigner, server: RedisServer) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer, redis_url=server.url) as dex:
        channel = f"dexroute:1:{dex.connection.genesis_hash}:events"
        with server.client() as client, client.pubsub() as heard:
            heard.subscribe(channel)
            assert heard.get_message(timeout=30)
            receipt = await dex.swap(await dex.quote("SOL", "USDC", "1", swappable=True))
            written = (await (await dex.orders()).receipt(receipt.order.id)).events
            published: list[dict[str, object]] = []
            async with asyncio.timeout(30):
                while len(published) < len(written):
                    if message := await asyncio.to_thread(heard.get_message, timeout=1):
                        published.append(json.loads(message["data"]))
        assert [(told["seq"], told["kind"]) for told in published] == [(event.seq, str(event.kind)) for event in written]
        assert {told["order"] for told in published} == {receipt.order.id}
        # a message of another process is a hint to look now, long before the next look is due
        await dex.journal()
        dex._events._feed._look_ms = 60_000
        hints: list[str] = []
        dex._events._feed.wake = hints.append  # type: ignore[assignment]
        following = asyncio.create_task(until_confirmed(dex))
        with server.client() as client:
            async with asyncio.timeout(30):
                while not hints:
                    client.publish(channel, "not an event")
                    client.publish(channel, json.dumps({"order": "of another process"}))
                    await asyncio.sleep(0.05)
        assert set(hints) == {"of another process"}
        await following


async def test_a_dead_redis_costs_no_event_and_fails_no_order(market: Path, signer: KeypairSigner, server: RedisServer) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer, redis_url=server.url) as dex:
        following = asyncio.create_task(until_confirmed(dex))
        server.kill()
        receipt = await dex.swap(await dex.quote("SOL", "USDC", "1", swappable=True))
        assert receipt.order.state is OrderState.CONFIRMED
        async with asyncio.timeout(30):
            check(await following, receipt.order.id)


async def test_a_redis_that_hangs_holds_nothing_up(market: Path, signer: KeypairSigner, server: RedisServer) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer, redis_url=server.url) as dex:
        server.running.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(60):
                receipt = await dex.swap(await dex.quote("SOL", "USDC", "1", swappable=True))
                assert len([event async for event in dex.events(receipt.order.id, live=False)]) == receipt.order.event_seq
        finally:
            server.running.send_signal(signal.SIGCONT)
