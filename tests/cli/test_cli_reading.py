"""Reading commands beside another process that holds journal and cluster: nobody waits, nobody is refused, nothing is missed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.runner import DEX, Cli, clean_environment
from tests.engine.simulated_bench import MINT_A
from tests.sdk.test_sdk_audit import Journal, write_journal

HOLDER = """
import asyncio, os, sys
from pathlib import Path
from dexroute.host.lock import hold
from dexroute.storage.store import open_store
from tests.storage.orders_at_hand import an_order, to_building

async def main(data_dir):
    with hold(data_dir / "embedded", "cluster", what="the embedded cluster"):
        async with open_store(data_dir / "journal.sqlite3") as store:
            print("held", flush=True)
            for line in sys.stdin:  # an order each time it is told to
                owner = f"host:{os.getpid()}:abc"
                print((await to_building(store, an_order(key=line.strip()), owner=owner)).id, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""
READING = (["orders", "list"], ["orders", "stats"], ["orders", "watch", "--no-follow"], ["orders", "restored"])
CHANGING = (
    ["orders", "resume"],
    ["orders", "cancel", "{waiting}"],
    ["orders", "restored", "--accept"],
    ["swap", "1", "SOL", "USDC", "--yes"],
)


@contextmanager
def holder(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        try:
            assert line(child) == "held"
            yield child
            assert child.poll() is None, "it was not disturbed"
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def write(child: subprocess.Popen[str], key: str) -> str:
    """The holder places an order: its id."""
    assert child.stdin is not None
    child.stdin.write(key + "\n")
    child.stdin.flush()
    return line(child)


@pytest.fixture
def written(cli: Cli) -> Journal:
    journal = cli.market / "journal.sqlite3"
    journal.unlink(missing_ok=True)
    return asyncio.run(write_journal(f"sqlite:///{journal}"))


def test_reading_beside_a_holder(cli: Cli, written: Journal) -> None:
    waiting = written.orders["waiting"].id
    reading = [*READING, ["orders", "show", waiting]]
    alone = [cli(*command, "--format", "json").out for command in reading]
    with holder(cli.market) as child:
        beside = [cli(*command, "--format", "json").out for command in reading]
        assert [*map(without_age, beside)] == [*map(without_age, alone)], "the same as when nobody holds it"
        for command in CHANGING:
            error = cli.json(*(word.format(waiting=waiting) for word in command), code=5)
            assert error["code"] == "DATA_DIR_BUSY" and str(child.pid) in error["message"]
        late = write(child, "late")
        assert late in {order["id"] for order in cli.json("orders", "list", "--state", "building")["orders"]}
        assert cli.json("orders", "show", late)["state"] == "BUILDING"
        assert cli.json("orders", "stats")["states"]["BUILDING"] == 1


def test_stats_tell_which_worker_has_what_in_hand(cli: Cli) -> None:
    cli("submit", "1", "SOL", "USDC", "--yes")
    assert "held by no worker" in " ".join(cli("orders", "stats").out.split())
    with holder(cli.market) as child:
        for key in ("one", "two"):
            write(child, key)
        (worker,) = cli.json("orders", "stats")["workers"]
        assert worker == {"worker": f"host:{child.pid}:abc", "orders": 2, "since_ms": 1_700_000_000_000, "lease_left_ms": None}
        said = " ".join(cli("orders", "stats").out.split())
        assert re.search(rf"held by host:{child.pid}:abc 2 orders, the first for \d+ d \d+ h ", said)
    assert str(child.pid) in (cli.market / "journal.sqlite3.lock").read_text()
    assert cli.json("orders", "stats")["workers"] == [], "killed, it holds nothing, whatever its lock file says"


def without_age(out: str) -> str:
    return "\n".join(one for one in out.splitlines() if '"oldest_open_ms"' not in one)


def test_watching_beside_a_holder(cli: Cli, written: Journal, home: Path) -> None:
    """All there is, then each step soon after its commit by the other process, numbered without a gap."""
    with holder(cli.market) as child:
        command = [*DEX, "orders", "watch", "--format", "json", *cli.here]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment(home), text=True) as watching:
            known = cli("orders", "watch", "--no-follow", "--format", "json").out.splitlines()
            told = [json.loads(line(watching)) for _ in known]
            assert told == [json.loads(one) for one in known] and len(told) > 20
            ids = [write(child, key) for key in ("one", "two")]
            told += [json.loads(line(watching)) for _ in range(6)]
            watching.kill()
    assert [event["position"] for event in told] == list(range(1, len(told) + 1))
    assert [(event["order"], event["seq"]) for event in told[-6:]] == [(order, seq) for order in ids for seq in (1, 2, 3)]


def test_reading_needs_no_cluster_and_no_key(cli: Cli, written: Journal) -> None:
    """The orders are of a cluster that is not there; its tokens are shown in base units."""
    gone = ("-u", "http://127.0.0.1:1", "--data-dir", str(cli.market), "-k", str(cli.market / "no-key.json"))
    assert f"base units of {MINT_A}" in cli.bare("orders", "list", *gone).out
    stats = json.loads(cli.bare("orders", "stats", *gone, "--format", "json").out)
    assert sum(stats["states"].values()) == len(written.orders) and stats["promised"] == []
    assert "waiting" in cli.bare("orders", "show", written.orders["waiting"].id, *gone).out
    assert "placed" in cli.bare("orders", "watch", "--no-follow", *gone).out
