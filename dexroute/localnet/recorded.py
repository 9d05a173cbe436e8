"""Pools of other venues as they were recorded, so that a cluster without those programs has something to quote."""

from __future__ import annotations

from typing import Final

from dexroute.fetchers.recorded import PACKAGED, RecordedState, read_recorded
from dexroute.localnet.cluster import EmbeddedCluster

_PLACED: Final = ("meteora-damm-v2/full-range-both-tokens", "raydium-cpmm/plain")


def recorded_pools() -> tuple[RecordedState, ...]:
    """The recorded pools a playground is made with."""
    return tuple(read_recorded(PACKAGED / f"{name}.json.gz") for name in _PLACED)


def place_recorded(cluster: EmbeddedCluster, recorded: RecordedState) -> None:
    """Put a recorded pool's accounts on a cluster; accounts the cluster already has (a mint two pools share) stay as they are."""
    absent = {address: account for address, account in recorded.accounts.items() if cluster.bank.account(address) is None}
    cluster.set_accounts(absent)
