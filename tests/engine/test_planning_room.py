"""What the router is told about one transaction is what the signed message measures; routes only a lookup table makes room for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.engine.planning import (
    OneTransaction,
    PlannedSwap,
    SwapBuilder,
    SwapPlan,
    as_tables,
    build_message,
    decode_lookup_table,
    unsigned_wire,
)
from dexroute.engine.planning.message import writable_accounts
from dexroute.engine.planning.step_units import units_by_pool
from dexroute.errors import TransactionTooLarge
from dexroute.fetchers import decode_pool
from dexroute.fetchers.base import quoted_units
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.mints import TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop, Leg
from tests.engine.leg_world import SHAPES, World, a_user, build_world, executes_as_said
from tests.engine.svm_cluster import REGISTRY
from tests.vectors import state_named

WORST = BlockhashLifetime(blockhash=Hash(bytes([255]) * 32), last_valid_block_height=1, slot=1)
# Twelve swaps through seven pools: far beyond 1,232 bytes without tables.
LARGE = (("AC0", "CD0", "DE0", "EB0", "AB0", "AD0", "DB0"), "AB", ("AC0 CD0 DE0 EB0", "AB0", "AD0 DB0", "AC0 CD0 DB0", "AB0"))


def accounts_of(world: World, plan: SwapPlan) -> list[Pubkey]:
    """What a table of the plan's pools would hold, and some of the wallet's own, which must not be taken from it."""
    return list(dict.fromkeys(meta.pubkey for step in plan.steps for meta in step.instruction.accounts))[:256]


async def plan_of(world: World, planned: PlannedSwap, user: Keypair) -> SwapPlan:
    plan, _ = await SwapBuilder(world.cluster, world.cluster, REGISTRY, lambda: world.tables).plan(planned, user.pubkey())
    return plan


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("shape", SHAPES)
async def test_the_room_measures_the_very_message(shape: str, mode: SwapMode, opened: bool) -> None:
    names, pair, paths = SHAPES[shape]
    world = build_world(*names, fee=TransferFee(epoch=0, bps=123, maximum=10**12))
    user = a_user(world) if opened else a_user(world, pair[0].replace("S", ""))
    planned = await world.planned(pair, 10**9, mode, *paths, hop_slippage_bps=10)
    plan = await plan_of(world, planned, user)
    message = build_message(plan, WORST, 1_000_000, 2**64 - 1)
    held = [mint.address for letter, mint in world.mints.items() if letter != "S"] if opened else [planned.request.input_mint]
    for room_user in (user.pubkey(), None):
        room = OneTransaction(planned.request, user=room_user, held=held)
        for _ in range(2):  # the second time from what was kept
            measured, tables, units = room.measure(planned.quote.route.legs, planned.pools)
            assert (measured.bytes, measured.accounts) == (len(unsigned_wire(message)), len(message.account_keys))
            assert tables == () and 0 < units < 1_400_000
            assert room.refusal(planned.quote.route.legs, planned.pools) is None


@pytest.mark.parametrize("mode", SwapMode)
async def test_a_route_only_a_table_makes_room_for_is_executed(mode: SwapMode) -> None:
    names, pair, paths = LARGE
    world = build_world(*names)
    user = a_user(world)
    planned = await world.planned(pair, 10**9 + 7, mode, *paths, hop_slippage_bps=10)
    with pytest.raises(TransactionTooLarge, match=r"of 1232\. Ask for fewer legs or hops .*dex tables create") as caught:
        await world.prepare(planned, user)
    assert (caught.value.context["legs"], caught.value.context["hops"]) == (5, 11)
    legs = planned.quote.route.legs
    held = [mint.address for mint in world.mints.values()]
    bare = OneTransaction(planned.request, user=user.pubkey(), held=held)
    assert f"{caught.value.context['bytes']} bytes of 1232" in str(bare.refusal(legs, planned.pools))
    assert bare.refusal(legs[:1], planned.pools) is None or len(legs[0].hops) > 3

    useless = world.cluster.table([Pubkey.new_unique() for _ in range(20)])
    deactivated = world.cluster.table(accounts_of(world, await plan_of(world, planned, user)), deactivated_at=99)
    warming = world.cluster.table(accounts_of(world, await plan_of(world, planned, user)), extended_at=100)
    world.tables[:] = [useless, deactivated, warming, Pubkey.new_unique(), world.pools["AB0"]]
    with pytest.raises(TransactionTooLarge):
        await world.prepare(planned, user)

    helpful = world.cluster.table(accounts_of(world, await plan_of(world, planned, user)))
    world.tables.append(helpful)
    prepared = await executes_as_said(world, planned, user)
    (lookup,) = prepared.message.address_table_lookups
    assert lookup.account_key == helpful and prepared.facts["lookup_tables"] == [str(helpful)]
    assert set(prepared.plan.tracked) <= set(prepared.message.account_keys), "the wallet's own accounts are signed for by name"
    written = writable_accounts(prepared.message, prepared.plan.lookup_tables)
    assert set(world.pools.values()) <= set(written) and len(set(written)) == len(written)

    usable = as_tables([decode_lookup_table(helpful, world.cluster.account(helpful), 100)], frozenset(prepared.plan.tracked))
    room = OneTransaction(planned.request, user=user.pubkey(), held=held, tables=usable)
    assert room.refusal(legs, planned.pools) is None
    measured, chosen, _ = room.measure(legs, planned.pools)
    assert measured.bytes == len(unsigned_wire(prepared.message)) and len(chosen) == 1


async def test_units_are_learned_per_pool_and_then_count() -> None:
    world = build_world("AC0", "CB0")
    user = a_user(world)
    planned = await world.planned("AB", 10**9, SwapMode.EXACT_IN, "AC0 CB0")
    prepared = await world.prepare(planned, user)
    simulated = await world.cluster.simulate(unsigned_wire(prepared.message))
    units = units_by_pool(prepared.plan, simulated.logs)
    assert set(units) == {world.pools["AC0"], world.pools["CB0"]}
    assert 0 < sum(units.values()) <= simulated.units_consumed < sum(units.values()) + 1_000
    legs = planned.quote.route.legs
    held = [mint.address for mint in world.mints.values()]
    room = OneTransaction(planned.request, held=held, units=units)
    # Another swap of these pools may take a little more.
    assert sum(units.values()) < simulated.units_consumed < room.measure(legs, planned.pools)[2] < sum(units.values()) * 5 // 4
    dear = OneTransaction(planned.request, held=held, units=dict.fromkeys(units, 700_001))
    assert "compute units of 1400000" in str(dear.refusal(legs, planned.pools))
    few = OneTransaction(planned.request, held=held, max_accounts=10)
    assert "more than the 10 allowed" in str(few.refusal(legs, planned.pools))
    assert units_by_pool(prepared.plan, simulated.logs[:3]) == {}
    assert units_by_pool(prepared.plan, ["Program log: Program 11 invoke [1]", *simulated.logs]) == units


FAR = (
    ("meteora-dlmm", "many-arrays-step10"),
    ("meteora-dlmm", "legacy-pair-step15"),
    ("raydium-clmm", "several-arrays"),
    ("raydium-clmm", "stable-many"),
)


@pytest.mark.parametrize(("venue", "name"), FAR)
def test_a_swap_that_goes_far_computes_longer(venue: str, name: str) -> None:
    """By what its quote says, not by what another swap of the pool took; what lies between two that were asked for is no longer
    than the larger, and no shorter than itself."""
    state = state_named(venue, name)
    pool = decode_pool(state.pool, state.snapshot)
    swaps = [one.request for one in state.swaps if one.succeeded and one.request.mode is SwapMode.EXACT_IN and one.amount_out]
    far = max(swaps, key=lambda one: quoted_units(pool.quote(one)) or 0)
    most = quoted_units(pool.quote(far))
    assert most is not None and most > 300_000

    def asked(room: OneTransaction, amount: int, times: int = 1) -> tuple[int, str | None]:
        hop = Hop(
            venue_id=venue,
            pool=pool.address,
            input_mint=far.input_mint,
            output_mint=far.output_mint,
            amount_in=amount,
            amount_out=1,
            fees=(),
        )
        legs = [Leg(hops=(hop,))] * times
        return room.measure(legs, {pool.address: pool})[2], room.refusal(legs, {pool.address: pool})

    held = (far.input_mint, far.output_mint)
    near = replace(far, amount=max(2, far.amount // 10**6))
    least = quoted_units(pool.quote(near))
    assert least is not None and least < 120_000
    beside = OneTransaction(far).measure([], {})[2]
    assert 0 < beside < 1_000
    room = OneTransaction(far, held=held, units={pool.address: 1_399_999}, wrap_sol=False)
    for known in (room, OneTransaction(far, held=held)):
        asked(known, 2**63)  # which the pool refuses: that says nothing of what it takes
        assert asked(known, near.amount)[0] == least + beside
        assert asked(known, far.amount)[0] == most + beside
    looked_at = 0
    for part in range(1, 40):
        amount = far.amount * part // 40
        exact = quoted_units(pool.quote(replace(far, amount=amount)))
        assert exact is not None and exact <= asked(room, amount)[0] - beside <= exact + 20_000
        looked_at += 1
    assert looked_at == 39
    assert asked(room, near.amount, 3)[1] is None
    over = 1_400_000 // least + 1
    assert f"compute units of {1_400_000}" in str(asked(room, near.amount, over)[1])


@pytest.mark.parametrize(("venue", "name"), FAR)
def test_some_legs_of_a_route_are_measured_by_what_they_deliver(venue: str, name: str) -> None:
    """The search takes legs in one by one: the last of those it asks about does not owe what those still to come will deliver."""
    state = state_named(venue, name)
    pool = decode_pool(state.pool, state.snapshot)
    swaps = [one.request for one in state.swaps if one.succeeded and one.request.mode is SwapMode.EXACT_OUT and one.amount_in]
    whole = max(swaps, key=lambda one: quoted_units(pool.quote(one)) or 0)
    part = replace(whole, amount=max(2, whole.amount // 10**6))
    hop = Hop(
        venue_id=venue,
        pool=pool.address,
        input_mint=whole.input_mint,
        output_mint=whole.output_mint,
        amount_in=pool.quote(part).amount_in,
        amount_out=part.amount,
        fees=(),
    )
    measured = [
        OneTransaction(request, held=(whole.input_mint, whole.output_mint)).measure([Leg(hops=(hop,))], {pool.address: pool})
        for request in (part, whole)
    ]
    assert measured[0] == measured[1]
    larger = replace(hop, amount_in=pool.quote(whole).amount_in, amount_out=whole.amount)
    room = OneTransaction(whole, held=(whole.input_mint, whole.output_mint))
    assert room.measure([Leg(hops=(larger,))], {pool.address: pool})[2] > measured[0][2]


def test_a_swap_that_must_come_first_is_not_put_behind_another() -> None:
    """DAMM v2's rate limiter refuses a buy behind any other swap of the pool; a sell behind a buy is fine."""
    state = state_named("meteora-damm-v2", "limiter-active")
    pool = decode_pool(state.pool, state.snapshot)
    first, second = (mint.address for mint in pool.mints)
    pools = {pool.address: pool}

    def refused(*directions: tuple[Pubkey, Pubkey]) -> str | None:
        hop = Hop(
            venue_id=pool.venue_id, pool=pool.address, input_mint=first, output_mint=second, amount_in=9, amount_out=9, fees=()
        )
        legs = [Leg(hops=(replace(hop, input_mint=one, output_mint=other),)) for one, other in directions]
        request = QuoteRequest(input_mint=directions[0][0], output_mint=directions[0][1], amount=9 * len(legs))
        return OneTransaction(request, held=(first, second)).refusal(legs, pools)

    buy, sell = (second, first), (first, second)
    assert refused(buy) is None and refused(sell, sell) is None
    assert "first of a transaction (rate limiter)" in str(refused(buy, buy))
    over = replace(pool, clock=replace(state.snapshot.clock, slot=2**62, unix_timestamp=2**62))  # type: ignore[type-var]
    pools = {pool.address: over}
    assert refused(buy, buy) is None


@pytest.mark.parametrize("mode", SwapMode)
async def test_legs_with_a_flows_rounding_are_measured(mode: SwapMode) -> None:
    """The search asks before it has exact quotes: its amounts may leave the last leg nothing, or pass what a pool gives."""
    names, pair, paths = SHAPES["direct beside two hops"]
    world = build_world(*names)
    planned = await world.planned(pair, 10**9, mode, *paths, hop_slippage_bps=10)
    first, *others = planned.quote.route.legs
    exact = OneTransaction(planned.request, user=None, held=[]).measure(planned.quote.route.legs, planned.pools)
    for amount in (0, 10**9, 2**64 - 1, 2**64, 10**30):
        hops = tuple(replace(hop, amount_in=amount, amount_out=amount) for hop in first.hops)
        rounded = replace(first, hops=hops)
        told = OneTransaction(planned.request, user=None, held=[]).measure((rounded, *others), planned.pools)
        assert told == exact
