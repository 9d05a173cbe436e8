"""After landing: what is `confirmed` can still be dropped with its fork. It is watched until it is final, and taken back if not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from solders.signature import Signature

from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.death import WITNESSES
from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.receipt import fill_json
from dexroute.errors import NetworkError
from dexroute.ports import OrderStore, TransactionSender
from dexroute.types.chain import Commitment, SignatureStatus
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, LandedAttempt, OrderState

_LANDED: Final = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
AT_ONCE: Final = 256
"""Signatures a node takes in one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far one node is."""

    finalized_height: int
    finalized_slot: int
    confirmed_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one node knows: how far it was before it was asked, then statuses, from `context_slot` on."""

    head: Head
    context_slot: int
    history_from: int
    statuses: dict[str, SignatureStatus | None]


async def read_heads(nodes: Sequence[TransactionSender]) -> tuple[Head | None, ...]:
    """How far each node is; None for one that did not answer."""
    return tuple(await asyncio.gather(*(_head(node) for node in nodes)))


async def read_views(
    nodes: Sequence[TransactionSender], heads: Sequence[Head | None], attempts: Sequence[LandedAttempt]
) -> tuple[View | None, ...]:
    """Each node's view of these attempts, at most AT_ONCE of them; None for one that did not answer, now or to `read_heads`."""
    signatures = [Signature.from_string(attempt.signature) for attempt in attempts]
    return tuple(await asyncio.gather(*(_view(node, head, signatures) for node, head in zip(nodes, heads, strict=True))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`final`: what was recorded can no longer change. Otherwise it `vanished`, and `reason` says what the nodes show instead;
    `by_silence` when that is nothing and the bytes have expired, so that one that missed their time would say the same."""

    final: bool
    reason: str = ""
    by_silence: bool = False


def judge(attempt: LandedAttempt, views: Sequence[View | None]) -> Verdict | None:
    """What the nodes make of an attempt that was seen landed; None while they leave it open.

    Final is what nodes show finalized as it was recorded, and none otherwise. Vanished is what they finalized in another slot or
    with another outcome; and what no node that answers shows at `confirmed` any more, though it is past that slot at `confirmed`.
    Either takes two nodes where two are configured, or one node's mistake would be the end of the matter; one that keeps no blocks
    so old is not waited for to confirm what is recorded, only to contradict it. Once the bytes can land no more, silence also
    comes from nodes that forgot: then all must remember.
    """
    known = [view for view in views if view is not None]
    shown = [status for view in known if (status := view.statuses.get(attempt.signature)) is not None]
    final = [status for status in shown if status.commitment is Commitment.FINALIZED]
    if final:
        forgot = sum(_forgot(attempt, view) for view in known)
        recorded = [_as_recorded(attempt, status) for status in final]
        if len(final) < min(WITNESSES, len(views) - forgot) or any(recorded) != all(recorded):
            return None
        if all(recorded):
            return Verdict(final=True)
        # one that contradicts the journal is not believed because another has forgotten
        return Verdict(final=False, reason=_shown(final[0])) if len(final) >= min(WITNESSES, len(views)) else None
    counted = [status for status in shown if status.commitment is Commitment.CONFIRMED]
    if any(_as_recorded(attempt, status) for status in counted) or len(known) < min(WITNESSES, len(views)):
        return None
    slot = attempt.slot
    if counted:
        return Verdict(final=False, reason=_shown(counted[0]))
    if any(view.head.confirmed_slot < slot or view.context_slot < slot for view in known):
        return None
    expired = [view.head.finalized_height > attempt.last_valid_block_height for view in known]
    if all(expired) and any(view.history_from > slot for view in known):
        return None
    reason = f"no node shows it at confirmed slot {min(view.head.confirmed_slot for view in known)}"
    return Verdict(final=False, reason=reason, by_silence=any(expired))


async def missed_none(nodes: Sequence[TransactionSender], attempt: LandedAttempt) -> bool:
    """Whether these nodes have every block since the one in which an expired attempt was seen: a node that was down meanwhile
    knows nothing of what happened then. One that does not tell is believed."""

    async def has_all(node: TransactionSender) -> bool:
        try:
            with boundary(Boundary.FINALITY):
                return await node.has_blocks(attempt.slot, attempt.last_valid_block_height) is not False
        except NetworkError:
            return False

    return all(await asyncio.gather(*map(has_all, nodes)))


async def take_back(claim: Claim, attempt: Attempt, reason: str, store: OrderStore) -> None:
    """What vanished goes back to SUBMITTED with the same bytes; its fill is withdrawn and kept in the event."""
    facts: dict[str, Any] = {"attempt": attempt.number, "signature": attempt.signature, "slot": str(attempt.slot)}
    fills = await store.fills(claim.order.id)
    withdrawn = next((fill for fill in fills if fill.attempt_id == attempt.id), None)
    await claim.step(
        EventKind.REGRESSED,
        to=OrderState.SUBMITTED,
        facts=facts | {"reason": reason, "withdrawn": None if withdrawn is None else fill_json(withdrawn)},
        attempt=replace(attempt, outcome=None, slot=None, error=None, dead_at=None),
        withdrawn=withdrawn,
        executed=None,
        costs=None,
        regressed=True,
    )


def landed_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that ended its order."""
    return next((attempt for attempt in attempts if attempt.outcome in _LANDED), None)


async def _head(node: TransactionSender) -> Head | None:
    try:
        with boundary(Boundary.FINALITY):
            finalized_height, finalized_slot = await node.block_height(Commitment.FINALIZED)
            _, confirmed_slot = await node.block_height(Commitment.CONFIRMED)
    except NetworkError:
        return None
    return Head(finalized_height=finalized_height, finalized_slot=finalized_slot, confirmed_slot=confirmed_slot)


async def _view(node: TransactionSender, head: Head | None, signatures: Sequence[Signature]) -> View | None:
    if head is None:
        return None
    try:
        with boundary(Boundary.FINALITY):
            context_slot, found = await node.signature_statuses(signatures, search_history=True)
            history_from = await node.first_available_slot() if None in found else 0
    except NetworkError:
        return None
    statuses = dict(zip(map(str, signatures), found, strict=True))
    return View(head=head, context_slot=context_slot, history_from=history_from, statuses=statuses)


def _forgot(attempt: LandedAttempt, view: View) -> bool:
    """Whether a node's silence about an attempt only says that it keeps no blocks so old."""
    return view.statuses.get(attempt.signature) is None and view.history_from > attempt.slot


def _as_recorded(attempt: LandedAttempt, status: SignatureStatus) -> bool:
    return status.slot == attempt.slot and (status.error is not None) == (attempt.outcome is AttemptOutcome.LANDED_WITH_ERROR)


def _shown(status: SignatureStatus) -> str:
    return f"{status.commitment} at slot {status.slot}, {'with' if status.error else 'without'} an error"
