"""SUBMITTED: what the truth about an attempt makes of its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.deadline import deadline_passed, past_deadline
from dexroute.engine.execution.death import ExpiryProof
from dexroute.engine.execution.failures import failure_of
from dexroute.engine.execution.fills import read_fill
from dexroute.engine.execution.landing import Landing
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.errors import AttemptExpired, DatabaseError, LandedWithError
from dexroute.fetchers.failures import failure_cause
from dexroute.ports import Clock
from dexroute.types.chain import LandedTransaction
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Order, OrderState


class Settlement:
    """Follows a claimed order's live attempt and commits what became of it."""

    def __init__(self, landing: Landing, clock: Clock, policy: ExecutionPolicy) -> None:
        self.landing = landing
        self._clock = clock
        self._policy = policy

    async def run(self, claim: Claim, *, until_ms: int) -> bool:
        """True when the order moved on: CONFIRMED, FAILED, CANCELLED, or ROUTING for a replacement. False when the truth was
        not to be had before `until_ms` (monotonic), or the claim was lost; the order then stays SUBMITTED."""
        attempt = await claim.live_attempt()
        order = claim.order
        if attempt is None or attempt.wire is None:
            raise DatabaseError(
                f"order {claim.order.id} is SUBMITTED without a signed attempt alive: the journal was altered. Restore a backup",
                order=claim.order.id,
            )
        # A caller who was told of a refusal may have swapped elsewhere since: what a fork took back is watched, not sent again.
        wanted = order.cancel_requested_ms is None and order.failure is None
        verdict = None
        sending_until_ms = until_ms if order.deadline_ms is None else min(until_ms, self._monotonic(order.deadline_ms))
        if wanted and not deadline_passed(order, self._clock):
            verdict = await self._follow(claim, attempt, until_ms=sending_until_ms, sending=True)
        if verdict is None and (not wanted or deadline_passed(order, self._clock)) and await claim.still_holds():
            verdict = await self._follow(claim, attempt, until_ms=until_ms, sending=False)
        if isinstance(verdict, LandedTransaction):
            await self._landed(claim, attempt, verdict)
        elif isinstance(verdict, ExpiryProof):
            await self._expired(claim, attempt, verdict)
        return verdict is not None

    async def _follow(
        self, claim: Claim, attempt: Attempt, *, until_ms: int, sending: bool
    ) -> LandedTransaction | ExpiryProof | None:
        return await self.landing.follow(attempt, until_ms=until_ms, sending=sending, still_ours=claim.still_holds)

    def _monotonic(self, at_ms: int) -> int:
        """The time of the host's calendar as monotonic time, as far as the calendar can be trusted now."""
        return self._clock.monotonic_ms() + at_ms - self._clock.now_ms()

    async def _landed(self, claim: Claim, attempt: Attempt, landed: LandedTransaction) -> None:
        fill = read_fill(claim.order, attempt, landed)
        facts = {"attempt": attempt.number, "signature": attempt.signature, "slot": str(landed.slot)}
        if landed.error is None:
            facts |= {"amount_in": str(fill.amounts.amount_in), "amount_out": str(fill.amounts.amount_out)}
            await claim.step(
                EventKind.CONFIRMED,
                to=OrderState.CONFIRMED,
                facts=facts,
                attempt=replace(attempt, outcome=AttemptOutcome.LANDED, slot=landed.slot),
                fill=fill,
                executed=fill.amounts,
                costs=fill.costs,
                failure=None,
            )
            return
        error = _landed_with_error(claim, attempt, landed)
        await claim.step(
            EventKind.FAILED,
            to=OrderState.FAILED,
            facts=facts | {"code": error.code, "error": landed.error.raw},
            attempt=replace(
                attempt,
                outcome=AttemptOutcome.LANDED_WITH_ERROR,
                slot=landed.slot,
                error={"raw": landed.error.raw},
                dead_at=self._clock.now_ms(),
            ),
            fill=fill,
            costs=fill.costs,
            failure=failure_of(error),
        )

    async def _expired(self, claim: Claim, attempt: Attempt, proof: ExpiryProof) -> None:
        dead = replace(attempt, outcome=AttemptOutcome.EXPIRED, dead_at=self._clock.now_ms())
        facts = {
            "attempt": attempt.number,
            "proof": str(AttemptOutcome.EXPIRED),
            "last_valid_block_height": str(attempt.last_valid_block_height),
            "finalized_height": str(proof.finalized_height),
            "finalized_slot": str(proof.finalized_slot),
            "witnesses": proof.witnesses,
        }
        if claim.order.cancel_requested_ms is not None:
            await claim.step(EventKind.CANCELLED, to=OrderState.CANCELLED, facts=facts, attempt=dead)
        elif (error := self._last_word(claim.order, await claim.attempts(), attempt, proof, facts)) is None:
            await claim.step(EventKind.ATTEMPT_DEAD, to=OrderState.ROUTING, facts=facts, attempt=dead)
        else:
            await claim.step(
                EventKind.FAILED,
                to=OrderState.FAILED,
                facts=facts | {"code": error.code},
                attempt=dead,
                failure=failure_of(error),
            )

    def _last_word(
        self, order: Order, attempts: Sequence[Attempt], attempt: Attempt, proof: ExpiryProof, facts: dict[str, Any]
    ) -> AttemptExpired | None:
        """Why no replacement is signed though every attempt is dead; None when one may be. What was never signed was no try."""
        signed = sum(one.wire is not None for one in attempts)
        at = f"at finalized block height {proof.finalized_height}"
        if order.regressed:
            return AttemptExpired(
                f"order {order.id} landed, but a fork dropped it and it never landed again: attempt {attempt.number} is proven "
                f"expired {at}, nothing was spent. Look at the market again before you place a new order",
                order=order.id,
                **facts,
            )
        if deadline_passed(order, self._clock):
            return past_deadline(order, f"all {signed} attempts are proven expired, the last {at}", **facts)
        if signed >= self._policy.max_attempts:
            return AttemptExpired(
                f"order {order.id} never landed: all {signed} attempts are proven expired (the last {at}), "
                "nothing was spent. Try a new order, or a higher --priority-fee",
                order=order.id,
                **facts,
            )
        return None


def _landed_with_error(claim: Claim, attempt: Attempt, landed: LandedTransaction) -> LandedWithError:
    assert landed.error is not None
    custom = landed.error.custom_code
    what = f"custom program error {custom}" if custom is not None else str(landed.error.raw)
    where = f" in instruction {landed.error.instruction_index}" if landed.error.instruction_index is not None else ""
    cause = failure_cause(landed.error, landed.logs)
    return LandedWithError(
        f"order {claim.order.id} was refused on chain: transaction {attempt.signature} landed at slot {landed.slot} with "
        f"{what}{where}. Its fee of {landed.fee_lamports} lamports was paid, no tokens moved. {cause}",
        order=claim.order.id,
        signature=attempt.signature,
        slot=landed.slot,
        error=landed.error.raw,
        program_error=custom,
        cause=str(cause),
        error_class=cause.class_,
        instruction_index=landed.error.instruction_index,
        fee_lamports=str(landed.fee_lamports),
        logs=list(landed.logs[-8:]),
    )
