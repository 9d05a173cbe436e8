"""Several processes on one Redis: what one read makes the next one's first quote warm, or free where it allows an age."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dexroute import Dex, KeypairSigner
from dexroute.localnet import EmbeddedCluster
from dexroute.sdk.checkup import run_checkup
from dexroute.types.chain import AccountSource
from tests.sdk.wire import Wire
from tests.servers.redis import RedisServer, redis_server

pytestmark = pytest.mark.usefixtures("patient_redis")


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
async def two(
    market: Path, tmp_path: Path, signer: KeypairSigner, server: RedisServer
) -> AsyncIterator[tuple[tuple[Dex, Wire], tuple[Dex, Wire]]]:
    """Two that know nothing of each other but one cluster and one Redis, as two processes would."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(EmbeddedCluster.open(market / "embedded"))
        opened = []
        for data_dir in (market, tmp_path / "another"):
            wire = Wire(cluster.transport)
            dex = Dex(url="http://127.0.0.1:8899", data_dir=data_dir, signer=signer, transport=wire, redis_url=server.url)
            opened.append((await stack.enter_async_context(dex), wire))
        yield opened[0], opened[1]


async def test_the_first_quote_of_another_process_is_warm(two: tuple[tuple[Dex, Wire], tuple[Dex, Wire]]) -> None:
    (first, _), (second, wire) = two
    cold = await first.quote("SOL", "USDC", "1")
    assert cold.round_trips > 1
    await second.token(cold.output_token.mint)  # a mint no list names is read once, for its decimals
    wire.calls.clear()
    warm = await second.quote("SOL", cold.output_token.mint, "1")
    assert (warm.freshness.source, warm.round_trips, warm.freshness.is_warm) == (AccountSource.NODE, 1, True)
    assert wire.calls["getMultipleAccounts"] == 1
    assert warm.amount_out == cold.amount_out


async def test_another_process_quotes_from_what_was_read_where_an_age_is_allowed(
    two: tuple[tuple[Dex, Wire], tuple[Dex, Wire]],
) -> None:
    (first, _), (second, wire) = two
    read = await first.quote("SOL", "USDC", "1")
    mint = read.output_token.mint
    await second.quote("SOL", mint, "1")
    read = await first.quote("SOL", "USDC", "1")
    wire.calls.clear()
    kept = await second.quote("SOL", mint, "1", kept_slots=10_000)
    assert not wire.calls["getMultipleAccounts"]
    assert (kept.freshness.source, kept.round_trips) == (AccountSource.CACHE, 0)
    assert kept.amount_out == read.amount_out
    receipt = await second.swap(kept)
    assert receipt.order.state == "CONFIRMED"
    assert wire.calls["getMultipleAccounts"] >= 1


async def test_without_its_redis_a_process_quotes_and_says_so(market: Path, signer: KeypairSigner) -> None:
    with redis_server() as server:
        async with Dex(url="embedded", data_dir=market, signer=signer, redis_url=server.url) as dex:
            assert not (await dex.quote("SOL", "USDC", "1")).notes
            server.kill()
            quote = await dex.quote("SOL", "USDC", "1")
            assert quote.round_trips == 1
            assert sum("does not answer" in note and "quotes go on without it" in note for note in quote.notes) == 1


async def test_foreign_bytes_under_our_keys_cost_a_read_and_a_note(
    two: tuple[tuple[Dex, Wire], tuple[Dex, Wire]], server: RedisServer
) -> None:
    (first, _), (second, _) = two
    cold = await first.quote("SOL", "USDC", "1")
    with server.client() as client:
        keys = client.keys("*:set:*")
        assert len(keys) == 1
        client.hset(keys[0], "accounts", b"\x80\x04pickled")
        quote = await second.quote("SOL", cold.output_token.mint, "1", kept_slots=10_000)
        assert quote.freshness.source is AccountSource.NODE
        assert any("shared account cache holds" in note for note in quote.notes)
        assert client.hget(keys[0], "accounts").startswith(b"dxr1"), "written over"


async def test_doctor_tells_of_redis_and_the_websocket(market: Path, server: RedisServer, signer: KeypairSigner) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer, redis_url=server.url) as dex:
        settings = dex.settings
    found = {finding.check: finding for finding in await run_checkup(settings)}
    assert "websocket" not in found
    assert found["redis"].status == "ok" and "version" in found["redis"].detail
    async with Dex(
        url="embedded", data_dir=market, signer=signer, redis_url="redis://:secret-word@127.0.0.1:9", ws_url="ws://127.0.0.1:9"
    ) as dex:
        settings = dex.settings
    found = {finding.check: finding for finding in await run_checkup(settings)}
    for check, code in (("redis", "CACHE_UNAVAILABLE"), ("websocket", "RPC_UNREACHABLE")):
        assert (found[check].status, found[check].code) == ("warning", code)
        assert "secret" not in found[check].detail
