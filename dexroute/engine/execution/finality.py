"""After landing: what is `confirmed` can still be dropped with its fork. It is watched until it is final, and taken back if not."""

from __future__ import annotations

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
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, OrderState

_LANDED: Final = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
_AT_ONCE: Final = 256  # signatures a node takes in one question


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one node knows: how far it is at `confirmed` and `finalized` (asked first), then statuses, from `context_slot` on."""

    confirmed_slot: int
    finalized_height: int
    context_slot: int
    history_from: int
    statuses: dict[str, SignatureStatus | None]


async def read_views(nodes: Sequence[TransactionSender], attempts: Sequence[Attempt]) -> tuple[View | None, ...]:
    """Each node's view of these attempts; None for one that did not answer."""
    return tuple([await _view(node, [attempt.signature for attempt in attempts if attempt.signature]) for node in nodes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`final`: what was recorded can no longer change. Otherwise it `vanished`, and `reason` says what the nodes show instead."""

    final: bool
    reason: str = ""


def judge(attempt: Attempt, views: Sequence[View | None]) -> Verdict | None:
    """What the nodes make of an attempt that was seen landed; None while they leave it open.

    Final is what nodes show finalized as it was recorded, and none otherwise. Vanished is what they finalized in another slot or
    with another outcome; and what no node that answers shows at `confirmed` any more, though it is past that slot at `confirmed`.
    Either takes two nodes where two are configured, or one node's mistake would be the end of the matter; one that keeps no blocks
    so old is not waited for. Once the bytes can land no more, silence also comes from nodes that forgot: then all must remember.
    """
    known = [view for view in views if view is not None]
    shown = [status for view in known if (status := view.statuses.get(attempt.signature or "")) is not None]
    final = [status for status in shown if status.commitment is Commitment.FINALIZED]
    if final:
        forgot = sum(_forgot(attempt, view) for view in known)
        recorded = [_as_recorded(attempt, status) for status in final]
        if len(final) < min(WITNESSES, len(views) - forgot) or any(recorded) != all(recorded):
            return None
        return Verdict(final=True) if all(recorded) else Verdict(final=False, reason=_shown(final[0]))
    counted = [status for status in shown if status.commitment is Commitment.CONFIRMED]
    if any(_as_recorded(attempt, status) for status in counted) or len(known) < min(WITNESSES, len(views)) or attempt.slot is None:
        return None
    slot = attempt.slot
    if counted:
        return Verdict(final=False, reason=_shown(counted[0]))
    if any(view.confirmed_slot < slot or view.context_slot < slot for view in known):
        return None
    over = all(view.finalized_height > attempt.last_valid_block_height for view in known)
    if over and any(view.history_from > slot for view in known):
        return None
    return Verdict(final=False, reason=f"no node shows it at confirmed slot {min(view.confirmed_slot for view in known)}")


async def settle(claim: Claim, attempt: Attempt, verdict: Verdict, store: OrderStore) -> None:
    """Commit the verdict. What vanished goes back to SUBMITTED with the same bytes; its fill is withdrawn and kept in the event."""
    facts: dict[str, Any] = {"attempt": attempt.number, "signature": attempt.signature, "slot": str(attempt.slot)}
    if verdict.final:
        await claim.step(EventKind.FINALIZED, facts=facts, settled=True)
        return
    fills = await store.fills(claim.order.id)
    withdrawn = next((fill for fill in fills if fill.attempt_id == attempt.id), None)
    await claim.step(
        EventKind.REGRESSED,
        to=OrderState.SUBMITTED,
        facts=facts | {"reason": verdict.reason, "withdrawn": None if withdrawn is None else fill_json(withdrawn)},
        attempt=replace(attempt, outcome=None, slot=None, error=None, dead_at=None),
        withdrawn=withdrawn,
        executed=None,
        costs=None,
        regressed=True,
    )


def landed_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt that ended its order."""
    return next((attempt for attempt in attempts if attempt.outcome in _LANDED), None)


async def _view(node: TransactionSender, signatures: Sequence[str]) -> View | None:
    try:
        with boundary(Boundary.FINALITY):
            finalized_height, _ = await node.block_height(Commitment.FINALIZED)
            _, confirmed_slot = await node.block_height(Commitment.CONFIRMED)
            statuses: dict[str, SignatureStatus | None] = {}
            context_slot = None
            for some in [signatures[first : first + _AT_ONCE] for first in range(0, len(signatures), _AT_ONCE)]:
                slot, found = await node.signature_statuses([Signature.from_string(one) for one in some], search_history=True)
                statuses |= dict(zip(some, found, strict=True))
                context_slot = slot if context_slot is None else min(context_slot, slot)
            history_from = await node.first_available_slot() if None in statuses.values() else 0
    except NetworkError:
        return None
    return View(
        confirmed_slot=confirmed_slot,
        finalized_height=finalized_height,
        context_slot=context_slot or 0,
        history_from=history_from,
        statuses=statuses,
    )


def _forgot(attempt: Attempt, view: View) -> bool:
    """Whether a node's silence about an attempt only says that it keeps no blocks so old."""
    return view.statuses.get(attempt.signature or "") is None and view.history_from > (attempt.slot or 0)


def _as_recorded(attempt: Attempt, status: SignatureStatus) -> bool:
    return status.slot == attempt.slot and (status.error is not None) == (attempt.outcome is AttemptOutcome.LANDED_WITH_ERROR)


def _shown(status: SignatureStatus) -> str:
    return f"{status.commitment} at slot {status.slot}, {'with' if status.error else 'without'} an error"
