"""Routes are ranked by what the attempt pays: recent fees, within the cap, for the units it asks for, and the tip."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning import PriorityFeePolicy
from dexroute.engine.planning.tip import Tip
from dexroute.engine.routing import RouteOptions
from dexroute.errors import RpcUnreachable
from dexroute.host.clock import HostClock
from dexroute.sdk.landing_costs import mints_held, possible_accounts
from dexroute.sdk.quote import Quote
from dexroute.sdk.recent_fees import RecentFees, Samples
from dexroute.sdk.shapes import solution_json
from dexroute.sdk.terms import SwapTerms
from dexroute.types.accounts import AccountData
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from dexroute.types.requests import QuoteRequest
from tests.engine.leg_world import World, a_user, build_world
from tests.engine.svm_cluster import SOL, SvmCluster
from tests.engine.world_quoter import WorldQuoter, planned_of, pools_of, world_quoter

TIP = Tip(lamports=20_000, most_lamports=50_000)
POLICY = PriorityFeePolicy()


async def quoted(world: World, quoting: WorldQuoter, pair: str, amount: int, fee: PriorityFeePolicy = POLICY) -> Quote:
    source, target = (world.mints[letter].address for letter in pair)
    request = QuoteRequest(input_mint=source, output_mint=target, amount=amount)
    terms = SwapTerms(request=request, slippage_bps=50, route=RouteOptions(pools=pools_of(world)), priority_fee=fee)
    return await quoting.quoter.quote(terms, swappable=True, for_signing=True)


@pytest.mark.parametrize("tip", [None, TIP])
@pytest.mark.parametrize(
    ("sampled", "cap_lamports"), [((), 1_000_000), ((50_000,) * 9, 1_000_000), ((10**9,) * 9, 30_000), ((10**9,) * 9, 0)]
)
async def test_a_route_is_ranked_by_what_its_attempt_then_pays(
    tmp_path: Path, tip: Tip | None, sampled: tuple[int, ...], cap_lamports: int
) -> None:
    world = build_world("AC0", "CB0")
    world.cluster.priority_fees = sampled
    user = a_user(world)
    quoting = world_quoter(world, user, tmp_path, tip=tip)
    fee = PriorityFeePolicy(cap_lamports=cap_lamports)
    lifetime = await world.cluster.latest_blockhash()
    first = await quoted(world, quoting, "AB", 10**6, fee)
    await quoting.builder.prepare(planned_of(first), user.pubkey(), lifetime, fee)  # what the swaps take is learned here
    quote = await quoted(world, quoting, "AB", 10**6, fee)
    prepared = await quoting.builder.prepare(planned_of(quote), user.pubkey(), lifetime, fee)
    costs = prepared.costs
    paid = costs.network_fee_lamports + costs.priority_fee_lamports + costs.other_lamports
    ranked = quote.candidates[0].spent_lamports
    assert costs.other_lamports == (tip.lamports if tip else 0) and costs.priority_fee_lamports <= cap_lamports
    assert (costs.priority_fee_lamports > 0) == (bool(sampled) and cap_lamports > 0)
    # A lamport of rounding, and the few hundred units of what is no swap.
    assert abs(ranked - paid) <= 1 + 500 * (sampled[0] if sampled else 0) // 10**6
    assert quote.costs.tip_lamports == costs.other_lamports
    assert solution_json(quote, now_ms=0)["costs"]["tip_lamports"] == str(costs.other_lamports)


async def test_dear_block_space_makes_a_short_route_of_a_long_one(tmp_path: Path) -> None:
    """Through C the price is about 15 bps better, at twice the units."""
    cluster = SvmCluster()
    mints = {letter: cluster.new_mint() for letter in "BC"} | {"S": SOL}
    depths = {"SC0": (10**12, 10**12), "CB0": (10**12, 10**12), "SB0": (10**12, 1_004 * 10**9)}
    pools = {name: cluster.pool({mints[name[0]]: first, mints[name[1]]: second}) for name, (first, second) in depths.items()}
    world = World(cluster, mints, pools)
    user = a_user(world, "BC")
    hops: dict[int, int] = {}
    for bid in (0, 10_000, 1_000_000):
        cluster.priority_fees = (bid,) * 5
        quote = await quoted(world, world_quoter(world, user, tmp_path), "BS", 10**7)
        hops[bid] = len(quote.best.route.hops)
    assert hops == {0: 2, 10_000: 2, 1_000_000: 1}
    fixed = PriorityFeePolicy(fixed_micro_lamports=0)
    quote = await quoted(world, world_quoter(world, user, tmp_path), "BS", 10**7, fixed)
    assert len(quote.best.route.hops) == 2 and quote.costs.compute_unit_price_micro_lamports == 0


async def test_fees_are_asked_for_once_in_a_while_and_never_waited_for_long() -> None:
    asked: list[int] = []
    pools = [Pubkey.new_unique() for _ in range(40)]

    async def ask(writable: Sequence[Pubkey]) -> Samples:
        asked.append(len(writable))
        return ((1, 2, 3),)

    fees = RecentFees(ask, HostClock())
    assert [await fees.around(pools, POLICY, ask=asking) for asking in (False, True, True, False)] == [(), *[((1, 2, 3),)] * 3]
    assert asked == [16]
    assert await fees.around(pools, PriorityFeePolicy(fixed_micro_lamports=7)) == ()
    assert await fees.around(pools, PriorityFeePolicy(cap_lamports=0)) == ()
    assert asked == [16]

    async def refuse(writable: Sequence[Pubkey]) -> Samples:
        raise RpcUnreachable("no")

    async def hang(writable: Sequence[Pubkey]) -> Samples:
        await asyncio.sleep(60)
        raise AssertionError

    assert await RecentFees(refuse, HostClock()).around(pools, POLICY) is None
    assert await RecentFees(hang, HostClock()).around(pools, POLICY) is None


async def test_a_quote_without_fees_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = build_world("AB0")
    quoting = world_quoter(world, a_user(world), tmp_path)

    async def refuse(pools: Sequence[Pubkey], policy: PriorityFeePolicy, *, ask: bool = True) -> Samples | None:
        return None

    monkeypatch.setattr(RecentFees, "around", lambda self, *words, **named: refuse(*words, **named))
    quote = await quoted(world, quoting, "AB", 10**6)
    assert any("recent priority fees" in note for note in quote.notes)


def test_lamports_somebody_sent_make_no_token_account() -> None:
    """The plan opens it, so the router must count with that."""
    first, second = Pubkey.new_unique(), Pubkey.new_unique()
    places = possible_accounts(Pubkey.new_unique(), [first, second])
    at = {mint: address for address, mint in reversed(places.items())}
    there = AccountData(owner=first, lamports=1, data=bytes(165))
    sent = AccountData(owner=SYSTEM_PROGRAM_ID, lamports=10**6, data=b"")
    assert mints_held(places, {at[first]: there, at[second]: sent}) == {first}


async def test_accounts_of_the_mints_that_most_pools_hold_are_looked_for_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quote looks for a few mints' accounts: those a route can pass through, however many others the pools name."""
    monkeypatch.setattr("dexroute.sdk.landing_costs._MOST_ACCOUNTS", 2)
    world = build_world("AC0", "CB0", "AC1")
    cluster = world.cluster
    strange = [cluster.new_mint() for _ in range(14)]
    aside = [cluster.pool({world.mints["A"]: 10**9, mint: 10**9}) for mint in strange]
    user = a_user(world, "AC")
    quoting = world_quoter(world, user, tmp_path)
    source, target = (world.mints[letter].address for letter in "AB")
    terms = SwapTerms(
        request=QuoteRequest(input_mint=source, output_mint=target, amount=10**6),
        slippage_bps=50,
        route=RouteOptions(pools=pools_of(world) | set(aside)),
    )
    quote = await quoting.quoter.quote(terms, swappable=True)
    assert {mint.address for mint in strange} <= quote.costs.rent_lamports.keys()
    assert world.mints["C"].address not in quote.costs.rent_lamports, "the wallet has an account of it"


def test_a_token_program_that_is_known_leaves_room_for_other_mints() -> None:
    wallet, mints = Pubkey.new_unique(), [Pubkey.new_unique() for _ in range(30)]
    assert list(possible_accounts(wallet, mints).values()) == [mint for mint in mints[:12] for _ in range(2)]
    programs = dict.fromkeys(mints[1:], TOKEN_2022_PROGRAM_ID)
    told = possible_accounts(wallet, mints, programs)
    assert list(told.values()) == [mints[0], *mints[:23]]
    assert set(told) <= set(possible_accounts(wallet, mints[:12])) | set(possible_accounts(wallet, mints[12:24]))
