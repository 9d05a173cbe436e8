"""Asking what became of a signature. Only `confirmed` and above count; silence and failed calls say nothing."""

from __future__ import annotations

from collections.abc import Sequence

from solders.signature import Signature

from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.errors import NetworkError
from dexroute.ports import TransactionSender
from dexroute.types.chain import Commitment, LandedTransaction

_COUNTS = (Commitment.CONFIRMED, Commitment.FINALIZED)


async def landed_transaction(
    senders: Sequence[TransactionSender], signature: str, *, search_history: bool, remarks: list[str] | None = None
) -> LandedTransaction | None:
    """The transaction as it landed, from the first node that has it at `confirmed`; None while no node shows it.

    A node's status and its transaction must tell the same outcome, or the answer counts as none. Never raises NetworkError: a
    node that does not answer has told nothing. `remarks` gathers what stood in the way, for people to read.
    """
    parsed = Signature.from_string(signature)
    remarks = [] if remarks is None else remarks
    for sender in senders:
        seen = ""
        try:
            with boundary(Boundary.STATUS):
                _, (status,) = await sender.signature_statuses([parsed], search_history=search_history)
            if status is None or status.commitment not in _COUNTS:
                continue
            seen = f"a node shows it {status.commitment} at slot {status.slot}, but not what it did"
            with boundary(Boundary.TRANSACTION):
                landed = await sender.transaction(parsed)
        except NetworkError as error:
            remarks.append(f"{seen} ({error.message})" if seen else error.message)
            continue
        if landed is not None and (landed.error is None) == (status.error is None):
            return landed
        remarks.append(seen)
    return None
