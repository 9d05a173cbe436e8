"""The process that benchmarks/orders.py measures and kills: a queue over one journal, on a cluster over HTTP or one that answers at
once.

`python -m benchmarks.order_worker JOB` (JSON). Prints a line when the first order has ended, one when the first that another
process had left behind has, and one with all measurements when no order is left.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.chain.rpc import RpcClient
from dexroute.chain.signers import KeypairSigner
from dexroute.cli import GC_SELDOM
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.host.clock import HostClock
from dexroute.host.processes import process_name
from dexroute.storage.store import open_store
from dexroute.types.chain import BlockhashLifetime, Commitment, LandedTransaction, SignatureStatus, TokenBalance
from dexroute.types.orders import Order, OrderState
from tests.engine.token_swap import MINT_A, MINT_B, USER_A, USER_B, TokenSwapBuilder

POLL_MS: Final = 50  # about a slot of the served cluster
FEE_LAMPORTS: Final = 5_000
EACH_ORDERS: Final = 1_000  # memory is looked at


@dataclass(frozen=True, kw_only=True)
class Job:
    """`url` None: a cluster that answers at once, whose genesis hash is `genesis`. `at_once` orders are worked on at a time.
    `owner` None: the process is named as every worker is; another name is one of a process elsewhere, of which nothing is known."""

    journal: str
    url: str | None
    seed: str
    genesis: str
    owner: str | None
    at_once: int


class Lap:
    """How long one order took, and how much of that it waited for the cluster: calls on their way and sleeps between them, each
    moment once however many there are."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._waits = 0
        self._since = 0.0
        self._waited = 0.0
        self.total_ms = 0.0
        self.ours_ms = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self._waits += 1
        if self._waits == 1:
            self._since = time.perf_counter()
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits:
                self._waited += time.perf_counter() - self._since

    def end(self) -> None:
        self.total_ms = (time.perf_counter() - self._began) * 1e3
        self.ours_ms = self.total_ms - self._waited * 1e3


_LAP: Final[ContextVar[Lap | None]] = ContextVar("lap", default=None)


@contextmanager
def _waiting() -> Iterator[None]:
    lap = _LAP.get()
    if lap is None:
        yield
    else:
        with lap.waiting():
            yield


class TimedClient(RpcClient):
    """From a question to its answer is the cluster's time, HTTP and JSON included."""

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        with _waiting():
            return await super().latest_blockhash(min_context_slot=min_context_slot)

    async def send(self, wire: bytes) -> None:
        with _waiting():
            await super().send(wire)

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        with _waiting():
            return await super().signature_statuses(signatures, search_history=search_history)

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        with _waiting():
            return await super().transaction(signature)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        with _waiting():
            return await super().block_height(commitment)


class TimedClock(HostClock):
    async def sleep_ms(self, duration_ms: int) -> None:
        with _waiting():
            await super().sleep_ms(duration_ms)


class TimedExecutor(Executor):
    """Keeps 16 bytes an order, so that the memory measured is not the benchmark's."""

    ours_ms: array[float]
    total_ms: array[float]
    told: set[str]
    put_off: set[str]
    memory: dict[int, float]

    async def carry_on(self, order: Order, *, wait_ms: int | None = None) -> Order:
        is_new = order.id not in self.put_off
        lap = Lap()
        _LAP.set(lap)
        self.put_off.add(order.id)
        ended = await super().carry_on(order, wait_ms=wait_ms)
        self.put_off.discard(order.id)
        lap.end()
        self.ours_ms.append(lap.ours_ms)
        self.total_ms.append(lap.total_ms)
        if len(self.ours_ms) % EACH_ORDERS == 0:
            self.memory[len(self.ours_ms)] = rss_mib()
        self._tell("first")
        if is_new and order.fencing > 2:  # placed, claimed by another, claimed by us
            self._tell("left behind")
        return ended

    def _tell(self, what: str) -> None:
        if what not in self.told:
            self.told.add(what)
            print(json.dumps({"ended": what}), flush=True)


