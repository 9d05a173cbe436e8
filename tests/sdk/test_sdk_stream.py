"""Quotes from accounts kept current over the WebSocket of the cluster's own server: no round trip, and the cluster's own state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from dexroute import Dex, KeypairSigner, Quote, UsageError
from dexroute.localnet import EmbeddedCluster, ServedAt, serve
from dexroute.sdk.checkup import run_checkup
from dexroute.types.chain import AccountSource


@pytest.fixture
async def cluster(market: Path) -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster.open(market / "embedded") as opened:
        yield opened


@asynccontextmanager
async def serving(cluster: EmbeddedCluster, ws_port: int | None = None) -> AsyncIterator[ServedAt]:
    ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(cluster, rpc_port=0, ws_port=ws_port, on_ready=ready.set_result))
    yield await ready
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server


@pytest.fixture
async def served(cluster: EmbeddedCluster) -> AsyncIterator[ServedAt]:
    async with serving(cluster) as at:
        yield at


async def streamed(dex: Dex, *, after_slot: int = 0) -> Quote:
    """The next quote that the stream serves, of a later slot than `after_slot`."""
    async with asyncio.timeout(15):
        while True:
            quote = await dex.quote("SOL", "USDC", "1")
            if quote.freshness.source is AccountSource.STREAM and quote.clock.slot > after_slot:
                return quote
            await asyncio.sleep(0.05)


async def test_streamed_quotes_cost_nothing_and_follow_the_market(market: Path, served: ServedAt, signer: KeypairSigner) -> None:
    async with Dex(url=served.rpc_url, ws_url=served.ws_url, data_dir=market, signer=signer, stream=True) as dex:
        first = await dex.quote("SOL", "USDC", "1")
        assert first.freshness.source is AccountSource.NODE
        quote = await streamed(dex)
        assert (quote.round_trips, quote.freshness.sources_asked, quote.freshness.is_warm) == (0, 0, True)
        assert 1 <= quote.freshness.age_slots <= dex.settings.cache_slots
        assert quote.amount_out == first.amount_out
        receipt = await dex.swap(await dex.quote("SOL", "USDC", "40", slippage_bps=500))
        landed = next(attempt.slot for attempt in receipt.attempts if attempt.slot is not None)
        moved = await streamed(dex, after_slot=landed)
        read = await dex.quote("SOL", "USDC", "1", kept_slots=0)
        assert (read.freshness.source, read.round_trips) == (AccountSource.NODE, 1)
        assert moved.amount_out == read.amount_out < first.amount_out
        status = dex.stream_status()
        assert status is not None
        assert (status.state, status.connections, status.reason) == ("live", 1, None)
        assert status.accounts >= quote.freshness.accounts


async def test_a_server_that_went_away_is_found_again_and_what_changed_meanwhile_is_known(
    cluster: EmbeddedCluster, served: ServedAt, market: Path, signer: KeypairSigner
) -> None:
    async with AsyncExitStack() as later:
        async with serving(cluster) as going:
            port = int(going.ws_url.rsplit(":", 1)[1])
            opening = Dex(url=served.rpc_url, ws_url=going.ws_url, data_dir=market, signer=signer, stream=True)
            dex = await later.enter_async_context(opening)
            before = await streamed(dex)
        async with asyncio.timeout(10):
            while (status := dex.stream_status()) is None or status.state == "live":
                await asyncio.sleep(0.01)
        receipt = await dex.swap(await dex.quote("SOL", "USDC", "40", slippage_bps=500))
        landed = next(attempt.slot for attempt in receipt.attempts if attempt.slot is not None)
        await later.enter_async_context(serving(cluster, ws_port=port))
        after = await streamed(dex, after_slot=landed)
        read = await dex.quote("SOL", "USDC", "1", kept_slots=0)
        assert after.amount_out == read.amount_out < before.amount_out
        status = dex.stream_status()
        assert status is not None and (status.state, status.connections) == ("live", 2)


async def test_without_a_websocket_quotes_read_as_ever_and_say_so(market: Path, served: ServedAt, signer: KeypairSigner) -> None:
    nobody = "ws://127.0.0.1:9"
    async with Dex(url=served.rpc_url, ws_url=nobody, data_dir=market, signer=signer, stream=True) as dex:
        await dex.quote("SOL", "USDC", "1")
        async with asyncio.timeout(10):
            while (status := dex.stream_status()) is None or status.state != "waiting":
                await asyncio.sleep(0.01)
        await asyncio.sleep(2)
        quote = await dex.quote("SOL", "USDC", "1")
        assert (quote.freshness.source, quote.round_trips) == (AccountSource.NODE, 1)
        assert any("cannot open a WebSocket to ws://127.0.0.1:9" in note for note in quote.notes)


async def test_the_embedded_cluster_needs_no_stream(market: Path, signer: KeypairSigner) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer, stream=True) as dex:
        assert dex.stream_status() is None
        await dex.quote("SOL", "USDC", "1")
        assert (await dex.quote("SOL", "USDC", "1")).round_trips == 1
    with pytest.raises(UsageError, match="confirmed or finalized"):
        async with Dex(url="embedded", data_dir=market, signer=signer, stream=True, commitment="processed"):
            pass


async def test_doctor_hears_the_websocket(market: Path, served: ServedAt, signer: KeypairSigner) -> None:
    async with Dex(url=served.rpc_url, ws_url=served.ws_url, data_dir=market, signer=signer) as dex:
        settings = dex.settings
    found = {finding.check: finding for finding in await run_checkup(settings)}
    assert found["websocket"].status == "ok"
    assert "tells slots" in found["websocket"].detail
