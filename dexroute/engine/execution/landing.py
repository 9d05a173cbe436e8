"""From committed bytes to the truth about them: send the same bytes again and again, and look, until one of two proofs is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import Final

from dexroute.engine.execution.confirmation import Look, look_at
from dexroute.engine.execution.death import WITNESSES, ExpiryProof, Unproven, prove_expired
from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.inflight import InFlight
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.errors import NetworkError, RateLimited
from dexroute.ports import Clock, LandingHints, TransactionRoute, TransactionSender
from dexroute.types.chain import LandedTransaction
from dexroute.types.orders import Attempt

_LAST_SENDS_MS: Final = 50  # sends on their way when the truth is known may end in peace, but nobody waits for a slow route

Verdict = LandedTransaction | ExpiryProof
StillOurs = Callable[[], Awaitable[bool]]
"""Asks the journal whether this claim still holds; a claim that was lost must not go on sending."""


class Landing:
    """Lands attempts. `nodes` are all sent to and all asked; `routes` are sent to as well and asked nothing. `hints` may say when
    to ask before the next poll is due; what is true the nodes alone tell."""

    def __init__(
        self,
        nodes: Sequence[TransactionSender],
        clock: Clock,
        policy: ExecutionPolicy,
        routes: Sequence[TransactionRoute] = (),
        hints: LandingHints | None = None,
    ) -> None:
        self._nodes = tuple(nodes)
        self._routes: tuple[TransactionRoute, ...] = (*nodes, *routes)
        self._clock = clock
        self._policy = policy
        self._hints = hints
        self._remarks: dict[str, list[str]] = {}

    def remark(self, signature: str) -> str | None:
        """What stood in the way of the truth when it was last looked for: for people to read, never to decide by."""
        return next(iter(self._remarks.get(signature, ())), None)

    async def follow(self, attempt: Attempt, *, until_ms: int, sending: bool, still_ours: StillOurs) -> Verdict | None:
        """What became of `attempt`, or None when `until_ms` (monotonic) passed or the claim was lost first.

        A lone witness must prove a death in two rounds on end; what it shows in between undoes the first. The caller's own commit
        has just shown that the claim holds: the journal is asked from the second round on. With `sending` false (a cancel was asked
        for) the bytes are left alone and only watched. Every node is sent to and asked on its own: one that is slow or silent
        delays neither the sends to the others nor what they have to tell.
        """
        assert attempt.wire is not None and attempt.signature is not None, "bytes that are not committed are never sent"
        watched = nullcontext(asyncio.Event()) if self._hints is None else self._hints.watch(attempt.signature)
        with watched as told:
            return await self._follow(attempt, attempt.wire, attempt.signature, told, until_ms, sending, still_ours)

    async def _follow(
        self,
        attempt: Attempt,
        wire: bytes,
        signature: str,
        told: asyncio.Event,
        until_ms: int,
        sending: bool,
        still_ours: StillOurs,
    ) -> Verdict | None:
        sends: InFlight[NetworkError | None] = InFlight()
        looks: InFlight[Look] = InFlight()
        proofs: InFlight[ExpiryProof | Unproven] = InFlight()
        refusals: dict[object, NetworkError | None] = {}
        seen: dict[object, str | None] = {}
        unproven = Unproven()
        once_proven = False
        next_round_ms = self._clock.monotonic_ms()
        is_first = True
        try:
            while True:
                new_round = self._clock.monotonic_ms() >= next_round_ms
                if new_round:
                    next_round_ms = self._clock.monotonic_ms() + self._policy.resend_ms
                    if not is_first and not await still_ours():
                        return None
                    is_first = False
                    if sending:
                        for index, route in enumerate(self._routes):
                            sends.ask(index, lambda route=route: self._send(route, wire))  # type: ignore[misc]
                refusals |= await sends.answers(0)
                for index, node in enumerate(self._nodes):
                    looks.ask(index, lambda node=node: look_at(node, signature, search_history=new_round))  # type: ignore[misc]  # noqa: B023
                found = await looks.answers(self._policy.poll_ms, enough=lambda look: look.landed is not None)
                landed = next((look.landed for look in found.values() if look.landed is not None), None)
                if landed is not None:
                    return landed
                if new_round and not self._is_fresh(attempt):
                    proofs.ask(0, lambda: prove_expired(attempt, self._nodes))
                for verdict in (await proofs.answers(self._policy.poll_ms)).values():
                    if isinstance(verdict, Unproven):
                        unproven, once_proven = verdict, False
                    elif once_proven or verdict.witnesses >= WITNESSES:
                        return verdict
                    else:  # one address may be many nodes, and the one whose null it was did not find what others hold
                        once_proven = True
                refusals |= await sends.answers(0)
                seen |= {index: look.remark for index, look in found.items()}
                said = [remark for remark in seen.values() if remark]
                self._remarks[signature] = [*said, *unproven.remarks, *_unsent(refusals, len(self._routes))]
                if self._clock.monotonic_ms() >= until_ms:
                    return None
                await self._pause(told, min(self._policy.poll_ms, max(next_round_ms - self._clock.monotonic_ms(), 0)))
        finally:
            await sends.aclose(_LAST_SENDS_MS)
            await looks.aclose()
            await proofs.aclose()

    async def _pause(self, told: asyncio.Event, duration_ms: int) -> None:
        """Until the next poll is due, or a hint comes; it is used up by that."""
        if self._hints is None:
            await self._clock.sleep_ms(duration_ms)
            return
        waiting = [asyncio.ensure_future(self._clock.sleep_ms(duration_ms)), asyncio.ensure_future(told.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            told.clear()

    def _is_fresh(self, attempt: Attempt) -> bool:
        """Signed within a round: its expiry is not asked for yet. When to ask is all that the clock decides here."""
        return 0 <= self._clock.now_ms() - (attempt.signed_ms or 0) < self._policy.resend_ms

    async def _send(self, route: TransactionRoute, wire: bytes) -> NetworkError | None:
        """Whatever a node answers (429, BlockhashNotFound, AlreadyProcessed, nothing), it proves nothing.

        One that limited the rate gets a second try in the same round: a limit in step with our rounds would refuse every send.
        """
        refusal = await _send_once(route, wire)
        if isinstance(refusal, RateLimited):
            wait_ms = refusal.context.get("retry_after_ms") or self._policy.poll_ms
            if wait_ms <= self._policy.resend_ms:
                await self._clock.sleep_ms(wait_ms)
                refusal = await _send_once(route, wire)
        return refusal


async def _send_once(route: TransactionRoute, wire: bytes) -> NetworkError | None:
    try:
        with boundary(Boundary.SEND):
            await route.send(wire)
    except NetworkError as refusal:
        return refusal
    return None


def _unsent(refusals: dict[object, NetworkError | None], routes: int) -> list[str]:
    """Why no route took the bytes; nothing while one did or has not answered yet."""
    said = [refusal.message for refusal in refusals.values() if refusal is not None]
    return said if len(said) == routes else []
