"""A real process is killed with SIGKILL at every failpoint; a new one takes over; the chain shows the swap exactly once, or not at
all where the journal says so. On SQLite and on PostgreSQL, which both live on; so does the cluster, in this process."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx
import pytest
from solders.keypair import Keypair

from dexroute.chain.rpc import RpcClient
from dexroute.engine.execution.failpoints import FAILPOINTS
from dexroute.engine.execution.receipt import Receipt, read_receipt
from dexroute.localnet import ClusterOptions, EmbeddedCluster
from dexroute.localnet.serving import ServedAt, serve
from dexroute.sdk.audit import audit_journal
from dexroute.storage.store import open_store
from dexroute.types.orders import OrderState, is_legal_move
from tests.engine.crash_worker import AMOUNT, Job
from tests.engine.token_swap import START_A, USER_A, USER_B, build_accounts
from tests.servers.postgres import copied_postgres, new_postgres

LEASE_MS: Final = 300  # how long the next process waits for the order of a killed one, where leases decide (PostgreSQL)
SLOW_SLOTS: Final = 8  # ticks: 50 ms a slot, nothing expires within a test
FAST_SLOTS: Final = 2  # ticks: 12.5 ms a slot, expiry is proven after about 2.3 s


@dataclass(frozen=True, kw_only=True)
class Story:
    """What leads to a failpoint: processes that are killed at `before` points, then the one that is killed at it (`action`).
    After a last, untroubled process the order is in one of `ends`."""

    before: tuple[tuple[str, str], ...] = ()
    action: str = "swap"
    muted: bool = False
    forked: bool = False
    refused: bool = False
    ends: tuple[OrderState, ...] = (OrderState.CONFIRMED,)
    ticks: int = SLOW_SLOTS


_SWAP = Story()
_STORIES: Final = {
    **dict.fromkeys(("route", "blockhash", "build", "sign", "send", "status", "transaction"), _SWAP),
    "expiry": Story(muted=True),  # what lands at once is never asked about
    **{f"commit-{kind}": _SWAP for kind in ("placed", "routing", "routed", "intent", "signed", "confirmed")},
    "commit-claimed": Story(before=(("swap", "after-commit-signed"),), action="resume"),
    # the intent of the killed process is buried before a new one is made
    "commit-attempt_dead": Story(before=(("swap", "after-commit-intent"),), action="resume"),
    "commit-failed": Story(refused=True, ends=(OrderState.FAILED, OrderState.CONFIRMED)),
    "commit-cancelled": Story(
        before=(("swap", "after-commit-intent"),), action="cancel", ends=(OrderState.CANCELLED, OrderState.CONFIRMED)
    ),
    # a fork takes back what was confirmed, as the second process sees it; the third sees it landed, and finds one swap
    "commit-regressed": Story(before=(("swap", "after-commit-confirmed"),), action="resume", forked=True),
    **dict.fromkeys(
        ("finality", "commit-finalized"), Story(before=(("swap", "after-commit-confirmed"),), action="settle", ticks=FAST_SLOTS)
    ),
    # killed before the wish is recorded: the swap lands; after: nothing is sent any more, and its death is waited for
    "commit-cancel_requested": Story(
        before=(("swap", "after-commit-signed"),),
        action="cancel",
        ends=(OrderState.CANCELLED, OrderState.CONFIRMED),
        ticks=FAST_SLOTS,
    ),
}


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated journal to copy, since migrating is not what is tested here."""
    file = tmp_path_factory.mktemp("journal") / "journal.db"
    asyncio.run(_migrate(file))
    return file


@pytest.fixture(scope="module")
def empty_database(postgres: str) -> str:
    """The name of a migrated database to copy."""
    name = "crashes"
    asyncio.run(_migrate(asyncio.run(new_postgres(postgres, name))))
    return name


