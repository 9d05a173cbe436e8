"""Whether several nodes follow one cluster. A node of another one would swear that our transactions never landed there, truthfully,
and what did land would be signed again: so none is a witness before it is known whose chain it follows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from solders.hash import Hash

from dexroute.chain.rpc.client import RpcClient
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.failures import none_helps
from dexroute.errors import NetworkError, UsageError

_LATE_S: Final = 1.5  # how long the first node that answers waits for the others
_LOOKS, _LOOK_S = 12, 0.5  # for a block of another node, which may be ahead


async def common_genesis(clients: Sequence[RpcClient], endpoints: Sequence[JsonRpcEndpoint]) -> Hash:
    """The genesis hash of the nodes that answer; one that answers late or not is held to it before it is used.

    Nodes that do not offer their genesis hash are held to the blocks of the others instead, so they must all be there. Alone, such
    a node is named by its place. Raises UsageError for a node that is of another cluster or cannot be shown not to be, NetworkError
    when none answers, or one that is needed for such a proof does not.
    """
    asked = [asyncio.create_task(client.genesis_hash()) for client in clients]
    try:
        pending: set[asyncio.Task[Hash]] = set(asked)
        while pending and not any(_answer(task) for task in asked):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if pending:
            # Where one cannot be asked, who answers and who does not must not decide how the cluster is called.
            all_needed = any(_answer(task) and not client.tells_genesis for client, task in zip(clients, asked, strict=True))
            await asyncio.wait(pending, timeout=None if all_needed else _LATE_S)
        known = [(client, genesis) for client, task in zip(clients, asked, strict=True) if (genesis := _answer(task)) is not None]
    finally:
        for task in asked:
            task.cancel()
        ended = await asyncio.gather(*asked, return_exceptions=True)
    if not known:
        failures = [one for one in ended if isinstance(one, NetworkError)]
        raise next((one for one in ended if isinstance(one, Exception) and one not in failures), None) or none_helps(failures)
    silent = [client for client in clients if client not in {one for one, _ in known}]
    bare = [client for client, _ in known if not client.tells_genesis]
    first, genesis_hash = next((pair for pair in known if pair[0].tells_genesis), known[0])
    for client, genesis in known:
        if client.tells_genesis and genesis != genesis_hash:
            raise UsageError(
                f"{first.endpoint} and {client.endpoint} are different clusters (genesis hashes {genesis_hash} and {genesis}); "
                "every endpoint must follow the same chain: correct url, rpc_urls or witness_url",
                rpc=first.endpoint,
                other=client.endpoint,
            )
    if bare and silent:
        raise NetworkError(
            f"{bare[0].endpoint} does not tell which cluster it is of, and {silent[0].endpoint}, by whose blocks that could be "
            "told, does not answer; try again when it does, or leave one of them out",
            rpc=bare[0].endpoint,
            other=silent[0].endpoint,
        )
    for client in bare:
        if client is not first:
            await _prove_same_chain(client, first)
    for endpoint, task in zip(endpoints, asked, strict=True):
        if _answer(task) is None:
            endpoint.demand(genesis_hash)
    return genesis_hash


async def _prove_same_chain(bare: RpcClient, other: RpcClient) -> None:
    """Raises UsageError unless one of the two knows a finalized block of the other."""
    answers: list[bool | None] = []
    for look in range(_LOOKS):
        if look:
            await asyncio.sleep(_LOOK_S)
        answers = [await bare.knows_block_of(other), await other.knows_block_of(bare)]
        if True in answers:
            return
        if answers == [None, None]:
            break
    why = "neither tells whether it knows the other's blocks" if answers == [None, None] else "neither knows the other's blocks"
    raise UsageError(
        f"{bare.endpoint} does not tell its genesis hash, and cannot be shown to follow the same chain as {other.endpoint}: {why}. "
        "A node of another cluster would swear that what landed never did; leave it out, or name one that answers getGenesisHash",
        rpc=other.endpoint,
        other=bare.endpoint,
    )


def _answer(task: asyncio.Task[Hash]) -> Hash | None:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()
