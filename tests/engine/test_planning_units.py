"""Compute units learned per route: a way once taken is paid for again, by the same route only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from solders.account import Account
from solders.clock import Clock
from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy, SwapBuilder
from dexroute.engine.routing import RouteOptions
from dexroute.fetchers import VENUES
from dexroute.sdk.terms import SwapTerms
from dexroute.types.chain import Simulation
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import World, a_user, build_world
from tests.engine.screened import policy_of
from tests.engine.svm_cluster import SvmCluster
from tests.engine.world_quoter import world_quoter
from tests.vectors import state_named


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


async def test_a_swap_that_went_far_tells_nothing_of_one_that_does_not(tmp_path: Path) -> None:
    """Units learned count where a venue's swaps are alike; where they go from bin to bin, each quote tells its own."""
    state = state_named("meteora-dlmm", "traded-a")
    cluster, clock = SvmCluster(), state.snapshot.clock
    cluster.svm.set_clock(Clock(clock.slot, clock.unix_timestamp, clock.epoch, clock.epoch, clock.unix_timestamp))
    for address, account in state.snapshot.accounts.items():
        if account is not None:
            cluster.svm.set_account(address, Account(account.lamports, account.data, account.owner))
    mints = {letter: cluster.new_mint() for letter in "AB"}
    ours = cluster.pool(dict.fromkeys(mints.values(), 10**9))
    world = World(cluster, mints, {"AB0": ours}, venues=VENUES)
    quoting = world_quoter(world, cluster.rich_wallet(), tmp_path)
    quoting.builder.learn_units({state.pool: 1_399_999, ours: 12_345})
    swap = next(one for one in state.swaps if one.succeeded and one.request.mode is SwapMode.EXACT_IN)
    terms = SwapTerms(request=swap.request, slippage_bps=50, route=RouteOptions(pools=frozenset({state.pool, ours})))
    quote = await quoting.quoter.quote(terms)
    assert quote.amount_out == swap.amount_out and quote.costs.units == {ours: 12_345}
    assert 68_000 <= quote.candidates[0].compute_units < 400_000
