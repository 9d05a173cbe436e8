"""From committed bytes to the truth about them: send the same bytes again and again, and look, until one of two proofs is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from dexroute.engine.execution.confirmation import landed_transaction
from dexroute.engine.execution.death import ExpiryProof, prove_expired
from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.errors import NetworkError, RateLimited
from dexroute.ports import Clock, TransactionSender
from dexroute.types.chain import LandedTransaction
from dexroute.types.orders import Attempt

Verdict = LandedTransaction | ExpiryProof
StillOurs = Callable[[], Awaitable[bool]]
"""Asks the journal whether this claim still holds; a claim that was lost must not go on sending."""


class Landing:
    """Lands attempts on the nodes given: every one is sent to, every one is a witness."""

    def __init__(self, senders: Sequence[TransactionSender], clock: Clock, policy: ExecutionPolicy) -> None:
        self._senders = senders
        self._clock = clock
        self._policy = policy
        self._remarks: dict[str, list[str]] = {}

    def remark(self, signature: str) -> str | None:
        """What stood in the way of the truth when it was last looked for: for people to read, never to decide by."""
        return next(iter(self._remarks.get(signature, ())), None)

    async def follow(self, attempt: Attempt, *, until_ms: int, sending: bool, still_ours: StillOurs) -> Verdict | None:
        """What became of `attempt`, or None when `until_ms` (monotonic) passed or the claim was lost first.

        With `sending` false (a cancel was asked for) the bytes are left alone and only watched.
        """
        assert attempt.wire is not None and attempt.signature is not None, "bytes that are not committed are never sent"
        next_round_ms = self._clock.monotonic_ms()
        unsent: list[str] = []
        while True:
            new_round = self._clock.monotonic_ms() >= next_round_ms
            if new_round:
                next_round_ms = self._clock.monotonic_ms() + self._policy.resend_ms
                if not await still_ours():
                    return None
                if sending:
                    unsent = await self._send(attempt.wire)
            remarks: list[str] = []
            landed = await landed_transaction(self._senders, attempt.signature, search_history=new_round, remarks=remarks)
            self._remarks[attempt.signature] = remarks + unsent
            if landed is not None:
                return landed
            if new_round:
                proof = await prove_expired(attempt, self._senders)
                if proof is not None:
                    return proof
            if self._clock.monotonic_ms() >= until_ms:
                return None
            await self._clock.sleep_ms(self._policy.poll_ms)

    async def _send(self, wire: bytes) -> list[str]:
        """To every node. Whatever a node answers (429, BlockhashNotFound, AlreadyProcessed, nothing), it proves nothing.

        Nodes that limited the rate get a second try in the same round: a limit in step with our rounds would refuse every send.
        Returns why no node took them; nothing when one did.
        """
        refusals = [await self._send_to(sender, wire) for sender in self._senders]
        for index, refusal in enumerate(refusals):
            if isinstance(refusal, RateLimited):
                wait_ms = refusal.context.get("retry_after_ms") or self._policy.poll_ms
                if wait_ms <= self._policy.resend_ms:
                    await self._clock.sleep_ms(wait_ms)
                    refusals[index] = await self._send_to(self._senders[index], wire)
        said = [refusal.message for refusal in refusals if refusal is not None]
        return said if len(said) == len(refusals) else []

    async def _send_to(self, sender: TransactionSender, wire: bytes) -> NetworkError | None:
        try:
            with boundary(Boundary.SEND):
                await sender.send(wire)
        except NetworkError as refusal:
            return refusal
        return None
