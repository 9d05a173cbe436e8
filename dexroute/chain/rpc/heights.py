"""Whether a block height can be one. Every block has a slot, and slots without a block make the height fall behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from dexroute.chain.rpc.failures import is_unsupported
from dexroute.chain.rpc.fields import Field
from dexroute.errors import RpcError
from dexroute.types.chain import Commitment


async def height_and_slot(read: Callable[[str, list[Any]], Awaitable[Field]], commitment: Commitment) -> tuple[int, int]:
    """(block height, a slot the node had reached at this commitment), from one answer where the node gives both."""
    try:
        answer = await read("getEpochInfo", [{"commitment": commitment}])
    except RpcError as error:
        if not is_unsupported(error):
            raise
    else:
        return answer["blockHeight"].uint(), answer["absoluteSlot"].uint()
    slot = (await read("getSlot", [{"commitment": commitment}])).uint()
    height = await read("getBlockHeight", [{"commitment": commitment, "minContextSlot": slot}])
    return height.uint(), slot


def check_height(endpoint: str, height: int, slot: int, *, latest_ends: int) -> None:
    """Raises RpcError (`implausible`) when `height` at `slot` cannot be a block height.

    `latest_ends` is the last valid block height of the latest blockhash, asked after the height at the same commitment: it lies
    ahead of every height there was by then. A test cluster may well have a block in every slot; equality is no contradiction.
    """
    if height > slot:
        why = f"a block height of {height} at slot {slot}, and there are no more blocks than slots"
    elif height > latest_ends:
        why = f"a block height of {height} while its latest blockhash ends at {latest_ends}: those are slots, not block heights"
    else:
        return
    raise RpcError(
        f"{endpoint} claims {why}; it cannot be a witness of what never landed: use another endpoint (-u)",
        endpoint=endpoint,
        height=height,
        slot=slot,
        latest_ends=latest_ends,
        implausible=True,
    )
