"""The one proof that sent bytes can never land: expiry, seen by every witness on a finalized chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.signature import Signature

from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.errors import NetworkError
from dexroute.ports import TransactionSender
from dexroute.types.chain import Commitment
from dexroute.types.orders import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryProof:
    """Every witness finalized a block height past the attempt's last, and at a slot no older than that knew nothing of it."""

    finalized_height: int
    finalized_slot: int
    witnesses: int


async def prove_expired(attempt: Attempt, witnesses: Sequence[TransactionSender]) -> ExpiryProof | None:
    """A proof, or None while there is none. Asked in this order: heights first, then the signature, so that no block that could
    hold it is missed between the two.

    - Each witness's FINALIZED block height is past the attempt's last valid block height: no block that is still to come can
      hold it.
    - Each witness, searching its history, answers null from a context slot at or after the highest of those finalized slots: no
      block that exists holds it.

    A witness that does not answer, lags, or knows the signature in any way leaves it unproven. No clock takes part.
    """
    if attempt.signature is None or not witnesses:
        return None
    signature = Signature.from_string(attempt.signature)
    try:
        with boundary(Boundary.EXPIRY):
            finalized = [await witness.block_height(Commitment.FINALIZED) for witness in witnesses]
            lowest_height = min(height for height, _ in finalized)
            highest_slot = max(slot for _, slot in finalized)
            if lowest_height <= attempt.last_valid_block_height:
                return None
            for witness in witnesses:
                context_slot, (status,) = await witness.signature_statuses([signature], search_history=True)
                if status is not None or context_slot < highest_slot:
                    return None
    except NetworkError:
        return None
    return ExpiryProof(finalized_height=lowest_height, finalized_slot=highest_slot, witnesses=len(witnesses))
