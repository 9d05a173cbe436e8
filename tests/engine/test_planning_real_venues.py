"""Routes of several legs and hops through every venue's real program and ours, in one transaction: what moves is what was said.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them; without it these tests are skipped.
"""

from __future__ import annotations

import pytest
from solders.account import Account
from solders.clock import Clock

from dexroute.engine.planning import (
    OneTransaction,
    as_tables,
    decode_lookup_table,
    unsigned_wire,
)
from dexroute.errors import QuoteError, SimulationFailed, TransactionTooLarge
from dexroute.fetchers import VENUES, decode_pool
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.requests import SwapMode
from tests.differential.world import CALLED, PROGRAMS, ProgramAbsent, checked_file, real_program
from tests.engine.leg_world import World, a_user, executes_as_said, give_a_table
from tests.engine.svm_cluster import SOL, SvmCluster
from tests.vectors import RecordedState, RecordedSwap, load_states

MOST = 2**62


def useful(venue: str, mode: SwapMode) -> list[tuple[RecordedState, RecordedSwap]]:
    """A few recorded states whose pool takes two halves of a recorded swap, one after the other, as a route through it would."""
    found = []
    for state in load_states(venue):
        pool = decode_pool(state.pool, state.snapshot)
        if not pool.tradable().ok or state.name.startswith("mainnet"):
            continue
        swaps = [one for one in state.swaps if one.succeeded and one.request.mode is mode and (one.amount_in or 0) > 10**4]
        for swap in sorted(swaps, key=lambda one: one.amount_in or 0)[len(swaps) // 2 :]:
            half = swap.request.amount * 45 // 100
            if half < 10**4 or (swap.amount_in or 0) > 10**12 or (swap.amount_out or 0) not in range(10**4, 10**12):
                continue
            request = type(swap.request)(
                input_mint=swap.request.input_mint, output_mint=swap.request.output_mint, amount=half, mode=mode
            )
            try:
                pool.quote(request).next_pool.quote(request)
            except QuoteError:
                continue
            found.append((state, swap))
            break
    return found[:4]


def stage(state: RecordedState, swap: RecordedSwap) -> World:
    """A-M in two pools of ours, M-N recorded, N-B in one of ours: deep enough for the recorded swap."""
    cluster = SvmCluster()
    clock = state.snapshot.clock
    cluster.svm.set_clock(Clock(clock.slot, clock.unix_timestamp, clock.epoch, clock.epoch, clock.unix_timestamp))
    cluster.svm.add_program_from_file(VENUES[state.venue].program_id, real_program(state.venue))
    for called, name, digest in CALLED.get(state.venue, ()):
        cluster.svm.add_program_from_file(called, checked_file(state.venue, name, digest))
    for address, account in state.snapshot.accounts.items():
        if account is not None and address != NATIVE_MINT:
            cluster.svm.set_account(address, Account(account.lamports, account.data, account.owner))
    known = {mint.address: mint for mint in decode_pool(state.pool, state.snapshot).mints}
    middle, far = known[swap.request.input_mint], known[swap.request.output_mint]
    a, b = cluster.new_mint(), cluster.new_mint()
    assert swap.amount_in and swap.amount_out
    entry, leaving = min(swap.amount_in * 1_000, MOST), min(swap.amount_out * 1_000, MOST)
    pools = {
        "AM0": cluster.pool({a: entry, middle: entry}),
        "AM1": cluster.pool({a: entry, middle: entry}, index=1),
        "MN0": state.pool,
        "NB0": cluster.pool({far: leaving, b: leaving}),
    }
    mints = {"A": a, "B": b, "M": middle, "N": far}
    named = {letter: mint for letter, mint in mints.items() if mint.address != NATIVE_MINT}
    return World(cluster, {**named, "S": SOL}, pools, venues=VENUES, learned={state.pool: frozenset(state.snapshot.accounts)})


def words(world: World) -> tuple[str, str]:
    """Both legs; SOL goes by its own letter."""
    middle, far = ("M" if "M" in world.mints else "S"), ("N" if "N" in world.mints else "S")
    return tuple(f"AM{leg}>{middle} MN0>{far} NB0" for leg in (0, 1))  # type: ignore[return-value]


@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("venue", PROGRAMS)
async def test_two_legs_of_three_hops_share_a_real_venues_pool(venue: str, mode: SwapMode) -> None:
    if mode is SwapMode.EXACT_OUT and not VENUES[venue].capabilities.exact_out:
        pytest.skip(f"{venue} has no exact-out swap")
    try:
        real_program(venue)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    executed = 0
    for state, swap in useful(venue, mode):
        world = stage(state, swap)
        user = a_user(world, "".join(letter for letter in world.mints if letter != "S"), held=2**60)
        # Exact out: as much of B as a somewhat smaller swap of the recorded kind brings.
        amount = swap.request.amount - swap.request.amount // 5
        planned = await world.planned("AB", amount, mode, *words(world), slippage_bps=100, hop_slippage_bps=10)
        room = OneTransaction(planned.request, user=user.pubkey())
        if "first of a transaction" in str(room.refusal(planned.quote.route.legs, planned.pools)):
            give_a_table(world, planned)
            with pytest.raises(SimulationFailed, match="6049"):
                await world.prepare(planned, user)
            continue
        assert [len(leg.hops) for leg in planned.quote.route.legs] == [3, 3]
        with pytest.raises(TransactionTooLarge):
            await world.prepare(planned, user)
        give_a_table(world, planned)
        prepared = await executes_as_said(world, planned, user)
        assert len(prepared.message.address_table_lookups) == 1
        read = world.cluster.account(world.tables[0])
        known = as_tables([decode_lookup_table(world.tables[0], read, planned.pools[state.pool].slot)], frozenset())
        held = [mint.address for mint in world.mints.values()]
        room = OneTransaction(planned.request, user=user.pubkey(), held=held, tables=known)
        measured, _, units = room.measure(planned.quote.route.legs, planned.pools)
        assert measured.bytes == len(unsigned_wire(prepared.message))
        assert prepared.facts["compute_units"] <= units <= 1_400_000
        assert world.cluster.executed[-1] <= measured.instructions <= 64
        executed += 1
    assert executed, f"no recorded state of {venue} could be routed through"
