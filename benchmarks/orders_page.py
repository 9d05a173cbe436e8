"""docs/benchmarks-orders.md, written from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.page import surroundings

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks-orders.md"
ORDERS_AIM: Final = 300
OURS_AIM_MS: Final = 100.0
RECOVERY_AIM_S: Final = 2.0

_TEXT = """# What an order costs

Written by `make bench`; do not edit. dexroute {version} on Python {python}, {machine}, {cores} cores. Load average when it was
done: {busy:.1f}; far above {cores}, the machine was busy with other things and the numbers say little.

One worker process works off orders that were placed before, each with every step durable before the next: SQLite with WAL and
`synchronous=FULL`, PostgreSQL with `fsync` and `synchronous_commit`, both on this machine's disk. The swap is real but small: two
instructions of the token program, so that what is measured is the executor and not the routing. All orders are of one wallet, and
promise its coins until they end.

- **instant**: a cluster of a few lines in the worker's process, which confirms what it is sent at once. All time is ours.
- **embedded**: the embedded cluster behind JSON-RPC over HTTP, served by a process of its own with a slot every 50 ms. It executes
  each transaction in the SVM, and on this machine shares the cores with the worker and the database. An order waits there for
  two slots or three whatever the worker does: with few at once that bounds the rate, with more (`dex worker --concurrency`) the
  processors do, and what many orders ask and commit at the same moment costs each of them less.

*Ours* is the time of an order, from its claim to its end in the journal, less every moment in which a question to the cluster was
not answered (HTTP and JSON included) or the order slept between two looks: our code, the database, and waiting for either while
other orders have it. With n orders at work at a time and r orders a second an order takes n/r seconds in all, so that more at once
than the worker can serve makes *ours* longer and nothing quicker. *CPU* is what the worker's process, and the cluster's, used for
an order: one thread of Python at a time means about 1000/CPU orders a second at the most, and on {cores} cores the processes, the
database's among them, wait for each other.

## Load

Aims: at least {orders_aim} orders a second, and less than {ours_aim:.0f} ms of ours at the 99th percentile.

| orders | database | cluster | at once | placed/s | ended/s | ours, median | ours, p99 | all, median | all, p99 | CPU, worker | cluster | memory | met |
| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{loads}

## Over many orders

What the worker's process holds, looked at after each thousand orders, on a cluster that answers at once; the benchmark's own part
is 16 bytes an order. *More* is what each order added since the first tenth of them had ended. That cluster never finalizes, so
that every order that landed is looked at again now and then, which costs the more the longer the run; a real one is done with an
order within seconds.

| orders | database | ended/s | ours, p99 | after 1,000 | after a tenth | after all | most | more |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{long}

## After a kill

The worker is killed with SIGKILL in the middle of its load; the next is started at once. Seconds from then until the new process
can read the journal, until it has ended its first order, and until it has ended the first that the dead one had at work. Aim: less
than {recovery_aim:.0f} s to the first.
On PostgreSQL the next process must first be sure that the other is dead: that its lock is free, and, as both are of one machine,
that its process is gone ([dead-workers.md](decisions/dead-workers.md)). After each run every order was found carried out. All of it
was compiled to bytecode before, as pip compiles what it installs.

| orders | database | journal read | first order | first of the dead worker's | met |
| ---: | --- | ---: | ---: | ---: | --- |
{recoveries}
"""  # noqa: E501  a table's head


@dataclass(frozen=True, kw_only=True)
class Load:
    """(median, 99th percentile) of the milliseconds of an order: ours, and all. CPU of an order, milliseconds."""

    database: str
    cluster: str
    orders: int
    at_once: int
    placed_per_s: float
    carried_per_s: float
    ours_ms: tuple[float, float]
    total_ms: tuple[float, float]
    cpu_ms: float
    cluster_cpu_ms: float | None
    rss_mib: float
    rss_mib_after: Mapping[int, float]

    def memory_row(self) -> str:
        """Of a run of at least 10,000 orders."""
        held = self.rss_mib_after
        first, tenth, last = held[1_000], held[self.orders // 10], held[max(held)]
        more = (last - tenth) * 2**20 / (max(held) - self.orders // 10)
        memory = " | ".join(f"{mib:.0f} MiB" for mib in (first, tenth, last, self.rss_mib))
        pace = f"{self.carried_per_s:.0f} | {self.ours_ms[1]:.1f} ms"
        return f"| {self.orders} | {self.database} | {pace} | {memory} | {more:.0f} bytes |"

    def row(self) -> str:
        missed = [
            what
            for what, met in (("orders/s", self.carried_per_s >= ORDERS_AIM), ("ours", self.ours_ms[1] < OURS_AIM_MS))
            if not met
        ]
        times = " | ".join(f"{ms:.1f} ms" for ms in (*self.ours_ms, *self.total_ms))
        met = f"missed: {', '.join(missed)}" if missed else "yes"
        cluster_cpu = "-" if self.cluster_cpu_ms is None else f"{self.cluster_cpu_ms:.1f} ms"
        return (
            f"| {self.orders} | {self.database} | {self.cluster} | {self.at_once} | {self.placed_per_s:.0f} "
            f"| {self.carried_per_s:.0f} | {times} | {self.cpu_ms:.1f} ms | {cluster_cpu} | {self.rss_mib:.0f} MiB | {met} |"
        )


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Seconds since the next process was started."""

    database: str
    orders: int
    ready_s: float
    first_s: float
    left_behind_s: float

    def row(self) -> str:
        times = " | ".join(f"{seconds:.2f} s" for seconds in (self.ready_s, self.first_s, self.left_behind_s))
        return f"| {self.orders} | {self.database} | {times} | {'yes' if self.first_s < RECOVERY_AIM_S else 'missed'} |"


def write_page(loads: Sequence[Load], recoveries: Sequence[Recovery], long: Sequence[Load]) -> None:
    """Write the page anew. Memory was watched over those in `long`."""
    PAGE.write_text(
        _TEXT.format(
            **surroundings(),
            orders_aim=ORDERS_AIM,
            ours_aim=OURS_AIM_MS,
            recovery_aim=RECOVERY_AIM_S,
            loads="\n".join(found.row() for found in loads),
            recoveries="\n".join(found.row() for found in recoveries),
            long="\n".join(found.memory_row() for found in long),
        )
    )
    print(f"written to {PAGE}")
