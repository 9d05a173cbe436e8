"""`dex worker` as processes on one PostgreSQL and one served cluster, both of this test process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dexroute import Dex, KeypairSigner
from dexroute.engine.execution.receipt import Receipt
from dexroute.localnet import EmbeddedCluster
from dexroute.localnet.serving import ServedAt, serve
from dexroute.types.orders import EventKind, OrderState
from tests.cli.runner import DEX, Outcome, clean_environment
from tests.playground import WALLET


@dataclass(kw_only=True)
class WorkerProcess:
    """One worker, and the JSON lines it wrote."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    def steps(self, kind: str) -> list[str]:
        return [line["order"] for line in self.lines if line.get("kind") == kind]

    async def steps_until(self, kind: str) -> None:
        """Until it has told of a first step of this kind."""
        async with asyncio.timeout(120):
            while not self.steps(kind):
                assert self.process.returncode is None, self.lines
                await asyncio.sleep(0.005)

    def said(self, what: str) -> dict[str, Any] | None:
        return next((line for line in self.lines if line.get("worker") == what), None)

    async def until(self, what: str) -> None:
        async with asyncio.timeout(120):
            while self.said(what) is None:
                assert self.process.returncode is None, self.lines
                await asyncio.sleep(0.02)

    async def ended(self, number: signal.Signals | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), 120)
        assert self.reading is not None
        await self.reading
        return code

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))


@dataclass(frozen=True, kw_only=True)
class Site:
    """A market served over HTTP, a database, a Redis perhaps, and a home for workers."""

    url: str
    database: str
    market: Path
    redis: str | None = None

    @asynccontextmanager
    async def dex(self, signer: KeypairSigner | None = None) -> AsyncIterator[Dex]:
        signer = signer or KeypairSigner.load(self.market / WALLET)
        async with Dex(url=self.url, database_url=self.database, redis_url=self.redis, data_dir=self.market, signer=signer) as dex:
            yield dex

    @asynccontextmanager
    async def worker(
        self, *options: str, failpoint: str = "", environment: Mapping[str, str] | None = None
    ) -> AsyncIterator[WorkerProcess]:
        """A worker that has started; killed with the block if it still runs then."""
        process = await self._started("worker", *options, environment={"DEXROUTE_FAILPOINT": failpoint, **(environment or {})})
        worker = WorkerProcess(process=process)
        worker.reading = asyncio.create_task(worker.read())
        try:
            yield worker
        finally:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await worker.reading

    async def run(self, *arguments: str) -> Outcome:
        """A command, started and waited for, with the market's key before others it names."""
        process = await self._started(*arguments, stderr=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(process.communicate(), 120)
        return Outcome(code=process.returncode or 0, out=out.decode(), err=err.decode())

    async def _started(
        self, *arguments: str, environment: Mapping[str, str] | None = None, stderr: int | None = None
    ) -> asyncio.subprocess.Process:
        here = ("-u", self.url, "--data-dir", str(self.market), "-k", str(self.market / WALLET), "--format", "json")
        servers = {"DEXROUTE_DATABASE_URL": self.database} | ({"DEXROUTE_REDIS_URL": self.redis} if self.redis else {})
        return await asyncio.create_subprocess_exec(
            *DEX, *arguments, *here,
            env=clean_environment(self.market, servers | dict(environment or {})),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip


@asynccontextmanager
async def served_site(market: Path, database: str, redis: str | None = None) -> AsyncIterator[Site]:
    async with EmbeddedCluster.open(market / "embedded") as cluster:
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
        try:
            yield Site(url=(await ready).rpc_url, database=database, market=market, redis=redis)
        finally:
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)


async def receipts_landed_once(dex: Dex, orders: Iterable[str]) -> list[Receipt]:
    """The orders' receipts, each of which says that its order landed once, and how without a gap."""
    receipts = [await (await dex.orders()).receipt(order) for order in orders]
    failures = [receipt.order.failure for receipt in receipts if receipt.order.failure is not None]
    assert {receipt.order.state for receipt in receipts} == {OrderState.CONFIRMED}, failures
    for receipt in receipts:
        assert sum(attempt.is_live for attempt in receipt.attempts) == 1
        assert sum(event.kind is EventKind.CONFIRMED for event in receipt.events) == 1
        assert [event.seq for event in receipt.events] == list(range(1, len(receipt.events) + 1))
    return receipts
