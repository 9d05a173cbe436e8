"""A hint makes the executor look before the next poll, and is believed in nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from solders.hash import Hash
from solders.keypair import Keypair
from solders.signature import Signature

from dexroute.engine.execution.landing import Landing
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.errors import RpcUnreachable
from dexroute.host.clock import HostClock
from dexroute.types.chain import Commitment, LandedTransaction, SignatureStatus
from dexroute.types.orders import Attempt

SIGNATURE = Keypair().sign_message(b"swap")
PATIENT = ExecutionPolicy(poll_ms=600_000, resend_ms=3_600_000)
ATTEMPT = Attempt(
    id="a",
    order_id="o",
    number=1,
    fencing=1,
    message=b"",
    blockhash=str(Hash.default()),
    last_valid_block_height=1,
    created_ms=1,
    signature=str(SIGNATURE),
    wire=b"wire",
)
LANDED = LandedTransaction(
    slot=7,
    block_time=None,
    error=None,
    fee_lamports=5_000,
    units_consumed=1,
    account_keys=(),
    pre_lamports=(),
    post_lamports=(),
    pre_token_balances=(),
    post_token_balances=(),
    logs=(),
)


class SlowNode:
    """Shows the transaction once `confirmed` is set; knows nothing else."""

    def __init__(self) -> None:
        self.confirmed = False
        self.looks = 0

    async def send(self, wire: bytes) -> None:
        return None

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        self.looks += 1
        return 7, (SignatureStatus(slot=7, commitment=Commitment.CONFIRMED, error=None) if self.confirmed else None,)

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        return LANDED if self.confirmed else None

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        raise RpcUnreachable("no")


class Hints:
    """Set from outside."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.watched: list[str] = []

    @contextmanager
    def watch(self, signature: str) -> Iterator[asyncio.Event]:
        self.watched.append(signature)
        yield self.told


async def still_ours() -> bool:
    return True


async def test_a_hint_is_looked_into_at_once_and_believed_in_nothing() -> None:
    node, hints = SlowNode(), Hints()
    nodes: Any = [node]
    landing = Landing(nodes, HostClock(), PATIENT, hints=hints)
    until_ms = HostClock().monotonic_ms() + 3_600_000
    following = asyncio.create_task(landing.follow(ATTEMPT, until_ms=until_ms, sending=True, still_ours=still_ours))
    async with asyncio.timeout(20):
        while node.looks < 1:
            await asyncio.sleep(0.01)
        for lie in (2, 3):
            await asyncio.sleep(0.05)
            hints.told.set()  # nothing is there
            while node.looks < lie:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert node.looks == 3 and not following.done(), "one look for each hint, and no word of it believed"
        node.confirmed = True
        hints.told.set()
        assert await following is LANDED
    assert hints.watched == [str(SIGNATURE)]


async def test_without_a_hint_the_polls_find_it() -> None:
    node, hints = SlowNode(), Hints()
    nodes: Any = [node]
    policy = ExecutionPolicy(poll_ms=20, resend_ms=200)
    for given in (hints, None):
        node.confirmed, node.looks = False, 0
        landing = Landing(nodes, HostClock(), policy, hints=given)
        until_ms = HostClock().monotonic_ms() + 60_000
        following = asyncio.create_task(landing.follow(ATTEMPT, until_ms=until_ms, sending=True, still_ours=still_ours))
        async with asyncio.timeout(20):
            while node.looks < 5:
                await asyncio.sleep(0.01)
            node.confirmed = True
            assert await following is LANDED
