"""From a built message to committed bytes. The order of the steps is the promise: intent, signature, commit, and only then may
anything be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from solders.hash import Hash
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from dexroute.engine.execution.builder import BuiltAttempt
from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.errors import DexError, KeypairError
from dexroute.ports import Clock, Signer
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Order, OrderState
from dexroute.types.spendings import SpendingGuard

SignerOf = Callable[[Pubkey], Signer | None]
"""The signer of a wallet; None where its key is not here. May raise KeypairError, SignerUnavailable."""


async def commit_intent(
    claim: Claim, clock: Clock, built: BuiltAttempt, lifetime: BlockhashLifetime, guard: SpendingGuard | None = None
) -> Attempt:
    """Record what is about to be signed, unless `guard` refuses it. A process that dies after this never committed a signature, so
    it never sent one. Raises what the guard raises."""
    number = len(await claim.attempts()) + 1
    attempt = Attempt(
        id=f"{claim.order.id}-{number}",
        order_id=claim.order.id,
        number=number,
        fencing=claim.order.fencing,
        message=to_bytes_versioned(built.message),
        blockhash=str(lifetime.blockhash),
        last_valid_block_height=lifetime.last_valid_block_height,
        blockhash_slot=lifetime.slot,
        created_ms=clock.now_ms(),
        simulated=built.simulated,
        expected_costs=built.costs,
        tracked=built.tracked,
    )
    facts = {
        "attempt": number,
        "blockhash": attempt.blockhash,
        "last_valid_block_height": str(lifetime.last_valid_block_height),
        "blockhash_slot": str(lifetime.slot),
        **built.facts,
    }
    await claim.step(EventKind.INTENT, facts=facts, attempt=attempt, simulated=built.simulated, guard=guard)
    return attempt


async def commit_signature(claim: Claim, clock: Clock, signer: Signer, attempt: Attempt) -> None:
    """Sign the committed message and record signature and wire bytes: from here on the attempt may land. Raises KeypairError,
    SignatureTaken when another order's attempt is this very transaction."""
    message = MessageV0.from_bytes(attempt.message[1:])  # the first byte is the version
    with boundary(Boundary.SIGN):
        signature = await signer.sign(message)
    if not signature.verify(claim.order.wallet, attempt.message):
        raise KeypairError(
            f"the signer's answer is not a signature of {claim.order.wallet} over the message it got; nothing was sent"
        )
    signed = replace(
        attempt,
        signature=str(signature),
        wire=bytes(VersionedTransaction.populate(message, [signature])),
        signed_ms=clock.now_ms(),
    )
    facts = {"attempt": attempt.number, "signature": str(signature)}
    await claim.step(EventKind.SIGNED, to=OrderState.SUBMITTED, facts=facts, attempt=signed)


async def unsigned_as_dead(claim: Claim, clock: Clock) -> Attempt | None:
    """The claimed order's live intent that was never signed, as dead: bytes that are not committed are never sent."""
    attempt = await claim.live_attempt()
    if attempt is None or attempt.wire is not None:
        return None
    return replace(attempt, outcome=AttemptOutcome.NEVER_SIGNED, dead_at=clock.now_ms())


def check_message(order: Order, message: MessageV0, blockhash: Hash) -> None:
    """What every message must be, whoever built it: our key alone pays and signs, and its lifetime is the one recorded."""
    if message.header.num_required_signatures != 1 or message.account_keys[0] != order.wallet:
        raise DexError(f"bug: the message for order {order.id} is not paid and signed by {order.wallet} alone", order=order.id)
    if message.recent_blockhash != blockhash:
        raise DexError(f"bug: the message for order {order.id} carries another blockhash than its lifetime", order=order.id)
