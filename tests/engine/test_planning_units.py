"""Compute units learned per route: a way once taken is paid for again, by the same route only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy, SwapBuilder
from dexroute.types.chain import Simulation
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import a_user, build_world
from tests.engine.screened import policy_of
from tests.engine.svm_cluster import SvmCluster


class Winding:
    """The cluster, whose first simulation takes a much longer way."""

    def __init__(self, cluster: SvmCluster) -> None:
        self._cluster = cluster
        self.extra = [90_000]

    def __getattr__(self, name: str) -> object:
        return getattr(self._cluster, name)

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        found = await self._cluster.simulate(wire, accounts=accounts, min_context_slot=min_context_slot)
        return replace(found, units_consumed=found.units_consumed + (self.extra.pop() if self.extra else 0))


async def test_the_longest_way_a_route_took_is_its_floor() -> None:
    world = build_world("AB0", "AC0")
    user = a_user(world, "ABC")
    sender = Winding(world.cluster)
    builder = SwapBuilder(world.cluster, sender, world.venues, screening=policy_of(world.venues))  # type: ignore[arg-type]
    limits = []
    for pair in ("AB", "AB", "AC"):
        planned = await world.planned(pair, 10**6, SwapMode.EXACT_IN, f"{pair}0")
        prepared = await builder.prepare(planned, user.pubkey(), await world.cluster.latest_blockhash(), PriorityFeePolicy())
        limits.append(prepared.facts["compute_unit_limit"])
    assert limits[0] == limits[1] > 90_000 > limits[2]
