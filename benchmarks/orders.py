"""Orders through the whole executor with full durability, on SQLite and on PostgreSQL; writes docs/benchmarks-orders.md.

`python -m benchmarks.orders [--orders N ...]`. A worker process of its own works off what was placed, against the embedded cluster
served by another process, and against a cluster that answers at once: what is left there is ours. Then a worker is killed with
SIGKILL in the middle of its load, and the next one is timed. Everything is on this machine's disk; a RAM disk would tell nothing
about fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psutil
from solders.hash import Hash
from solders.keypair import Keypair

from benchmarks.bytecode import compile_all
from benchmarks.order_worker import FEE_LAMPORTS, Job, line
from benchmarks.orders_page import Load, Recovery, write_page
from dexroute.chain.rpc import RpcClient
from dexroute.engine.execution.intake import new_order
from dexroute.host.clock import HostClock
from dexroute.localnet import ClusterOptions, EmbeddedCluster
from dexroute.localnet.serving import serve
from dexroute.storage.store import open_store
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import Promise
from dexroute.types.requests import QuoteRequest
from tests.engine.token_swap import MINT_A, MINT_B, START_A, START_LAMPORTS, build_accounts
from tests.servers.postgres import PostgresServer, postgres_server

AT_ONCE: Final = 24
"""Orders worked on at a time: enough to keep a worker busy on a cluster that answers at once, no more."""
WAITING: Final = 64
"""Enough where orders wait for blocks."""

TICKS_PER_SLOT: Final = 8  # 50 ms a slot
LEAST_AMOUNT: Final = 1_000  # each order's is its own: equal ones on one blockhash would be one transaction


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a run needs: a journal's URL, a cluster's URL (None: answers at once), the wallet."""

    journal: str
    url: str | None
    genesis: str
    seed: bytes
    at_once: int = AT_ONCE

    def job(self, owner: str | None = None) -> str:
        job = Job(
            journal=self.journal,
            url=self.url,
            seed=self.seed.hex(),
            genesis=self.genesis,
            owner=owner,
            at_once=self.at_once,
        )
        return line(job)


class Worker:
    """One worker process and what it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, bench: Bench, owner: str | None = None) -> Worker:
        command = [sys.executable, "-m", "benchmarks.order_worker", bench.job(owner)]
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said = await self._process.stdout.readline()
        if not said:
            raise RuntimeError(f"the worker ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(said)
        return answer

    async def until_first(self) -> None:
        """Until it has ended an order."""
        while (await self.told())["ended"] != "first":
            pass

    async def measured(self) -> dict[str, Any]:
        while "ended" in (answer := await self.told()):
            pass
        await self._process.wait()
        return answer

    async def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


async def place(bench: Bench, orders: int) -> float:
    """Place them, a few hundred callers at once; orders per second."""
    clock, wallet = HostClock(), Keypair.from_seed(bench.seed).pubkey()
    async with open_store(bench.journal) as store:
        gate = asyncio.Semaphore(256)

        async def one(number: int) -> None:
            request = QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=LEAST_AMOUNT + number)
            order = new_order(
                request=request,
                wallet=wallet,
                genesis_hash=bench.genesis,
                slippage_bps=0,
                now_ms=clock.now_ms(),
                promised=(Promise(mint=MINT_A, amount=request.amount), Promise(mint=NATIVE_MINT, amount=FEE_LAMPORTS)),
            )
            async with gate:
                await store.place(order, available={MINT_A: START_A, NATIVE_MINT: START_LAMPORTS})

        start = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(orders)))
        return orders / (time.perf_counter() - start)


async def load(bench: Bench, orders: int, database: str, cluster: str, served_by: psutil.Process | None = None) -> Load:
    placed_per_s = await place(bench, orders)
    before_s = cpu_s(served_by)
    found = await (await Worker.start(bench)).measured()
    assert found["confirmed"] == found["orders"] == orders, found
    return Load(
        database=database,
        cluster=cluster,
        orders=orders,
        at_once=bench.at_once,
        placed_per_s=placed_per_s,
        carried_per_s=orders / found["seconds"],
        ours_ms=(found["ours_p50_ms"], found["ours_p99_ms"]),
        total_ms=(found["total_p50_ms"], found["total_p99_ms"]),
        cpu_ms=found["cpu_ms"],
        cluster_cpu_ms=None if served_by is None else (cpu_s(served_by) - before_s) * 1e3 / orders,
        rss_mib=found["rss_mib"],
        rss_mib_after={int(ended): mib for ended, mib in found["rss_mib_after"].items()},
    )


def cpu_s(process: psutil.Process | None) -> float:
    """What a process has used of the processors so far, seconds."""
    return 0.0 if process is None else sum(process.cpu_times()[:2])


async def recovery(bench: Bench, orders: int, database: str) -> Recovery | None:
    """A worker is killed while it works; how soon has the next ended one order, and one that the dead worker had left behind? None
    where the kill met it with nothing at work: orders end in groups."""
    await place(bench, orders)
    killed = await Worker.start(bench)
    await killed.until_first()
    await asyncio.sleep(min(2.0, orders / 1_000))
    await killed.kill()
    start = time.perf_counter()
    next_one = await Worker.start(bench)
    at: dict[str, float] = {}
    while len(at) < 3:
        told = await next_one.told()
        if "ended" not in told:
            return None
        at[told["ended"]] = time.perf_counter() - start
    found = await next_one.measured()
    assert found["confirmed"] == orders, "every order was carried out"
    return Recovery(database=database, orders=orders, ready_s=at["nothing"], first_s=at["first"], left_behind_s=at["left behind"])


@asynccontextmanager
async def cluster_process(seed: bytes) -> AsyncIterator[tuple[str, str, psutil.Process]]:
    """A fresh embedded cluster, served by a process of its own: (URL, genesis hash, process)."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.orders", "--serve", seed.hex(), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        url = (await child.stdout.readline()).decode().strip()
        async with RpcClient(url) as client:
            yield url, str(await client.genesis_hash()), psutil.Process(child.pid)
    finally:
        child.terminate()
        await child.wait()


