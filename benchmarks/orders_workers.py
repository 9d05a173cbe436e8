"""Several worker processes on one PostgreSQL: what another one adds, and how soon it takes over from one that is killed; writes
docs/benchmarks-workers.md.

`python -m benchmarks.orders_workers [--workers 1 2 3] [--orders N]`. Each is the process of benchmarks/order_worker.py on a cluster
that answers at once; PostgreSQL commits durably to this machine's disk. Processes start at different times, so rates and CPU are
taken while all of them work: from the first order the last one ended to the moment the first one finds nothing left.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
import psutil
from solders.hash import Hash

from benchmarks.bytecode import compile_all
from benchmarks.orders import AT_ONCE, Bench, Worker, place
from benchmarks.page import surroundings
from tests.servers.postgres import PostgresServer, postgres_server

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks-workers.md"
ELSEWHERE: Final = "elsewhere"
_SAMPLE_S: Final = 0.1
_ENDED: Final = "SELECT count(*) FROM events WHERE kind = 'confirmed' AND at_ms > $1 AND at_ms <= $2"
_LEFT: Final = "SELECT id FROM orders WHERE claimed_by LIKE $1 AND state IN ('PENDING', 'ROUTING', 'BUILDING', 'SUBMITTED')"
_INHERITED: Final = (
    "SELECT min(at_ms), max(at_ms), count(DISTINCT order_id) FROM events WHERE kind = $1 AND order_id = ANY($2) AND at_ms > $3"
)

_TEXT = """# What another worker adds

Written by `make bench`; do not edit. dexroute {version} on Python {python}, {machine}, {cores} cores. Load average when it was
done: {busy:.1f}; far above {cores}, the machine was busy with other things, and only the CPU of an order tells much.

Worker processes work off {orders} orders that were placed before, from one PostgreSQL with `fsync` and `synchronous_commit` on this
machine's disk, {at_once} at a time each, on a cluster that answers at once: the processes and the database share the {cores} cores
and nothing else happens. CPU is what the processes used while all workers worked, in cores.

| workers | orders/s | each | workers' CPU | PostgreSQL's CPU | both, of {cores} | an order, workers | an order, PostgreSQL |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

{verdict}

## When one of two is killed

Two workers, one killed with SIGKILL in the middle of its load. How many orders it had at work, and how long after its end the other
claimed the first and the last of them, and had carried out the last. Their leases would have held for 30 s. Of a process of the
same machine the other knows that it has ended; of one on another machine (here: a worker under a name that says nothing) only that
its lock has been free for a second.

