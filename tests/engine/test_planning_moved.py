"""What a swap is said to move is its own, whatever arrives or leaves while it is prepared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from solders.account import Account
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy, SwapBuilder
from dexroute.engine.planning.token_accounts import associated_token_address
from dexroute.types.chain import Simulation
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import a_user, build_world
from tests.engine.screened import policy_of
from tests.engine.svm_cluster import SvmCluster

AMOUNT = 10**6


class Busy:
    """The cluster, on which something else happens to the wallet before the simulation of that number."""

    def __init__(self, cluster: SvmCluster, before: int, happens: Callable[[], object]) -> None:
        self._cluster = cluster
        self._before = before
        self._happens = happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._cluster, name)

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        if not self._before:
            self._happens()
        self._before -= 1
        return await self._cluster.simulate(wire, accounts=accounts, min_context_slot=min_context_slot)


@pytest.mark.parametrize("before", [0, 1, 9])
@pytest.mark.parametrize(("pair", "path"), [("AB", "AB0"), ("SB", "SB0"), ("BS", "SB0>S")])
async def test_simulated_amounts_are_the_swaps_own(pair: str, path: str, before: int) -> None:
    world = build_world("AB0", "SB0")
    user: Keypair = a_user(world, "AB")
    planned = await world.planned(pair, AMOUNT, SwapMode.EXACT_IN, path)

    def happens() -> None:
        svm = world.cluster.svm
        for letter in "AB":
            address = associated_token_address(user.pubkey(), world.mints[letter])
            held = svm.get_account(address)
            assert held is not None
            more = (world.held(user, letter) + 77_777).to_bytes(8, "little")
            svm.set_account(address, Account(held.lamports, held.data[:64] + more + held.data[72:], held.owner))
        svm.airdrop(user.pubkey(), 5 * 10**8)

    busy = Busy(world.cluster, before, happens)
    builder = SwapBuilder(world.cluster, busy, world.venues, screening=policy_of(world.venues))  # type: ignore[arg-type]
    lifetime = await world.cluster.latest_blockhash()
    prepared = await builder.prepare(planned, user.pubkey(), lifetime, PriorityFeePolicy(fixed_micro_lamports=20_000))
    assert (prepared.simulated.amount_in, prepared.simulated.amount_out) == (AMOUNT, planned.quote.amount_out)
