"""The process that gets killed: one action on one journal against a cluster over HTTP, with a failpoint armed.

`python -m tests.engine.crash_worker` reads jobs from stdin, one JSON object a line, and answers each with the exit code of a
process forked for it (negative for a signal): every job has a process of its own, and none pays for imports again.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature
from sqlalchemy.orm import configure_mappers

from dexroute.chain.rpc import RpcClient
from dexroute.chain.signers import KeypairSigner
from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.recovery import resume
from dexroute.errors import IllegalTransition, OutcomeUnknown
from dexroute.storage.store import open_store
from dexroute.types.chain import BlockhashLifetime, SignatureStatus
from dexroute.types.orders import Order
from dexroute.types.requests import QuoteRequest
from tests.engine.token_swap import MINT_A, MINT_B, TokenSwapBuilder

AMOUNT = 1_000


class MutedClient(RpcClient):
    """A cluster that hears nothing."""

    async def send(self, wire: bytes) -> None:
        return None


class ForkedClient(RpcClient):
    """A cluster whose present fork holds nothing of ours."""

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        slot, statuses = await super().signature_statuses(signatures, search_history=search_history)
        return slot, (None,) * len(statuses)


class HostClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1_000)


class PausingSigner(KeypairSigner):
    """Its process is stopped in the middle of a signature, and signs when it wakes."""

    async def sign(self, message: MessageV0) -> Signature:
        os.kill(os.getpid(), signal.SIGSTOP)
        return await super().sign(message)


@dataclass(frozen=True, kw_only=True)
class PausingBuilder(TokenSwapBuilder):
    """Its process is stopped in the middle of building; or it only takes its time, and the process lives."""

    slow_ms: int = 0

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        built = await super().build(order, routed, lifetime)
        if not self.slow_ms:
            os.kill(os.getpid(), signal.SIGSTOP)
        await asyncio.sleep(self.slow_ms / 1_000)
        return built


@dataclass(frozen=True, kw_only=True)
class Job:
    """`action` is swap, resume, cancel or settle; `muted` drops what is sent, `forked` shows nothing landed, `refused` finds no
    route, `impatient` waits for nothing. `pause` stops the process (SIGSTOP) while it builds or signs, or is slow to build.
    `journal` is a file or a PostgreSQL URL."""

    action: str
    url: str
    journal: str
    seed: str
    failpoint: str | None = None
    muted: bool = False
    forked: bool = False
    refused: bool = False
    impatient: bool = False
    pause: str | None = None
    lease_ms: int = 30_000

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def serve_jobs() -> None:
    """Fork for every job on stdin until it ends."""
    for late in ("sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg", "asyncpg", "httpx", "httpcore"):
        importlib.import_module(late)
    configure_mappers()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_run(json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(fields: dict[str, Any]) -> int:
    """Ends by SIGKILL at the failpoint, or with 0 when it is never reached."""
    job = Job(**fields)
    try:
        os.environ["DEXROUTE_FAILPOINT"] = job.failpoint or ""
        asyncio.run(_work(job))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


async def _work(job: Job) -> None:
    transport = httpx.AsyncHTTPTransport(verify=False)  # plain HTTP to this machine: spares reading the system's certificates
    client = (MutedClient if job.muted else ForkedClient if job.forked else RpcClient)(job.url, transport=transport)
    async with client, open_store(job.journal if "://" in job.journal else Path(job.journal)) as store:
        signer = (PausingSigner if job.pause == "sign" else KeypairSigner)(Keypair.from_seed(bytes.fromhex(job.seed)))
        builder = TokenSwapBuilder(refuses=job.refused)
        if job.pause in ("build", "slow"):
            builder = PausingBuilder(slow_ms=0 if job.pause == "build" else 2 * job.lease_ms)
        clock = HostClock()
        executor = Executor(
            store=store,
            senders=[client],
            signer_of={signer.pubkey: signer}.get,
            builder=builder,
            clock=clock,
            owner=job.action,
            policy=ExecutionPolicy(
                poll_ms=20, resend_ms=50, backoff_ms=10, wait_ms=0 if job.impatient else 60_000, lease_ms=job.lease_ms
            ),
        )
        try:
            if job.action == "swap":
                request = QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=AMOUNT)
                genesis = str(await client.genesis_hash())
                await executor.execute(
                    new_order(
                        request=request,
                        wallet=signer.pubkey,
                        genesis_hash=genesis,
                        slippage_bps=50,
                        now_ms=clock.now_ms(),
                        key="the one swap",
                    )
                )
            elif job.action == "cancel":
                for order in await store.orders():
                    await executor.cancel(order.id)
            elif job.action == "settle":
                while await store.landed(str(await client.genesis_hash()), limit=1):
                    await executor.settle()
                    await clock.sleep_ms(20)
            else:
                await resume(executor)
        except (OutcomeUnknown, IllegalTransition):
            return  # a process that gave up waiting, or came too late to cancel


if __name__ == "__main__":
    serve_jobs()
