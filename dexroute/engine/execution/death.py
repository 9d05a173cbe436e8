"""The one proof that sent bytes can never land: expiry, seen by every witness on a finalized chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.hash import Hash
from solders.signature import Signature

from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.inflight import ask_all
from dexroute.errors import NetworkError
from dexroute.ports import TransactionSender
from dexroute.types.chain import Commitment
from dexroute.types.orders import Attempt

WITNESSES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryProof:
    """`witnesses` nodes finalized a block height past the attempt's last, and at a slot no older than that knew nothing of it."""

    finalized_height: int
    finalized_slot: int
    witnesses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """No proof. `remarks` say which nodes cannot be witnesses and why, for people to read."""

    remarks: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Witness:
    node: TransactionSender
    height: int = 0
    slot: int = 0
    context_slot: int = -1  # of its null status; -1 while it gave none
    sound: bool = False
    defective: bool = False  # it can be no witness, now or later
    knows: bool = False
    whole: bool = False  # no block is missing of the time in question
    remark: str | None = None


async def prove_expired(attempt: Attempt, nodes: Sequence[TransactionSender]) -> ExpiryProof | Unproven:
    """A proof, or why there is none. Asked in this order: heights first, then the signature, so that no block that could hold it is
    missed between the two.

    - A sound witness's FINALIZED block height is past the attempt's last valid block height, and it does not call the blockhash
      valid on that finalized chain: no block that is still to come can hold the bytes.
    - Searching its history it answers null from a context slot at or after the highest of those finalized slots: no block that
      exists holds them.
    - It has every block since the attempt's blockhash was read, or its silence may only say that it forgot, or was away.

    Two sound witnesses are needed where two nodes are configured that can be one; a node that answers slots as block heights
    cannot, and is left out. One that does not answer, lags, or has forgotten or missed the time in question is no witness, and
    makes the other one's word no better: left alone, a node that denies what it should know would be believed. One that knows the
    signature in any way leaves the death unproven. No clock takes part.
    """
    if attempt.signature is None or not nodes:
        return Unproven()
    signature, blockhash = Signature.from_string(attempt.signature), Hash.from_string(attempt.blockhash)
    witnesses = [_Witness(node=node) for node in nodes]
    with boundary(Boundary.EXPIRY):
        await ask_all([_ask_height(witness, blockhash, attempt.last_valid_block_height) for witness in witnesses])
        needed = min(WITNESSES, sum(not witness.defective for witness in witnesses))
        sound = [witness for witness in witnesses if witness.sound]
        if sound and len(sound) >= needed:
            await ask_all([_ask_status(witness, signature, attempt.blockhash_slot or 0) for witness in witnesses])
        # One that finalized more than another told of: the other may not have seen the block that holds the bytes.
        newest = max((witness.slot for witness in sound), default=0)
        agreed = [witness for witness in sound if witness.context_slot >= newest]
        if len(agreed) >= needed and not any(witness.knows for witness in witnesses):
            await ask_all([_ask_blocks(witness, attempt) for witness in agreed])
            agreed = [witness for witness in agreed if witness.whole]
    if not agreed or len(agreed) < needed or any(witness.knows for witness in witnesses):
        return Unproven(remarks=tuple(witness.remark for witness in witnesses if witness.remark is not None))
    return ExpiryProof(
        finalized_height=min(witness.height for witness in agreed),
        finalized_slot=max(witness.slot for witness in agreed),
        witnesses=len(agreed),
    )


async def _ask_height(witness: _Witness, blockhash: Hash, last_valid_block_height: int) -> None:
    try:
        witness.height, witness.slot = await witness.node.block_height(Commitment.FINALIZED)
        witness.sound = witness.height > last_valid_block_height and await witness.node.is_blockhash_valid(blockhash) is not True
    except NetworkError as error:
        witness.remark = error.message
        witness.defective = bool(error.context.get("implausible"))


async def _ask_status(witness: _Witness, signature: Signature, since_slot: int) -> None:
    try:
        context_slot, (status,) = await witness.node.signature_statuses([signature], search_history=True)
        # asked after it, as what a node has forgotten it does not learn again
        history_from = await witness.node.first_available_slot() if status is None else 0
    except NetworkError as error:
        witness.remark = error.message
        return
    witness.knows = status is not None
    if history_from > since_slot + 1:
        witness.remark = (
            f"a node has no blocks before slot {history_from}, and it may have landed from slot {since_slot + 1} on: "
            "name a node with a longer history (-u)"
        )
    elif status is None:
        witness.context_slot = context_slot


async def _ask_blocks(witness: _Witness, attempt: Attempt) -> None:
    """Asked last and rarely, as it takes a node some calls. One that does not list its blocks is believed, and so is any about an
    attempt whose time in question has no known beginning."""
    since_slot, until_height = attempt.blockhash_slot, attempt.last_valid_block_height
    try:
        whole = since_slot is None or await witness.node.has_blocks(since_slot + 1, until_height)
    except NetworkError as error:
        witness.remark = error.message
        return
    witness.whole = whole is not False
    if not witness.whole:
        witness.remark = (
            f"a node lacks blocks between slot {since_slot} and block height {until_height}, and it may have landed in one of "
            "them: name a node that was not down then (-u)"
        )
