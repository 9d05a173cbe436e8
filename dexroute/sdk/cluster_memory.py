"""Which cluster each endpoint was found to be of, as the journal remembers it: a node may stop telling.

A node that does not offer its genesis hash is named by its place. Where the same node told it before, that name would split one
cluster in two: orders would be placed that nobody takes up once it tells again, under keys that then stand for another cluster's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from dexroute.chain.rpc.client import place_name
from dexroute.errors import NetworkError
from dexroute.ports import OrderStore

_CLUSTERS: Final = "clusters"


async def check_cluster_name(store: OrderStore, endpoints: Sequence[str], genesis_hash: str) -> None:
    """Remember `genesis_hash` for these endpoints (URLs without credentials). Raises NetworkError when it is only the name of
    where one of them is, though that one told a genesis hash before."""
    before = await store.noted(_CLUSTERS)
    known: dict[str, str] = json.loads(before) if before else {}
    unnamed = next((endpoint for endpoint in endpoints if str(place_name(endpoint)) == genesis_hash), None)
    if unnamed is None:
        now = known | dict.fromkeys(endpoints, genesis_hash)
        if now != known:
            await store.replace_note(_CLUSTERS, before, json.dumps(now))  # another process may be faster: the next start adds ours
    elif unnamed in known:
        raise NetworkError(
            f"{unnamed} does not tell which cluster it is of, though it did before (genesis hash {known[unnamed]}): nobody knows "
            "whether that still is its cluster. Try again when it tells, name a further node that does (-u), or use another "
            "--data-dir for another cluster",
            endpoint=unnamed,
            genesis_hash=known[unnamed],
        )
