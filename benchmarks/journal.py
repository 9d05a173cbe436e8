"""What a journal of many orders costs to read and to look back at; writes docs/benchmarks-journal.md.

`python -m benchmarks.journal [--orders N ...]`. The journal is valid (benchmarks/journal_rows.py); each command is a process of its
own, timed from start to end, with its peak memory as the kernel counted it. What only reads must not need more for more orders.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks-journal.md"
NOBODY: Final = "http://127.0.0.1:1"
GROWTH_AIM_MIB: Final = 20.0
"""What the largest journal may take more than the smallest: SQLite's page cache and the allocator, not the orders."""

_TEXT = """# What a long journal costs

Written by `make bench`; do not edit. dexroute {version} on Python {python}, {machine}, {cores} cores.

A SQLite journal of confirmed orders, each with its own signed transaction, fill and seven events. Every command is a process of its
own, interpreter and imports included; memory is the most it ever had resident. The first audit finds every order landed and none
final; `settle` is a bot that opens the journal (`Dex.run`) and looks back until all of it is final, its node answering at once;
the last audit is after that. Each audit must find 0 violations, or the run fails. Aim: less than {aim:.0f} MiB more memory
for the longest journal than for the shortest.

| orders | what | seconds | orders/s | memory | more than the shortest | met |
| ---: | --- | ---: | ---: | ---: | ---: | --- |
{rows}
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    what: str
    orders: int
    seconds: float
    rss_mib: float

    def row(self, shortest: Measured) -> str:
        said = f"| {self.orders} | {self.what} | {self.seconds:.1f} | {self.orders / self.seconds:.0f} | {self.rss_mib:.0f} MiB |"
        if self.orders == shortest.orders:
            return f"{said} | |"
        more = self.rss_mib - shortest.rss_mib
        return f"{said} {more:+.0f} MiB | {'yes' if more < GROWTH_AIM_MIB else 'missed'} |"


def run(arguments: Sequence[str], output: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a process, which must end well. Whoever calls this is small itself: a child's peak begins with the
    memory of the process it was forked from."""
    start = time.perf_counter()
    with output.open("wb") as out:
        child = os.posix_spawn(
            sys.executable, [sys.executable, *arguments], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        )
        _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, used.ru_maxrss / 1024


def measure(orders: int, directory: Path) -> list[Measured]:
    run(["-m", "benchmarks.journal_rows", str(directory), str(orders)], directory / "out")
    here = ("--data-dir", str(directory), "-u", NOBODY)
    found = []

    def measured(what: str, *arguments: str) -> Path:
        output = directory / "out"
        seconds, rss_mib = run(arguments, output)
        found.append(Measured(what=what, orders=orders, seconds=seconds, rss_mib=rss_mib))
        print(found[-1].row(found[-1]), flush=True)
        return output

    def audited(what: str, not_final: int) -> None:
        told = json.loads(measured(what, "-m", "dexroute", "doctor", "--invariants", "--format", "json", *here).read_text())
        assert told["ok"] and told["checked"]["orders"] == told["checked"]["fills"] == orders, told["violations"]
        assert told["not_final_found"] == not_final, "as many as are not"

    audited("`dex doctor --invariants`", orders)
    with measured("`dex export`", "-m", "dexroute", "export", *here).open("rb") as exported:
        assert sum(1 for _ in exported) == orders + 1
    assert (
        len(
            json.loads(measured("`dex orders list`", "-m", "dexroute", "orders", "list", "--format", "json", *here).read_text())[
                "orders"
            ]
        )
        == 50
    )
    told = json.loads(measured("`dex orders stats`", "-m", "dexroute", "orders", "stats", "--format", "json", *here).read_text())
    assert told["states"]["CONFIRMED"] == orders == told["not_final"]
    measured("settle", "-m", "benchmarks.journal", "--settle", str(directory))
    audited("`dex doctor --invariants`, all final", 0)
    return found


async def settle(data_dir: Path) -> None:
    """A bot on this journal until everything that landed is final."""
    import httpx

    from benchmarks.journal_rows import CLUSTER, LAST_VALID, SLOT, WALLET
    from dexroute import Dex, KeypairSigner

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        height = {"blockHeight": LAST_VALID + 100, "absoluteSlot": SLOT + 1_000}
        final = {"slot": SLOT, "confirmations": None, "err": None, "confirmationStatus": "finalized", "status": {"Ok": None}}
        answers: dict[str, Any] = {
            "getGenesisHash": lambda: str(CLUSTER),
            "getEpochInfo": lambda: {**height, "epoch": 0, "slotIndex": 0, "slotsInEpoch": 432_000, "transactionCount": None},
            "getLatestBlockhash": lambda: {
                "context": {"slot": SLOT + 1_000},
                "value": {"blockhash": str(CLUSTER), "lastValidBlockHeight": LAST_VALID + 250},
            },
            "getSignatureStatuses": lambda: {"context": {"slot": SLOT + 1_000}, "value": [final] * len(asked["params"][0])},
        }
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], "result": answers[asked["method"]]()})

    node = httpx.MockTransport(answer)
    async with Dex(url=NOBODY, data_dir=data_dir, signer=KeypairSigner(WALLET), transport=node) as dex:
        await dex.run(until_idle=True)
        assert (await (await dex.orders()).stats()).not_final == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    parser.add_argument("--settle", metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.settle:
        asyncio.run(settle(Path(arguments.settle)))
        return
    measured: list[list[Measured]] = []
    for orders in sorted(arguments.orders):
        with TemporaryDirectory(dir="/var/tmp") as directory:  # /tmp may be a RAM disk
            measured.append(measure(orders, Path(directory)))
    if not arguments.print_only:
        write_page(measured)


def write_page(measured: Sequence[Sequence[Measured]]) -> None:
    """One list a length of journal, shortest first."""
    rows = [one.row(shortest) for length in measured for one, shortest in zip(length, measured[0], strict=True)]
    from benchmarks.page import surroundings

    PAGE.write_text(
        _TEXT.format(
            **surroundings(),
            aim=GROWTH_AIM_MIB,
            rows="\n".join(rows),
        )
    )
    print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
