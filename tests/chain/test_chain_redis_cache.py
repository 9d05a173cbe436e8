"""The shared cache on a real server: whole sets, never older than before, one server's time, and what else is under our keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.cache.redis import RedisCache, open_redis
from dexroute.errors import CacheDamaged, CacheUnavailable, ConfigError
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, AccountSource, Commitment
from tests.servers.redis import RedisServer, redis_server
from tests.unit.test_pool_reader import HeldTime

pytestmark = pytest.mark.usefixtures("patient_redis")
POOL, VAULT, ABSENT = (Pubkey.new_unique() for _ in range(3))


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    with shared_server.client() as client:
        client.flushall()
    return shared_server


@pytest.fixture
async def cache(server: RedisServer) -> AsyncIterator[RedisCache]:
    async with opened(server) as ours:
        yield ours


def opened(
    server: RedisServer, *, genesis: str = "GENESIS", commitment: Commitment = Commitment.CONFIRMED, time: HeldTime | None = None
) -> AbstractAsyncContextManager[RedisCache]:
    return open_redis(server.url, time or HeldTime(), genesis_hash=genesis, commitment=commitment)


def read(slot: int, lamports: int | None = None) -> AccountsAtSlot:
    """A set whose every account says of which read it is."""
    mark = slot if lamports is None else lamports
    account = AccountData(owner=Pubkey.default(), lamports=mark, data=mark.to_bytes(8, "little") * 500)
    return AccountsAtSlot(slot=slot, accounts={POOL: account, VAULT: account, ABSENT: None})


async def test_what_one_process_keeps_another_finds(server: RedisServer, cache: RedisCache) -> None:
    assert await cache.latest([POOL, VAULT]) is None
    await cache.keep([POOL, VAULT], read(100))
    async with opened(server) as another:
        found = await another.latest([VAULT, POOL])
        assert found is not None
        assert (found.slot, found.accounts, found.source) == (100, read(100).accounts, AccountSource.CACHE)
        assert found.age_slots <= 50, "just written, by the server's clock"
        assert await another.latest([POOL]) is None
    for strange in (opened(server, genesis="ANOTHER"), opened(server, commitment=Commitment.FINALIZED)):
        async with strange as apart:
            assert await apart.latest([POOL, VAULT]) is None


async def test_age_counts_slots_that_any_process_saw(server: RedisServer, cache: RedisCache) -> None:
    await cache.keep([POOL], read(100))
    async with opened(server) as another:
        await another.keep([VAULT], read(190))
    found = await cache.latest([POOL])
    assert found is not None and 90 <= found.age_slots < 140
    newest = await cache.latest([VAULT])
    assert newest is not None and newest.age_slots < 50


async def test_time_that_passes_makes_a_set_older(server: RedisServer, cache: RedisCache) -> None:
    await cache.keep([POOL], read(100))
    with server.client() as client:
        (key,) = client.keys("*:set:*")
        (tip,) = client.keys("*:tip")
        for name in (key, tip):
            client.hset(name, "at_ms", int(client.hget(name, "at_ms")) - 60_000)
    found = await cache.latest([POOL])
    assert found is not None and found.age_slots >= 300


async def test_a_set_never_steps_back_in_slots(cache: RedisCache) -> None:
    for slot in (100, 99, 101, 98):
        await cache.keep([POOL], read(slot))
    found = await cache.latest([POOL])
    assert found is not None and found.slot == 101


async def test_readers_never_see_half_of_a_set(server: RedisServer) -> None:
    """Several writers and readers at once, connections of their own."""
    seen: list[int] = []

    async def write(first: int) -> None:
        async with opened(server) as ours:
            for slot in range(first, 200, 4):
                await ours.keep([POOL], read(slot))

    async def look() -> None:
        async with opened(server) as ours:
            for _ in range(100):
                found = await ours.latest([POOL])
                if found is None:
                    await asyncio.sleep(0)
                    continue
                assert found.accounts == read(found.slot).accounts
                seen.append(found.slot)

    async with asyncio.TaskGroup() as group:
        for first in range(4):
            group.create_task(write(first))
        for _ in range(3):
            group.create_task(look())
    assert len(seen) > 50


@pytest.mark.parametrize("kind", ["string", "list", "foreign hash", "foreign value", "too large", "from the future"])
async def test_what_others_wrote_under_our_keys_is_told_and_written_over(server: RedisServer, cache: RedisCache, kind: str) -> None:
    await cache.keep([POOL], read(100))
    with server.client() as client:
        (key,) = client.keys("*:set:*")
        if kind in ("string", "list", "foreign hash"):
            client.delete(key)
        match kind:
            case "string":
                client.set(key, b"\xff\xfe")
            case "list":
                client.rpush(key, "x")
            case "foreign hash":
                client.hset(key, "name", "value")
            case "foreign value":
                client.hset(key, "accounts", b"pickle")
            case "too large":
                client.hset(key, "accounts", bytes(17 * 2**20))
            case "from the future":
                client.hset(key, "at_ms", 10**16)
    with pytest.raises(CacheDamaged):
        await cache.latest([POOL])
    if kind != "from the future":
        await cache.keep([POOL], read(100, lamports=7))
        found = await cache.latest([POOL])
        assert found is not None and found.accounts == read(100, lamports=7).accounts


async def test_a_foreign_tip_is_replaced(server: RedisServer, cache: RedisCache) -> None:
    await cache.keep([POOL], read(100))
    with server.client() as client:
        (tip,) = client.keys("*:tip")
        client.set(tip, "someone else's")
        found = await cache.latest([POOL])
        assert found is not None and found.age_slots < 50
        await cache.keep([POOL], read(101))
        assert client.hget(tip, "slot") == b"101"
        # A slot no other process reaches makes everything old, and is forgotten in time.
        client.hset(tip, "slot", 2**50)
        found = await cache.latest([POOL])
        assert found is not None and found.age_slots > 10**9
        assert 0 < client.pttl(tip) <= 600_000


async def test_a_slot_that_nobody_reaches_does_not_keep_others_out_for_long(server: RedisServer, cache: RedisCache) -> None:
    await cache.keep([POOL], read(2**40))
    await cache.keep([POOL], read(100))
    found = await cache.latest([POOL])
    assert found is not None and found.slot == 2**40
    with server.client() as client:
        (key,) = client.keys("*:set:*")
        client.hset(key, "at_ms", int(client.hget(key, "at_ms")) - 61_000)
    await cache.keep([POOL], read(100))
    found = await cache.latest([POOL])
    assert found is not None and found.slot == 100


async def test_a_flushed_server_costs_only_what_it_held(server: RedisServer, cache: RedisCache) -> None:
    await cache.keep([POOL], read(100))
    with server.client() as client:
        client.flushall()
        client.script_flush()
    assert await cache.latest([POOL]) is None
    await cache.keep([POOL], read(100))
    assert await cache.latest([POOL]) is not None
    with server.client() as client:
        assert all(client.pttl(key) > 0 for key in client.keys("*")), "everything expires when nobody asks"


async def test_a_server_that_is_gone_is_left_alone_for_a_while() -> None:
    passing = HeldTime()
    with redis_server() as server:
        async with opened(server, time=passing) as cache:
            await cache.keep([POOL], read(100))
            server.kill()
            with pytest.raises(CacheUnavailable, match="quotes go on without it"):
                await cache.latest([POOL])
            server.start()
            for _ in range(1_000):
                with pytest.raises(CacheUnavailable):
                    await cache.keep([POOL], read(101))
            with server.client() as client:
                assert not client.keys("*"), "nobody was asked"
            passing.ms += 10_001
            await cache.keep([POOL], read(102))
            assert await cache.latest([POOL]) is not None


async def test_a_server_that_does_not_let_us_in_or_is_full() -> None:
    with redis_server("--requirepass", "secret-word") as server:
        async with AsyncExitStack() as stack:
            refused = await stack.enter_async_context(opened(server))
            with pytest.raises(CacheUnavailable):
                await refused.latest([POOL])
            wrong = RedisServer(f"{server.url}?password=secret-guess", server.command)
            guessed = await stack.enter_async_context(opened(wrong))
            with pytest.raises(CacheUnavailable) as caught:
                await guessed.latest([POOL])
            assert "secret" not in str(caught.value) + str(caught.value.context)
            right = RedisServer(f"{server.url}?password=secret-word", server.command)
            let_in = await stack.enter_async_context(opened(right))
            await let_in.keep([POOL], read(1))
            assert (await let_in.version()).split(".")[0].isdigit()
    with redis_server("--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        async with opened(server) as full:
            with pytest.raises(CacheUnavailable, match="maxmemory"):
                await full.keep([POOL], read(1))


async def test_a_url_redis_cannot_read_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError, match="redis_url"):
        async with open_redis(
            "redis://host:6379/notanumber?socket_timeout=x", HeldTime(), genesis_hash="G", commitment=Commitment.CONFIRMED
        ):
            pass
