"""Known wrong rules, put into the executor for the length of a run: what the simulation must be able to see.

Each is what some published send path does. They exist in tests only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from dexroute.engine.execution import death, finality, landing, looking_back, preparation, signing
from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.death import ExpiryProof, Unproven
from dexroute.engine.execution.finality import Verdict, View
from dexroute.engine.execution.landing import Landing
from dexroute.engine.execution.settlement import Settlement
from dexroute.errors import DatabaseUnavailable
from dexroute.ports import Clock, Signer, TransactionSender
from dexroute.types.chain import Commitment
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, LandedAttempt
from tests.simulation.invariants import Rule

if TYPE_CHECKING:
    from tests.simulation.world import World

Mutant = Callable[["World"], AbstractContextManager[None]]
_IMPATIENCE_S: Final = 4.0


@contextmanager
def re_sign_on_timeout(world: World) -> Iterator[None]:
    """What has not landed after a while is taken for dead, and signed anew."""
    first_asked: dict[str, float] = {}

    async def prove(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
        asked = first_asked.setdefault(attempt.id, world.loop.now)
        over = world.loop.now - asked > _IMPATIENCE_S
        return ExpiryProof(finalized_height=0, finalized_slot=0, witnesses=0) if over else Unproven()

    with patch.object(landing, "prove_expired", prove):
        yield


@contextmanager
def fee_bump_beside_a_live_attempt(world: World) -> Iterator[None]:
    """What has not landed after a while is sent again with a higher fee: other bytes, another signature, the same swap."""
    first_sent: dict[bytes, float] = {}
    real = Landing._send

    async def send(self: Landing, route: Any, wire: bytes) -> Any:
        refusal = await real(self, route, wire)
        if world.loop.now - first_sent.setdefault(wire, world.loop.now) > _IMPATIENCE_S:
            message = VersionedTransaction.from_bytes(wire).message
            assert isinstance(message, MessageV0)
            bid = CompiledInstruction(program_id_index=5, data=b"more", accounts=b"")
            bumped = MessageV0(
                message.header, list(message.account_keys), message.recent_blockhash, [bid, *message.instructions], []
            )
            signature = await world.signer.sign(bumped)
            await real(self, route, bytes(VersionedTransaction.populate(bumped, [signature])))
        return refusal

    with patch.object(Landing, "_send", send):
        yield


@contextmanager
def persist_after_send(world: World) -> Iterator[None]:
    """The bytes are sent first and written down when they are on their way."""
    real = signing.commit_signature

    async def send_first(claim: Claim, clock: Clock, signer: Signer, attempt: Attempt) -> None:
        message = MessageV0.from_bytes(attempt.message[1:])
        signature = await signer.sign(message)
        world.chain.receive(bytes(VersionedTransaction.populate(message, [signature])))
        await clock.sleep_ms(200)  # the answer of the node
        await real(claim, clock, signer, attempt)

    with patch.object(preparation, "commit_signature", send_first):
        yield


@contextmanager
def send_when_the_commit_failed(world: World) -> Iterator[None]:
    """A commit whose outcome is unknown is taken for done."""
    real = Claim.step

    async def step(self: Claim, kind: EventKind, **named: Any) -> None:
        try:
            await real(self, kind, **named)
        except DatabaseUnavailable:
            if kind is EventKind.SIGNED:
                world.chain.receive(named["attempt"].wire)
            raise

    with patch.object(Claim, "step", step):
        yield


class _Boastful:
    """A node taken for one that remembers everything."""

    def __init__(self, node: TransactionSender) -> None:
        self._node = node

    async def first_available_slot(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


@contextmanager
def death_by_forgetting(world: World) -> Iterator[None]:
    """A node that knows nothing of a signature is believed, however short its memory."""
    real = death.prove_expired

    async def prove(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
        return await real(attempt, [_Boastful(node) for node in nodes])

    with patch.object(landing, "prove_expired", prove):
        yield


class _Unbroken:
    """A node taken for one that was never down."""

    def __init__(self, node: TransactionSender) -> None:
        self._node = node

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


@contextmanager
def death_by_a_gap(world: World) -> Iterator[None]:
    """A node that knows nothing of a signature is believed about a time it was down."""
    real = death.prove_expired

    async def prove(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
        return await real(attempt, [_Unbroken(node) for node in nodes])

    with patch.object(landing, "prove_expired", prove):
        yield


class _Hasty:
    """A node whose `finalized` is asked at `confirmed`."""

    def __init__(self, node: TransactionSender) -> None:
        self._node = node

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        return await self._node.block_height(Commitment.CONFIRMED)

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        return None

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


@contextmanager
def death_at_confirmed(world: World) -> Iterator[None]:
    """An expiry seen at `confirmed` counts: a fork can lower the height again."""
    real = death.prove_expired

    async def prove(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
        return await real(attempt, [_Hasty(node) for node in nodes])

    with patch.object(landing, "prove_expired", prove):
        yield


@contextmanager
def death_by_one_silence(world: World) -> Iterator[None]:
    """One node past the last block height that knows nothing of the signature is enough, whatever the others say."""
    real = death.prove_expired

    async def prove(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
        return await real(attempt, nodes[:1])

    with patch.object(landing, "prove_expired", prove):
        yield


def _settled_when_seen(*outcomes: AttemptOutcome) -> Mutant:
    @contextmanager
    def mutant(world: World) -> Iterator[None]:
        real = finality.judge

        def judge(attempt: LandedAttempt, views: Sequence[View | None]) -> Verdict | None:
            return Verdict(final=True) if attempt.outcome in outcomes else real(attempt, views)

        with patch.object(looking_back, "judge", judge):
            yield

    return mutant


@contextmanager
def final_by_one_node(world: World) -> Iterator[None]:
    """What one node shows finalized is final, though another was to be asked."""
    with patch.object(finality, "WITNESSES", 1):
        yield


@contextmanager
def cancelled_at_once(world: World) -> Iterator[None]:
    """Whoever cancels after a signature is told that it is done."""
    real = Settlement.run

    async def run(self: Settlement, claim: Claim, *, until_ms: int) -> bool:
        attempt = await claim.live_attempt()
        if claim.order.cancel_requested_ms is None or attempt is None:
            return await real(self, claim, until_ms=until_ms)
        await self._expired(claim, replace(attempt), ExpiryProof(finalized_height=0, finalized_slot=0, witnesses=0))
        return True

    with patch.object(Settlement, "run", run):
        yield


MUTANTS: Final[dict[str, tuple[Mutant, Rule]]] = {
    "re-sign on timeout": (re_sign_on_timeout, Rule.DOUBLE),
    "fee bump beside a live attempt": (fee_bump_beside_a_live_attempt, Rule.DOUBLE),
    "persist after send": (persist_after_send, Rule.DOUBLE),
    "send when the commit failed": (send_when_the_commit_failed, Rule.DOUBLE),
    "death at confirmed": (death_at_confirmed, Rule.LIE),
    "death by one silence": (death_by_one_silence, Rule.DOUBLE),
    "death by forgetting": (death_by_forgetting, Rule.DOUBLE),
    "death by a gap": (death_by_a_gap, Rule.DOUBLE),
    "a refusal is final when seen": (_settled_when_seen(AttemptOutcome.LANDED_WITH_ERROR), Rule.LIE),
    "a swap is final when seen": (_settled_when_seen(AttemptOutcome.LANDED), Rule.LIE),
    "final by one node's word": (final_by_one_node, Rule.LIE),
    "cancelled at once": (cancelled_at_once, Rule.LIE),
}
"""By name, with the rule that each must be seen to break."""
