"""Transactions that are no swaps: simulated, signed, sent and followed to their end like an order's attempt, without a journal.

What they do can be done again or seen on chain, so nothing about them must survive a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.execution.death import ExpiryProof
from dexroute.engine.execution.landing import Landing
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.planning.message import budget_instructions, unsigned_wire, writable_accounts
from dexroute.engine.planning.priority_fee import PriorityFeePolicy, compute_unit_price
from dexroute.errors import AttemptExpired, KeypairError, LandedWithError, OutcomeUnknown, SimulationFailed
from dexroute.fetchers.failures import failure_cause
from dexroute.ports import Clock, Signer, TransactionSender
from dexroute.types.chain import BlockhashLifetime, LandedTransaction
from dexroute.types.network import MAX_COMPUTE_UNITS
from dexroute.types.orders import Attempt

_UNIT_MARGIN = 1_000


class OwnTransactions:
    """Lands one transaction after the other for one wallet. `nodes` are sent to and asked; the first one simulates."""

    def __init__(
        self,
        nodes: Sequence[TransactionSender],
        signer: Callable[[], Signer],
        clock: Clock,
        *,
        priority_fee_cap_lamports: int,
        wait_ms: int,
    ) -> None:
        self._nodes = tuple(nodes)
        self._signer = signer
        self._clock = clock
        self._fees = PriorityFeePolicy(cap_lamports=priority_fee_cap_lamports)
        self._wait_ms = wait_ms

    async def land(self, instructions: Sequence[Instruction]) -> tuple[Signature, LandedTransaction]:
        """Until the transaction is confirmed. Raises SimulationFailed (nothing was sent), LandedWithError, AttemptExpired (proven
        never to land), OutcomeUnknown (sent, and no proof either way in time), NetworkError."""
        node, signer = self._nodes[0], self._signer()
        lifetime = await node.latest_blockhash()
        probe = self._message(instructions, lifetime, MAX_COMPUTE_UNITS, 0)
        simulated = await node.simulate(unsigned_wire(probe), min_context_slot=lifetime.slot)
        if simulated.error is not None:
            raise SimulationFailed(
                f"the transaction failed in simulation at slot {simulated.slot}; nothing was sent. "
                f"{failure_cause(simulated.error, simulated.logs)}",
                error=simulated.error.raw,
                logs=list(simulated.logs[-8:]),
            )
        limit = simulated.units_consumed + _UNIT_MARGIN
        price = compute_unit_price(self._fees, await node.recent_priority_fees(writable_accounts(probe)), limit)
        message = self._message(instructions, lifetime, limit, price)
        signature = await signer.sign(message)
        if not signature.verify(signer.pubkey, to_bytes_versioned(message)):
            raise KeypairError(f"the signer's answer is not a signature of {signer.pubkey}; nothing was sent")
        return signature, await self._followed(message, signature, lifetime)

    def _message(self, instructions: Sequence[Instruction], lifetime: BlockhashLifetime, limit: int, price: int) -> MessageV0:
        whole = [*budget_instructions(limit, price), *instructions]
        return MessageV0.try_compile(self._signer().pubkey, whole, [], lifetime.blockhash)

    async def _followed(self, message: MessageV0, signature: Signature, lifetime: BlockhashLifetime) -> LandedTransaction:
        landing = Landing(self._nodes, self._clock, ExecutionPolicy(wait_ms=self._wait_ms))
        attempt = Attempt(
            id=str(signature),
            order_id="",
            number=1,
            fencing=0,
            message=to_bytes_versioned(message),
            blockhash=str(lifetime.blockhash),
            last_valid_block_height=lifetime.last_valid_block_height,
            created_ms=self._clock.now_ms(),
            signature=str(signature),
            wire=bytes(VersionedTransaction.populate(message, [signature])),
        )
        until_ms = self._clock.monotonic_ms() + self._wait_ms
        verdict = await landing.follow(attempt, until_ms=until_ms, sending=True, still_ours=_always)
        if verdict is None:
            raise OutcomeUnknown(
                f"transaction {signature} was sent and is neither confirmed nor proven dead yet; look again in a while",
                signature=str(signature),
                remark=landing.remark(str(signature)),
            )
        if isinstance(verdict, ExpiryProof):
            raise AttemptExpired(f"transaction {signature} expired and will never land; try again", signature=str(signature))
        if verdict.error is not None:
            raise LandedWithError(
                f"transaction {signature} landed at slot {verdict.slot} with an error: "
                f"{failure_cause(verdict.error, verdict.logs)}",
                signature=str(signature),
                error=verdict.error.raw,
            )
        return verdict


async def _always() -> bool:
    return True
