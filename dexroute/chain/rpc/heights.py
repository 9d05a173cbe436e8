"""Whether a block height can be one. Every block has a slot, and slots without a block make the height fall behind."""

from __future__ import annotations

from dexroute.errors import RpcError


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
