"""Two real processes on one real PostgreSQL: a dead or sleeping worker's order goes to the other, a living one's does not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from solders.keypair import Keypair
from sqlalchemy import text

from dexroute.engine.execution.receipt import Receipt, read_receipt
from dexroute.errors import OrderTakenOver
from dexroute.localnet import EmbeddedCluster
from dexroute.ports import OrderStore
from dexroute.storage.store import open_store
from dexroute.types.orders import AttemptOutcome, EventKind, OrderState
from tests.engine.crash_worker import Job
from tests.engine.test_execution_crashes import SLOW_SLOTS, Workers, balances, check, served_cluster, workers
from tests.servers.postgres import empty_postgres
from tests.simulation.memory_store import MemoryStore
from tests.storage.orders_at_hand import an_order

first = workers
second = pytest.fixture(scope="module", name="second")(workers.__wrapped__)  # type: ignore[attr-defined]
LEASE_MS = 700


@asynccontextmanager
async def shared(postgres: str) -> AsyncIterator[tuple[EmbeddedCluster, Job]]:
    keypair = Keypair()
    journal = await empty_postgres(postgres)
    async with open_store(journal):
        pass  # migrated
    async with served_cluster(keypair, SLOW_SLOTS) as (cluster, url):
        yield cluster, Job(action="swap", url=url, journal=journal, seed=keypair.secret().hex(), lease_ms=LEASE_MS)


async def stopped_child(server: int) -> int:
    """The process forked by a worker server, once it has stopped itself."""
    async with asyncio.timeout(60):
        while True:
            for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
                if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                    return int(child)
            await asyncio.sleep(0.02)


async def only(journal: str) -> Receipt:
    async with open_store(journal) as store:
        (order,) = await store.orders()
        return await read_receipt(store, order.id, with_events=True)


@pytest.mark.parametrize("pause", ["build", "sign"])
async def test_a_worker_that_wakes_after_its_lease_sends_nothing(
    workers: Workers, second: Workers, postgres: str, pause: str
) -> None:
    async with shared(postgres) as (cluster, job):
        sleeper = asyncio.create_task(workers.exit_code(replace(job, pause=pause)))
        child = await stopped_child(workers.server.pid)
        assert await second.exit_code(replace(job, action="resume")) == 0
        check(await only(job.journal), *balances(cluster))
        os.kill(child, signal.SIGCONT)
        assert await sleeper == 0
        receipt = await only(job.journal)
        check(receipt, *balances(cluster))
        assert receipt.order.state is OrderState.CONFIRMED and receipt.order.claimed_by == "resume+lock"
        proofs = [attempt.outcome for attempt in receipt.attempts]
        assert proofs == [*([AttemptOutcome.NEVER_SIGNED] if pause == "sign" else []), AttemptOutcome.LANDED]
        assert sum(event.kind is EventKind.SIGNED for event in receipt.events) == 1


async def test_a_dead_workers_order_is_taken_up_when_its_lease_ends(workers: Workers, second: Workers, postgres: str) -> None:
    async with shared(postgres) as (cluster, job):
        await workers.killed(replace(job, failpoint="after-commit-signed"))
        held = await only(job.journal)
        assert held.order.state is OrderState.SUBMITTED and held.order.claimed_by == "swap+lock"
        assert await second.exit_code(replace(job, action="resume")) == 0
        receipt = await only(job.journal)
        check(receipt, *balances(cluster))
        assert receipt.order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1
        taken = next(event for event in receipt.events if event.kind is EventKind.CLAIMED)
        assert taken.at_ms - held.order.updated_ms >= LEASE_MS * 9 // 10, "taken while its lease still ran"


async def test_a_living_worker_keeps_its_order_however_slow_it_is(workers: Workers, second: Workers, postgres: str) -> None:
    async with shared(postgres) as (cluster, job):
        job = replace(job, lease_ms=2_500)  # renewed every third of it, however busy the machine is
        slow = asyncio.create_task(workers.exit_code(replace(job, pause="slow")))
        async with open_store(job.journal) as store:
            async with asyncio.timeout(60):
                while not await store.orders():
                    await asyncio.sleep(0.02)
        assert await second.exit_code(replace(job, action="resume")) == 0
        assert await slow == 0
        receipt = await only(job.journal)
        check(receipt, *balances(cluster))
        assert receipt.order.claimed_by == "swap+lock" and not [e for e in receipt.events if e.kind is EventKind.CLAIMED]


async def test_a_dead_workers_order_is_taken_up_long_before_its_lease_ends(
    workers: Workers, second: Workers, postgres: str
) -> None:
    """Its lock went with it. Killed with its signature recorded: the same bytes are sent by the other."""
    async with shared(postgres) as (cluster, job):
        job = replace(job, lease_ms=600_000)
        await workers.killed(replace(job, failpoint="after-commit-signed"))
        held = await only(job.journal)
        assert await second.exit_code(replace(job, action="resume")) == 0
        receipt = await only(job.journal)
        check(receipt, *balances(cluster))
        assert receipt.order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1
        assert receipt.attempts[0].signature == held.attempts[0].signature
        taken = next(event for event in receipt.events if event.kind is EventKind.CLAIMED)
        assert taken.facts["owner"] == "resume+lock"


async def test_a_sleeping_worker_is_not_taken_for_dead(workers: Workers, second: Workers, postgres: str) -> None:
    """Its session lasts while it is stopped: the lease alone decides."""
    async with shared(postgres) as (cluster, job):
        lease_ms = 4_000
        job = replace(job, lease_ms=lease_ms)
        sleeper = asyncio.create_task(workers.exit_code(replace(job, pause="build")))
        child = await stopped_child(workers.server.pid)
        held = await only(job.journal)
        assert await second.exit_code(replace(job, action="resume")) == 0
        os.kill(child, signal.SIGCONT)
        assert await sleeper == 0
        receipt = await only(job.journal)
        check(receipt, *balances(cluster))
        taken = next(event for event in receipt.events if event.kind is EventKind.CLAIMED)
        assert taken.at_ms - held.order.updated_ms >= lease_ms * 9 // 10, "taken while its lease still ran"


@pytest.mark.parametrize("kind", ["postgresql", "memory"])
async def test_leases_go_by_the_databases_time(request: pytest.FixtureRequest, kind: str) -> None:
    """No host clock takes part: what a worker believes the time to be is written down and never compared."""
    async with AsyncExitStack() as stack:
        one, other, later = await _leased(request, kind, stack)
        order, _ = await one.place(an_order(), owner="one", lease_ms=60_000)
        for wrong_ms in (0, 10**15):
            with pytest.raises(OrderTakenOver, match="one"):
                await other.claim(order.id, owner="two", at_ms=wrong_ms, lease_ms=60_000, only_free=True)
        assert await other.take(owner="two", genesis_hash="genesis", at_ms=10**15, limit=9, lease_ms=60_000) == ()
        again = await one.claim(order.id, owner="one", at_ms=1, lease_ms=60_000, only_free=True)
        assert again.fencing == order.fencing + 1, "its holder need not wait for itself"
        waiting = {"owner": "one", "genesis_hash": "genesis", "at_ms": 1, "limit": 9, "lease_ms": 60_000}
        assert await one.take(**waiting, busy=[order.id]) == ()  # type: ignore[arg-type]
        assert await one.take(**waiting, wallets=[Keypair().pubkey()]) == ()  # type: ignore[arg-type]
        (again,) = await one.take(**waiting, wallets=[order.wallet])  # type: ignore[arg-type]
        assert again.fencing == order.fencing + 2, "what it holds and does not work on, it takes up again"
        await later()
        await one.renew(owner="one", lease_ms=60_000)  # too late: a lease that has ended is not brought back
        (taken,) = await other.take(owner="two", genesis_hash="genesis", at_ms=1, limit=9, lease_ms=60_000)
        assert taken.fencing == again.fencing + 1 and taken.claimed_by == "two"
        await other.let_go(taken)
        assert (await one.claim(order.id, owner="three", at_ms=1, lease_ms=1, only_free=True)).claimed_by == "three"


async def _leased(
    request: pytest.FixtureRequest, kind: str, stack: AsyncExitStack
) -> tuple[OrderStore, OrderStore, Callable[[], Awaitable[None]]]:
    """Two views of one journal, and a way to let 61 seconds pass."""
    if kind == "memory":
        passed = [0]
        store = MemoryStore(leased=True, now_ms=lambda: passed[0])

        async def pass_time() -> None:
            passed[0] += 61_000

        return store, store, pass_time
    url = await empty_postgres(request.getfixturevalue("postgres"))
    one, other = await stack.enter_async_context(open_store(url)), await stack.enter_async_context(open_store(url))

    async def shorten() -> None:
        async with other._sessions.writing() as session:
            await (await session.connection()).execute(text("UPDATE orders SET lease_until_ms = lease_until_ms - 61000"))

    return one, other, shorten


async def test_many_workers_taking_at_once_get_each_order_once(postgres: str) -> None:
    url = await empty_postgres(postgres)
    async with open_store(url) as one, open_store(url) as other:
        placed = {(await one.place(an_order()))[0].id for _ in range(30)}
        takes = [
            (one, other)[number % 2].take(owner=f"w{number}", genesis_hash="genesis", at_ms=1, limit=5, lease_ms=60_000)
            for number in range(12)
        ]
        taken = [order.id for batch in await asyncio.gather(*takes) for order in batch]
        assert len(taken) == len(set(taken)) and set(taken) <= placed
        last = {"owner": "last", "genesis_hash": "genesis", "at_ms": 1, "limit": 5, "lease_ms": 60_000}
        while more := await one.take(**last, busy=taken):  # type: ignore[arg-type]
            taken += [order.id for order in more]
        assert sorted(taken) == sorted(placed)
