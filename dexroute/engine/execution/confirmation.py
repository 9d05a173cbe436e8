"""Asking what became of a signature. Only `confirmed` and above count; silence and failed calls say nothing."""

from __future__ import annotations

from dataclasses import dataclass

from solders.signature import Signature

from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.errors import NetworkError
from dexroute.ports import TransactionSender
from dexroute.types.chain import Commitment, LandedTransaction

_COUNTS = (Commitment.CONFIRMED, Commitment.FINALIZED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One node's answer about one signature: the transaction as it landed, or None and perhaps what stood in the way, for people
    to read."""

    landed: LandedTransaction | None = None
    remark: str | None = None


async def look_at(node: TransactionSender, signature: str, *, search_history: bool) -> Look:
    """What `node` shows of the transaction at `confirmed`.

    Its status and its transaction must tell the same outcome, or the answer counts as none. Never raises NetworkError: a node that
    does not answer has told nothing.
    """
    parsed = Signature.from_string(signature)
    seen = ""
    try:
        with boundary(Boundary.STATUS):
            _, (status,) = await node.signature_statuses([parsed], search_history=search_history)
        if status is None or status.commitment not in _COUNTS:
            return Look()
        seen = f"a node shows it {status.commitment} at slot {status.slot}, but not what it did"
        with boundary(Boundary.TRANSACTION):
            landed = await node.transaction(parsed)
    except NetworkError as error:
        return Look(remark=f"{seen} ({error.message})" if seen else error.message)
    if landed is not None and (landed.error is None) == (status.error is None):
        return Look(landed=landed)
    return Look(remark=seen)
