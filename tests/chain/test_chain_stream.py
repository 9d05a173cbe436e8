"""The account stream and nodes that do not do as they should: it serves what is proven or nothing, and comes back by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.stream import AccountStream, StreamPace
from dexroute.config import redact_url
from dexroute.errors import CacheUnavailable
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.host.clock import HostClock
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, AccountSource, Commitment
from tests.chain.pubsub_node import PubSubNode, pubsub_node, until

POOL, OTHER = Pubkey.new_unique(), Pubkey.new_unique()
QUICK = StreamPace(first_wait_ms=5, max_wait_ms=20, silent_ms=60_000, audit_ms=600_000)


def state(number: int) -> AccountData:
    return AccountData(owner=OTHER, lamports=number, data=number.to_bytes(8, "little"))


@pytest.fixture
async def node() -> AsyncIterator[PubSubNode]:
    async with pubsub_node() as opened:
        opened.accounts |= {POOL: state(1), OTHER: None}
        yield opened


def stream_of(node: PubSubNode, pace: StreamPace = QUICK) -> AccountStream:
    return AccountStream([node.url], node, HostClock(), pace=pace, chance=lambda: 0.0)


async def follow(stream: AccountStream, node: PubSubNode) -> None:
    """Follow POOL and OTHER until they are served."""
    await stream.keep([POOL], AccountsAtSlot(slot=node.slot, accounts={POOL: None, OTHER: None}))
    await settle(stream, node)


async def settle(stream: AccountStream, node: PubSubNode) -> None:
    async with asyncio.timeout(20):
        while await held(stream) is None:
            if len(node.subscribed) == 3:
                await node.tick()
            await asyncio.sleep(0.01)


async def held(stream: AccountStream) -> tuple[int, AccountData | None, AccountData | None] | None:
    try:
        kept = await stream.latest([POOL])
    except CacheUnavailable:
        return None
    return None if kept is None else (kept.slot, kept.accounts[POOL], kept.accounts[OTHER])


async def test_changes_are_followed_and_cost_no_read(node: PubSubNode) -> None:
    async with stream_of(node) as stream:
        await follow(stream, node)
        reads, slot = node.reads, node.slot
        await node.tick({POOL: state(2), OTHER: state(5)})
        await node.tick({OTHER: None})
        await node.tick()
        await until(lambda: stream.status().slot == slot + 2)
        kept = await stream.latest([POOL])
        assert kept is not None
        assert (kept.slot, kept.source) == (slot + 2, AccountSource.STREAM)
        assert kept.accounts == {POOL: state(2), OTHER: None, CLOCK_SYSVAR_ID: kept.accounts[CLOCK_SYSVAR_ID]}
        clock = kept.accounts[CLOCK_SYSVAR_ID]
        assert clock is not None and int.from_bytes(clock.data[:8], "little") == slot + 2, "the clock of the same slot"
        assert 1 <= kept.age_slots <= 30
        assert node.reads == reads
        status = stream.status()
        assert (status.state, status.accounts, status.connections, status.reason) == ("live", 3, 1, None)


async def test_after_a_gap_nothing_is_served_until_it_is_read_again(node: PubSubNode) -> None:
    async with stream_of(node) as stream:
        await follow(stream, node)
        slot = node.slot
        await node.hang_up()
        node.accounts[POOL] = state(77)  # changes while nobody listens
        await until(lambda: node.connections == 2 and len(node.subscribed) == 3)
        assert await held(stream) is None
        await settle(stream, node)
        found = await held(stream)
        assert found is not None and found[0] > slot and found[1] == state(77)


async def test_a_lagging_reader_gives_no_baseline(node: PubSubNode) -> None:
    """The HTTP node is behind the WebSocket's: a change between the two would be told by neither."""
    async with stream_of(node) as stream:
        await stream.keep([POOL], AccountsAtSlot(slot=node.slot, accounts={POOL: None, OTHER: None}))
        await until(lambda: len(node.subscribed) == 3)
        ahead = node.slot + 5
        async with asyncio.timeout(20):
            while node.connections == 1:
                await node.tell(CLOCK_SYSVAR_ID, ahead, node.accounts[CLOCK_SYSVAR_ID])
                ahead += 1
                await asyncio.sleep(0.01)
        assert node.reads > 0
        assert await held(stream) is None


async def not_json(node: PubSubNode) -> None:
    await node.say("<html>gateway</html>")


async def no_message(node: PubSubNode) -> None:
    await node.say('{"jsonrpc":"2.0","method":"accountNotification","params":{"result":7}}')


async def half_an_account(node: PubSubNode) -> None:
    (pool,) = (identity for identity, address in node.subscribed.items() if address == POOL)
    value = '{"owner":"x","lamports":1,"data":["","base64"]}'
    await node.say(
        f'{{"method":"accountNotification","params":{{"subscription":{pool},"result":{{"context":{{"slot":1}},"value":{value}}}}}}}'
    )


async def a_late_change(node: PubSubNode) -> None:
    for _ in range(3):
        await node.tick()
    await node.tell(POOL, node.slot - 1, state(66))


async def accounts_nobody_asked_for(node: PubSubNode) -> None:
    for _ in range(10_002):
        await node.tell_raw(999_999, node.slot, state(3))