async def _migrate(journal: Path | str) -> None:
    async with open_store(journal):
        pass


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty journal: a file, or the URL of a database."""
    if request.param == "sqlite":
        return str(shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "journal.db"))
    return asyncio.run(copied_postgres(request.getfixturevalue("postgres"), request.getfixturevalue("empty_database")))


def new_job(url: str, journal: str, keypair: Keypair) -> Job:
    return Job(action="swap", url=url, journal=journal, seed=keypair.secret().hex(), lease_ms=LEASE_MS)


@asynccontextmanager
async def served_cluster(keypair: Keypair, ticks: int) -> AsyncIterator[tuple[EmbeddedCluster, str]]:
    async with EmbeddedCluster.open(options=ClusterOptions(ticks_per_slot=ticks)) as cluster:
        cluster.set_accounts(build_accounts(keypair.pubkey()))
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
        try:
            yield cluster, (await ready).rpc_url
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Runs jobs, each in a process of its own."""

    server: subprocess.Popen[bytes]

    async def exit_code(self, job: Job) -> int:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(job.line())
        self.server.stdin.flush()
        return int(await asyncio.to_thread(self.server.stdout.readline))

    async def killed(self, job: Job) -> None:
        code = await self.exit_code(job)
        assert code == -signal.SIGKILL, f"{job.action} ended with {code} and never came to {job.failpoint}"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    command = [sys.executable, "-m", "tests.engine.crash_worker"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as server:
        yield Workers(server=server)
        assert server.stdin is not None
        server.stdin.close()


def balances(cluster: EmbeddedCluster) -> tuple[int, int]:
    """The user's A spent and B received, as the chain has it."""

    def amount(account: bytes) -> int:
        return int.from_bytes(account[64:72], "little")

    source, destination = cluster.bank.runtime.get(USER_A), cluster.bank.runtime.get(USER_B)
    assert source is not None and destination is not None
    return START_A - amount(source.data), amount(destination.data)


async def only_receipt(job: Job) -> Receipt | None:
    """The one order of the journal, once everything in it was held against itself and against the cluster: no rule is broken at
    any moment, right after a kill as little as at the end."""
    node = RpcClient(job.url, transport=httpx.AsyncHTTPTransport(verify=False))
    async with node, open_store(job.journal if "://" in job.journal else Path(job.journal)) as store:
        found = await audit_journal(store, node=node)
        assert found.violations == ()
        orders = await store.orders()
        assert len(orders) == found.counts["orders"] <= 1
        return await read_receipt(store, orders[0].id, with_events=True) if orders else None


def check(receipt: Receipt | None, spent: int, received: int) -> None:
    """The chain and the journal tell the same: once when CONFIRMED, else not at all."""
    if receipt is None:
        assert spent == received == 0
        return
    confirmed = receipt.order.state is OrderState.CONFIRMED
    assert (spent, received) == ((AMOUNT, AMOUNT // 2) if confirmed else (0, 0))
    assert [event.seq for event in receipt.events] == list(range(1, len(receipt.events) + 1))
    assert all(event.before in (None, event.after) or is_legal_move(event.before, event.after) for event in receipt.events)
    assert not receipt.order.is_open and sum(attempt.is_live for attempt in receipt.attempts) == int(confirmed)
    if confirmed:
        assert receipt.fill is not None and receipt.order.executed is not None
        assert (receipt.order.executed.amount_in, receipt.order.executed.amount_out) == (spent, received)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
async def test_killed_at_any_failpoint_the_swap_happens_once(workers: Workers, journal: str, failpoint: str) -> None:
    story = _STORIES[failpoint.partition("-")[2]]
    keypair = Keypair()
    async with served_cluster(keypair, story.ticks) as (cluster, url):
        job = new_job(url, journal, keypair)
        for action, earlier in story.before:
            await workers.killed(replace(job, action=action, failpoint=earlier))
        troubled = replace(job, muted=story.muted, forked=story.forked, refused=story.refused)
        await workers.killed(replace(troubled, action=story.action, failpoint=failpoint))
        # the new process repeats the user's command under the same key, or takes up what it finds
        last = "swap" if await only_receipt(job) is None else "resume"
        assert await workers.exit_code(replace(job, action=last)) == 0
        receipt = await only_receipt(job)
        check(receipt, *balances(cluster))
        assert receipt is not None and receipt.order.state in story.ends


async def test_the_same_command_after_a_crash_finds_the_order_and_swaps_no_more(workers: Workers, journal: str) -> None:
    keypair = Keypair()
    async with served_cluster(keypair, SLOW_SLOTS) as (cluster, url):
        job = new_job(url, journal, keypair)
        await workers.killed(replace(job, failpoint="after-send"))
        for _ in range(2):
            assert await workers.exit_code(job) == 0
            check(await only_receipt(job), *balances(cluster))


async def test_killed_after_a_proven_expiry_the_replacement_lands_once(workers: Workers, journal: str) -> None:
    keypair = Keypair()
    async with served_cluster(keypair, FAST_SLOTS) as (cluster, url):
        job = new_job(url, journal, keypair)
        await workers.killed(replace(job, muted=True, failpoint="after-commit-attempt_dead"))
        assert await workers.exit_code(replace(job, action="resume")) == 0
        receipt = await only_receipt(job)
        check(receipt, *balances(cluster))
        assert receipt is not None and receipt.order.state is OrderState.CONFIRMED and len(receipt.attempts) >= 2


async def test_a_process_that_gave_up_waiting_leaves_the_truth_to_the_next(workers: Workers, journal: str) -> None:
    keypair = Keypair()
    async with served_cluster(keypair, SLOW_SLOTS) as (cluster, url):
        job = new_job(url, journal, keypair)
        assert await workers.exit_code(replace(job, muted=True, impatient=True)) == 0
        receipt = await only_receipt(job)
        assert receipt is not None and receipt.order.state is OrderState.SUBMITTED and balances(cluster) == (0, 0)
        assert await workers.exit_code(replace(job, action="resume")) == 0
        check(await only_receipt(job), *balances(cluster))
