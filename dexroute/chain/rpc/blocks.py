"""Whether a node's ledger has a gap: it was down for a while, came back from a snapshot, and knows what was before and what is now.

Heights of blocks are consecutive, slots are not. So a list of blocks is whole where the last one's height is as far above the
first one's as it stands behind it. Source: agave, rpc/src/rpc.rs (getBlocksWithLimit lists the rooted slots a ledger has).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from dexroute.chain.rpc.failures import is_unsupported
from dexroute.chain.rpc.fields import Field
from dexroute.errors import AccessRefused, RpcError

_SKIPPED: Final = 512  # slots in a row without a block that are believed, before the time in question
_MOST_BLOCKS: Final = 1_000  # those, and the 150 a blockhash lives
_FINALIZED: Final = {"commitment": "finalized"}


async def has_blocks(read: Callable[[str, list[Any]], Awaitable[Field]], since_slot: int, until_height: int) -> bool | None:
    """Whether no finalized block is missing from `since_slot` up to block height `until_height` and the block after it; None where
    the node does not offer to list blocks, or does not know their heights. Raises NetworkError."""
    try:
        listed = await read("getBlocksWithLimit", [max(since_slot - _SKIPPED, 0), _MOST_BLOCKS, _FINALIZED])
        slots = [slot.uint() for slot in listed.items()]
        if not slots or slots[0] > since_slot:
            return False
        first = await _height(read, slots[0])
        if first is None:
            return None
        place = until_height + 1 - first
        if not 0 < place < len(slots):
            return False
        last = await _height(read, slots[place])
    except RpcError as error:
        if is_unsupported(error) or isinstance(error, AccessRefused):
            return None
        raise
    return None if last is None else last == until_height + 1


async def _height(read: Callable[[str, list[Any]], Awaitable[Field]], slot: int) -> int | None:
    shown = {**_FINALIZED, "transactionDetails": "none", "rewards": False, "maxSupportedTransactionVersion": 0}
    height = (await read("getBlock", [slot, shown])).get("blockHeight")
    return None if height is None else height.uint()