async def a_flood_without_a_clock(node: PubSubNode) -> None:
    for number in range(20_010):
        await node.tell(POOL, node.slot + number, state(3))


@pytest.mark.parametrize(
    "fault", [not_json, no_message, half_an_account, a_late_change, accounts_nobody_asked_for, a_flood_without_a_clock]
)
async def test_a_node_that_cannot_be_relied_on_is_left_and_tried_again(
    node: PubSubNode, fault: Callable[[PubSubNode], Awaitable[None]]
) -> None:
    async with stream_of(node) as stream:
        await follow(stream, node)
        await fault(node)
        await until(lambda: node.connections == 2 and len(node.subscribed) == 3, seconds=20)
        assert await held(stream) is None
        await settle(stream, node)
        found = await held(stream)
        assert found is not None and found[1:] == (state(1), None)


async def test_a_lost_notification_is_found_by_reading(node: PubSubNode) -> None:
    async with stream_of(node, StreamPace(first_wait_ms=5, max_wait_ms=20, audit_ms=50)) as stream:
        await follow(stream, node)
        await node.tick({POOL: state(9)}, untold=True)
        async with asyncio.timeout(20):
            while node.connections == 1:
                await node.tick()
                await asyncio.sleep(0.02)
        await settle(stream, node)
        found = await held(stream)
        assert found is not None and found[1] == state(9)


async def test_silence_ends_a_connection(node: PubSubNode) -> None:
    async with stream_of(node, StreamPace(first_wait_ms=5, max_wait_ms=20, silent_ms=200)) as stream:
        await until(lambda: node.connections >= 2)
        assert stream.status().slot is None


async def test_a_node_without_subscriptions_is_left_alone(node: PubSubNode) -> None:
    node.refusal = {"code": -32601, "message": "Method not found"}
    async with stream_of(node) as stream:
        await until(lambda: stream.status().state == "off")
        with pytest.raises(CacheUnavailable, match="does not offer this method"):
            await stream.latest([POOL])
        with pytest.raises(CacheUnavailable):
            await stream.keep([POOL], AccountsAtSlot(slot=1, accounts={POOL: None}))
            await stream.settled()
        await asyncio.sleep(0.05)
        assert node.connections == 1


async def test_one_id_for_two_accounts_is_no_subscription(node: PubSubNode) -> None:
    node.same_id = True
    async with stream_of(node) as stream:
        await stream.keep([POOL], AccountsAtSlot(slot=1, accounts={POOL: None}))
        await until(lambda: node.connections >= 2)
        assert stream.status().slot is None


async def test_pools_asked_for_longest_ago_are_given_up(node: PubSubNode) -> None:
    pools = [Pubkey.new_unique() for _ in range(4)]
    async with AccountStream([node.url], node, HostClock(), pace=QUICK, most_accounts=3) as stream:
        for pool in pools:
            await stream.keep([pool], AccountsAtSlot(slot=1, accounts={pool: None}))
        await until(lambda: set(node.subscribed.values()) == {CLOCK_SYSVAR_ID, *pools[2:]})
        assert stream.status().accounts == 3
        await stream.keep(pools, AccountsAtSlot(slot=1, accounts=dict.fromkeys(pools)))
        assert stream.status().accounts == 3, "a set too large is not followed"


async def test_credentials_are_shown_nowhere(node: PubSubNode, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    async with stream_of(node) as stream:
        await until(lambda: node.connections == 1)
        seen.append(repr(stream.status()))
        await node.hang_up()
        await until(lambda: node.connections == 2)
    dead = AccountStream([node.url.replace("127.0.0.1", "127.0.0.1.invalid")], node, HostClock(), pace=QUICK)
    async with dead:
        await until(lambda: dead.status().reason is not None, seconds=15)
        seen.append(repr(dead.status()))
    assert node.paths[0] == "/secret-token-in-path?api-key=secret-key"
    assert len(seen) == 2
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]  # that is the node's own log
    for text in (*seen, *ours):
        assert "secret" not in text


async def test_what_is_only_processed_is_not_followed(node: PubSubNode) -> None:
    with pytest.raises(ValueError, match="undone"):
        AccountStream([node.url], node, HostClock(), commitment=Commitment.PROCESSED)


async def test_another_node_takes_over_and_one_that_never_will_is_asked_once(node: PubSubNode) -> None:
    async with pubsub_node() as second:
        second.refusal = {"code": -32601, "message": "Method not found"}
        async with AccountStream([second.url, node.url], node, HostClock(), pace=QUICK, chance=lambda: 0.0) as stream:
            await follow(stream, node)
            await node.hang_up()
            await until(lambda: node.connections == 2)
            await settle(stream, node)
            assert (second.connections, node.connections) == (1, 2)
            assert stream.status().endpoint == redact_url(node.url)


async def test_closing_while_a_connection_breaks_ends_at_once(node: PubSubNode) -> None:
    for turns in range(12):
        async with asyncio.timeout(10):
            async with stream_of(node) as stream:
                await follow(stream, node)
                await node.hang_up()
                for _ in range(turns):
                    await asyncio.sleep(0)
    assert node.connections >= 12