async def serve_cluster(seed: bytes) -> None:
    async with EmbeddedCluster.open(options=ClusterOptions(ticks_per_slot=TICKS_PER_SLOT)) as cluster:
        cluster.set_accounts(build_accounts(Keypair.from_seed(seed).pubkey()))
        await serve(cluster, rpc_port=0, on_ready=lambda at: print(at.rpc_url, flush=True))


@contextmanager
def journals(server: PostgresServer, database: str, directory: Path) -> Iterator[str]:
    """The URL of an empty journal."""
    if database == "SQLite":
        with TemporaryDirectory(dir=directory) as name:
            yield f"sqlite:///{Path(name) / 'journal.db'}"
    else:
        asyncio.run(server.empty())
        yield server.url


async def one_run(
    what: str, journal: str, orders: int, database: str, cluster: str, at_once: int = AT_ONCE
) -> Load | Recovery | None:
    seed = os.urandom(32)
    if cluster == "instant":
        return await load(Bench(journal=journal, url=None, genesis=str(Hash.new_unique()), seed=seed), orders, database, cluster)
    async with cluster_process(seed) as (url, genesis, served_by):
        bench = Bench(journal=journal, url=url, genesis=genesis, seed=seed, at_once=at_once)
        if what == "recovery":
            return await recovery(bench, orders, database)
        return await load(bench, orders, database, cluster, served_by)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, nargs="*", default=[300, 2_000])
    parser.add_argument(
        "--long", type=int, nargs="*", default=[20_000, 100_000], help="orders of the runs that memory is watched over"
    )
    parser.add_argument("--database", nargs="+", default=["SQLite", "PostgreSQL"], choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    parser.add_argument("--serve", metavar="SEED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve_cluster(bytes.fromhex(arguments.serve)))
        return
    compile_all()
    kinds = (
        ("load", "instant", AT_ONCE),
        ("load", "embedded", AT_ONCE),
        ("load", "embedded", WAITING),
        ("recovery", "embedded", AT_ONCE),
    )
    runs = [(orders, database, *kind) for orders in arguments.orders for database in arguments.database for kind in kinds]
    long_runs = [(orders, database, *kinds[0]) for orders in arguments.long for database in arguments.database]
    found: list[Load | Recovery] = []
    # /tmp may be a RAM disk; the server is made durable again, which tests do without
    with TemporaryDirectory(dir="/var/tmp") as directory, postgres_server(Path(directory), durable=True) as server:
        for orders, database, what, cluster, at_once in (*runs, *long_runs):
            one = None
            while one is None:
                with journals(server, database, Path(directory)) as journal:
                    one = asyncio.run(one_run(what, journal, orders, database, cluster, at_once))
            found.append(one)
            print(one.memory_row() if isinstance(one, Load) and len(found) > len(runs) else one.row(), flush=True)
    if not arguments.print_only:
        loads = [one for one in found[: len(runs)] if isinstance(one, Load)]
        long = [one for one in found[len(runs) :] if isinstance(one, Load)]
        write_page(loads, [one for one in found if isinstance(one, Recovery)], long)


if __name__ == "__main__":
    main()