| machine | at work | first claimed | last claimed | last carried out |
| --- | ---: | ---: | ---: | ---: |
{kills}
"""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What so many workers did in `seconds`: orders ended, and CPU seconds used."""

    workers: int
    seconds: float
    ended: int
    workers_cpu_s: float
    postgres_cpu_s: float

    @property
    def per_s(self) -> float:
        return self.ended / self.seconds

    @property
    def cores(self) -> float:
        return (self.workers_cpu_s + self.postgres_cpu_s) / self.seconds

    def row(self) -> str:
        rates = f"{self.per_s:.0f} | {self.per_s / self.workers:.0f}"
        cores = " | ".join(f"{cpu / self.seconds:.2f}" for cpu in (self.workers_cpu_s, self.postgres_cpu_s))
        each = " | ".join(f"{cpu / max(1, self.ended) * 1e3:.1f} ms" for cpu in (self.workers_cpu_s, self.postgres_cpu_s))
        return f"| {self.workers} | {rates} | {cores} | {self.cores:.2f} | {each} |"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Seconds after the kill."""

    elsewhere: bool
    at_work: int
    first_claimed_s: float
    last_claimed_s: float
    carried_out_s: float

    def row(self) -> str:
        times = " | ".join(f"{seconds:.2f} s" for seconds in (self.first_claimed_s, self.last_claimed_s, self.carried_out_s))
        return f"| {'another' if self.elsewhere else 'the same'} | {self.at_work} | {times} |"


class Cpu:
    """Seconds used by processes and their children since this was made; what one used before it is gone still counts."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._seen: dict[int, float] = {}
        self._used = 0.0
        self.used_s()
        self._used = 0.0

    def used_s(self) -> float:
        for one in self._processes:
            with suppress(psutil.NoSuchProcess):
                for process in (one, *one.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        times = process.cpu_times()
                        now = times.user + times.system
                        self._used += now - self._seen.get(process.pid, 0.0)
                        self._seen[process.pid] = now
        return self._used


async def scale(bench: Bench, server: PostgresServer, workers: int, orders: int) -> Scale:
    await place(bench, orders)
    started = [await Worker.start(bench) for _ in range(workers)]
    await asyncio.gather(*(worker.until_first() for worker in started))
    ours = Cpu([psutil.Process(worker.pid) for worker in started])
    theirs = Cpu([psutil.Process(server.running.get_pid())])
    samples = [(time.time(), 0.0, 0.0)]
    measured = [asyncio.create_task(worker.measured()) for worker in started]
    while not any(task.done() for task in measured):
        await asyncio.wait(measured, timeout=_SAMPLE_S, return_when=asyncio.FIRST_COMPLETED)
        samples.append((time.time(), ours.used_s(), theirs.used_s()))
    found: list[dict[str, Any]] = await asyncio.gather(*measured)
    assert max(one["confirmed"] for one in found) == sum(one["orders"] for one in found) == orders, found
    first, last = samples[0], samples[-2]  # the last was taken when one had left already
    connection = await asyncpg.connect(bench.journal)
    ended = await connection.fetchval(_ENDED, int(first[0] * 1e3), int(last[0] * 1e3))
    await connection.close()
    return Scale(
        workers=workers,
        seconds=last[0] - first[0],
        ended=ended,
        workers_cpu_s=last[1] - first[1],
        postgres_cpu_s=last[2] - first[2],
    )


async def kill(bench: Bench, orders: int, *, elsewhere: bool) -> Kill | None:
    """None where the kill met the worker with nothing at work: orders end in groups. `elsewhere`: as if on another machine."""
    await place(bench, orders)
    killed, other = await Worker.start(bench, ELSEWHERE if elsewhere else None), await Worker.start(bench)
    await asyncio.gather(killed.until_first(), other.until_first())
    await asyncio.sleep(0.5)
    await killed.kill()
    killed_ms = time.time() * 1e3
    connection = await asyncpg.connect(bench.journal)
    left = [row["id"] for row in await connection.fetch(_LEFT, f"{ELSEWHERE}%" if elsewhere else f"%:{killed.pid}:%")]
    if not left:
        await other.kill()
        await connection.close()
        return None
    assert (await other.measured())["confirmed"] == orders, "every order was carried out"
    first, last, claimed = await connection.fetchrow(_INHERITED, "claimed", left, int(killed_ms))
    _, carried_out, ended = await connection.fetchrow(_INHERITED, "confirmed", left, int(killed_ms))
    await connection.close()
    assert claimed == ended == len(left)
    after = [(at_ms - killed_ms) / 1e3 for at_ms in (first, last, carried_out)]
    return Kill(elsewhere=elsewhere, at_work=len(left), first_claimed_s=after[0], last_claimed_s=after[1], carried_out_s=after[2])


def verdict(scales: Sequence[Scale]) -> str:
    one, most = scales[0], max(scales, key=lambda found: found.workers)
    cores = os.cpu_count() or 1
    busy = f"{most.workers} workers make {most.per_s / one.per_s:.1f} times the orders of one"
    if most.cores > 0.85 * cores:
        whole = one.workers_cpu_s / one.ended + one.postgres_cpu_s / one.ended
        return (
            f"{busy}, and with them all {cores} cores are busy: here the machine is the bound, not the journal. An order costs "
            f"{whole * 1e3:.1f} ms of CPU, {one.postgres_cpu_s / one.ended * 1e3:.1f} ms of it PostgreSQL's, which alone a core "
            f"could give to {one.ended / one.postgres_cpu_s:.0f} orders a second; workers on machines of their own would take the "
            "rest elsewhere. How far one PostgreSQL carries them could not be measured on this machine."
        )
    return f"{busy}, with {most.cores:.1f} of {cores} cores busy."


def fresh(server: PostgresServer) -> Bench:
    asyncio.run(server.empty())
    return Bench(journal=server.url, url=None, genesis=str(Hash.new_unique()), seed=os.urandom(32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    arguments = parser.parse_args()
    compile_all()
    with TemporaryDirectory(dir="/var/tmp") as directory, postgres_server(Path(directory), durable=True) as server:
        scales = []
        for workers in arguments.workers:
            scales.append(asyncio.run(scale(fresh(server), server, workers, arguments.orders)))
            print(scales[-1].row(), flush=True)
        kills: list[Kill] = []
        while len(kills) < 2 * arguments.kills:
            elsewhere = len(kills) >= arguments.kills
            if (found := asyncio.run(kill(fresh(server), arguments.orders // 2, elsewhere=elsewhere))) is not None:
                kills.append(found)
                print(found.row(), flush=True)
    if arguments.print_only:
        return
    PAGE.write_text(
        _TEXT.format(
            **surroundings(),
            orders=arguments.orders,
            at_once=AT_ONCE,
            rows="\n".join(found.row() for found in scales),
            verdict=verdict(scales),
            kills="\n".join(found.row() for found in kills),
        )
    )
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