@dataclass(kw_only=True)
class InstantNode:
    """dexroute.ports.TransactionSender: what is sent has landed, confirmed, before the call returns, and is never finalized. It
    tells once what a transaction did: nothing is kept of what is over."""

    genesis: Hash
    landed: dict[Signature, tuple[Pubkey, int]] = field(default_factory=dict)

    async def genesis_hash(self) -> Hash:
        return self.genesis

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        return BlockhashLifetime(blockhash=Hash.new_unique(), last_valid_block_height=150, slot=1)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        return (0, 0) if commitment is Commitment.FINALIZED else (1, 1)

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        return True

    async def first_available_slot(self) -> int:
        return 0

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        return None

    async def send(self, wire: bytes) -> None:
        transaction = VersionedTransaction.from_bytes(wire)
        message = transaction.message
        spent = int.from_bytes(bytes(message.instructions[0].data)[1:9], "little")
        self.landed[transaction.signatures[0]] = (message.account_keys[0], spent)

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        # nothing is asked about that was not signed, and what this process has not sent another has, to the same cluster
        return 1, (SignatureStatus(slot=1, commitment=Commitment.CONFIRMED, error=None),) * len(signatures)

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        known = self.landed.pop(signature, None)
        if known is None:
            return None
        wallet, spent = known

        def held(paid: int, got: int) -> tuple[TokenBalance, ...]:
            return (
                TokenBalance(account=USER_A, mint=MINT_A, owner=wallet, amount=paid),
                TokenBalance(account=USER_B, mint=MINT_B, owner=wallet, amount=got),
            )

        return LandedTransaction(
            slot=1,
            block_time=None,
            error=None,
            fee_lamports=FEE_LAMPORTS,
            units_consumed=1,
            account_keys=(wallet, USER_A, USER_B),
            pre_lamports=(10**9,) * 3,
            post_lamports=(10**9 - FEE_LAMPORTS, 10**9, 10**9),
            pre_token_balances=held(spent, 0),
            post_token_balances=held(0, spent // 2),
            logs=(),
        )


async def work(job: Job) -> None:
    clock, signer = TimedClock(), KeypairSigner(Keypair.from_seed(bytes.fromhex(job.seed)))
    node: Any = InstantNode(genesis=Hash.from_string(job.genesis))
    if job.url is not None:
        node = TimedClient(job.url)
    async with open_store(job.journal) as store:
        executor = TimedExecutor(
            store=store,
            senders=[node],
            signer_of={signer.pubkey: signer}.get,
            builder=TokenSwapBuilder(),
            clock=clock,
            owner=job.owner or process_name(),
            policy=ExecutionPolicy(poll_ms=POLL_MS),
        )
        executor.ours_ms, executor.total_ms = array("d"), array("d")
        executor.told, executor.put_off, executor.memory = set(), set(), {}
        gc.collect()  # as `dex worker` does
        gc.freeze()
        gc.set_threshold(GC_SELDOM)
        start, cpu = time.perf_counter(), time.process_time()
        print(json.dumps({"ended": "nothing"}), flush=True)
        while await store.oldest_open() is not None:  # another's lease may still hold one
            await OrderQueue(executor, QueuePolicy(at_once=job.at_once, per_wallet=job.at_once)).run(until_idle=True)
            await asyncio.sleep(0.05)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        confirmed = sum(count for state, _, _, count in await store.counts() if state is OrderState.CONFIRMED)
    if job.url is not None:
        await node.aclose()
    found = measurements(executor, seconds) | {"confirmed": confirmed, "cpu_ms": cpu * 1e3 / max(1, len(executor.ours_ms))}
    print(json.dumps(found), flush=True)


def measurements(executor: TimedExecutor, seconds: float) -> dict[str, Any]:
    ours, total = sorted(executor.ours_ms), sorted(executor.total_ms)
    return {
        "orders": len(ours),
        "seconds": seconds,
        "ours_p50_ms": statistics.median(ours),
        "ours_p99_ms": ours[len(ours) * 99 // 100],
        "total_p50_ms": statistics.median(total),
        "total_p99_ms": total[len(total) * 99 // 100],
        "rss_mib": most_rss_mib(),
        "rss_mib_after": executor.memory,
    }


def most_rss_mib() -> float:
    """What this process held at most. getrusage would tell what the process that started it did, where that was more."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def rss_mib() -> float:
    """What this process holds now."""
    return float(psutil.Process().memory_info().rss) / 2**20


def line(job: Job) -> str:
    return json.dumps(asdict(job))


if __name__ == "__main__":
    asyncio.run(work(Job(**json.loads(sys.argv[1]))))
