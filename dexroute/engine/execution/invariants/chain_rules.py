"""A landed attempt beside what a node shows of it now."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dexroute.engine.execution.fills import read_fill
from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.errors import RpcError
from dexroute.types.chain import Commitment, LandedTransaction, SignatureStatus
from dexroute.types.orders import Attempt, AttemptOutcome, Fill, OrderHistory

_LANDED: Final = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
_COUNTS: Final = (Commitment.CONFIRMED, Commitment.FINALIZED)


def check_on_chain(
    history: OrderHistory, attempt: Attempt, status: SignatureStatus | None, landed: LandedTransaction | None
) -> Violation | None:
    """The first thing in which the node's `status` and `landed` transaction contradict the journal. A node that shows nothing
    (None) contradicts only what it must know: that is for the caller to say, who knows how far back its history reaches."""
    detail = _contradiction(history, attempt, status, landed)
    if detail is None:
        return None
    return Violation(rule=Rule.CHAIN, order_id=history.order.id, attempt=attempt.number, detail=detail)


def _contradiction(
    history: OrderHistory, attempt: Attempt, status: SignatureStatus | None, landed: LandedTransaction | None
) -> str | None:
    name = f"transaction {attempt.signature}"
    if attempt.outcome not in _LANDED:
        if attempt.outcome is AttemptOutcome.EXPIRED and status is not None and status.commitment in _COUNTS:
            return f"{name} landed at slot {status.slot}, though it was proven expired"
        return None
    failed = attempt.outcome is AttemptOutcome.LANDED_WITH_ERROR
    if status is not None and status.commitment in _COUNTS and status.slot != attempt.slot:
        return f"{name} landed at slot {status.slot}, recorded is slot {attempt.slot}"
    if status is not None and (status.error is not None) != failed:
        return f"{name} landed {'with' if status.error else 'without'} an error, recorded is the opposite"
    if landed is None:
        return None
    recorded = next((fill for fill in history.fills if fill.attempt_id == attempt.id), None)
    try:
        shown = read_fill(history.order, attempt, landed)
    except RpcError as error:
        return error.message
    return None if recorded is None else _difference(recorded, shown)


def _difference(recorded: Fill, shown: Fill) -> str | None:
    known = replace(shown, block_time=recorded.block_time, units_consumed=recorded.units_consumed)
    if known == recorded:
        return None
    different = [
        f"{name} {getattr(recorded, name)} (the node: {getattr(shown, name)})"
        for name in ("slot", "amounts", "costs", "wallet_lamports_change", "wrapped_lamports_change")
        if getattr(recorded, name) != getattr(shown, name)
    ]
    return f"the node's balances of {recorded.signature} give another fill: {'; '.join(different)}"
