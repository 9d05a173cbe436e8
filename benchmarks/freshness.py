"""What reading a quote's accounts costs: cold, warm, kept, streamed, and shared through Redis (`make bench`).

The cluster is our own, served by another process over HTTP and WebSocket, so a round trip is a real one, but of one machine; a far
node adds its distance to every one of them. Pools are named: finding them is not measured. Times are of whole quotes, search
included, the journal open.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from dexroute import Dex, KeypairSigner, Quote, RouteOptions, make_playground
from dexroute.localnet import EmbeddedCluster, ServedAt, serve
from dexroute.types.chain import AccountSource

COLD, MANY = 7, 100


class Lane:
    """One way of quoting: quotes the same swap over the same pools again and again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ms: list[float] = []
        self.quotes: list[Quote] = []

    async def quote(self, dex: Dex, route: RouteOptions, usdc: str, kept_slots: int | None = None) -> Quote:
        await dex.token(usdc)
        await dex.journal()
        started = time.perf_counter()
        quote = await dex.quote("SOL", usdc, "1", route=route, kept_slots=kept_slots)
        self.ms.append((time.perf_counter() - started) * 1000)
        self.quotes.append(quote)
        return quote

    def row(self) -> str:
        trips = sorted({quote.round_trips for quote in self.quotes})
        ages = sorted({quote.freshness.age_slots for quote in self.quotes})
        sources = "+".join(sorted({quote.freshness.source.value for quote in self.quotes}))
        shown = "-".join(map(str, dict.fromkeys((trips[0], trips[-1]))))
        age = "-".join(map(str, dict.fromkeys((ages[0], ages[-1]))))
        middle, worst = statistics.median(self.ms), sorted(self.ms)[int(len(self.ms) * 0.99)]
        return f"{self.name:<34} {sources:<7} {shown:>11} {middle:>9.1f} {worst:>9.1f} {age:>9} {len(self.ms):>7}"


async def measured(served: ServedAt, directory: Path, wallet: Path, usdc: str) -> list[Lane]:
    signer = KeypairSigner.load(wallet)
    number = iter(range(1_000))

    def dex(*, stream: bool = False, redis_url: str | None = None) -> Dex:
        data_dir = directory / f"user-{next(number)}"
        return Dex(url=served.rpc_url, ws_url=served.ws_url, data_dir=data_dir, signer=signer, stream=stream, redis_url=redis_url)

    lanes = {name: Lane(name) for name in ("cold", "warm", "kept (speed)", "streamed")}
    async with dex() as first:
        found = await first.quote("SOL", usdc, "1")
    route = RouteOptions(pools=frozenset(found.pools))
    for _ in range(COLD):
        async with dex() as fresh:
            await lanes["cold"].quote(fresh, route, usdc)
    async with dex() as one:
        await one.quote("SOL", usdc, "1", route=route)
        for _ in range(MANY):
            await lanes["warm"].quote(one, route, usdc)
        for _ in range(MANY):
            await lanes["kept (speed)"].quote(one, route, usdc, kept_slots=1_000)
    async with dex(stream=True) as streaming:
        for _ in range(MANY):
            await asyncio.sleep(0.05)
            quote = await streaming.quote("SOL", usdc, "1", route=route)
            if quote.freshness.source is AccountSource.STREAM:
                break
        for _ in range(MANY):
            await lanes["streamed"].quote(streaming, route, usdc)
            await asyncio.sleep(0.02)
    return [*lanes.values(), *await shared(dex, route, usdc)]


async def shared(dex: Callable[..., Dex], route: RouteOptions, usdc: str) -> Sequence[Lane]:
    """New processes beside one that reads, on one Redis; none where the development packages are not installed."""
    try:
        from tests.servers.redis import redis_server
    except ImportError:
        return ()
    warmed, kept = Lane("first of a process, Redis"), Lane("first of a process, Redis, kept")
    with redis_server() as server:
        async with dex(redis_url=server.url) as reading:
            await reading.quote("SOL", usdc, "1", route=route)
            for _ in range(COLD):
                async with dex(redis_url=server.url) as fresh:
                    await warmed.quote(fresh, route, usdc)
                async with dex(redis_url=server.url) as fresh:
                    await kept.quote(fresh, route, usdc, kept_slots=1_000)
    return warmed, kept


@contextlib.asynccontextmanager
async def served_elsewhere(directory: Path) -> AsyncIterator[ServedAt]:
    """The cluster of `directory`, served by a process of its own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.freshness", "--serve", str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        rpc_url, ws_url = json.loads(await child.stdout.readline())
        yield ServedAt(rpc_url=rpc_url, ws_url=ws_url)
    finally:
        child.terminate()
        await child.wait()


async def serve_directory(directory: Path) -> None:
    async with EmbeddedCluster.open(directory) as cluster:
        await serve(cluster, rpc_port=0, on_ready=lambda at: print(json.dumps([at.rpc_url, at.ws_url]), flush=True))


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dexroute-freshness-") as name:
        directory = Path(name)
        signer = KeypairSigner.create(directory / "wallet.json")
        async with Dex(url="embedded", data_dir=directory / "market", signer=signer) as dex:
            await make_playground(dex, signer)
            usdc = str((await dex.token("USDC")).mint)
        async with served_elsewhere(directory / "market" / "embedded") as served:
            lanes = await measured(served, directory, directory / "wallet.json", usdc)
    accounts = lanes[1].quotes[-1].freshness.accounts
    print(f"\nReading a quote's accounts ({len(lanes[1].quotes[-1].pools)} pools, {accounts} accounts; localnet over HTTP)")
    print(f"{'quote':<34} {'from':<7} {'round trips':>11} {'median ms':>9} {'p99 ms':>9} {'age slots':>9} {'quotes':>7}")
    for lane in lanes:
        print(lane.row())


if __name__ == "__main__":
    asyncio.run(serve_directory(Path(sys.argv[2])) if sys.argv[1:2] == ["--serve"] else main())
