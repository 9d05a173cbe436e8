"""Routes of several legs carried out in LiteSVM by the real token programs and our pool program: what moves is what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.engine.planning.guards import check_price_impact
from dexroute.engine.planning.limits import leg_limits
from dexroute.engine.planning.route_rules import check_route
from dexroute.errors import DexError, InsufficientFunds, PriceImpactTooHigh, SlippageExceeded
from dexroute.types.mints import TransferFee
from dexroute.types.orders import Residual
from dexroute.types.requests import SwapMode
from dexroute.types.routes import Hop, Leg, Route
from tests.engine.leg_world import SHAPES, a_user, build_world, executes_as_said

TOKEN_RENT = 2_039_280


@pytest.mark.parametrize("hop_slippage_bps", [0, 25])
@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_does_on_chain_what_it_says(shape: str, mode: SwapMode, hop_slippage_bps: int) -> None:
    names, pair, paths = SHAPES[shape]
    world = build_world(*names, fee=TransferFee(epoch=0, bps=123, maximum=10**12))
    user = a_user(world)
    planned = await world.planned(pair, 1_234_567_891, mode, *paths, hop_slippage_bps=hop_slippage_bps)
    prepared = await executes_as_said(world, planned, user)
    hops = max(len(path.split()) for path in paths)
    assert bool(prepared.costs.residuals) == (hops > 1 and hop_slippage_bps > 0)


async def test_accounts_are_opened_once_and_sol_is_wrapped_once() -> None:
    """Both legs pass C and end in SOL: one account of C, one temporary account, the rent of C alone stays."""
    world = build_world("AC0", "AC1", "CS0")
    user = a_user(world, "A")
    planned = await world.planned("AS", 10**9, SwapMode.EXACT_IN, "AC0 CS0", "AC1 CS0", hop_slippage_bps=10)
    prepared = await executes_as_said(world, planned, user)
    labels = [step.label.split(" (")[0].split(" in ")[0] for step in prepared.plan.steps]
    opening = f"open account of {world.mints['C'].address}"
    assert labels == [opening, "fund wrapped SOL", "wrap SOL", *["swap"] * 4, "unwrap SOL"]
    assert [step.label[-12:] for step in prepared.plan.steps if step.hop is not None] == ["(leg 1 of 2)"] * 2 + ["(leg 2 of 2)"] * 2
    assert prepared.costs.rent_lamports == TOKEN_RENT
    assert [place.account is None for place in prepared.plan.places] == [False, False, True]
    (residual,) = prepared.costs.residuals
    first, second = planned.quote.route.legs
    assert residual == Residual(
        mint=world.mints["C"].address,
        amount=sum(leg.hops[0].amount_out - leg.hops[1].amount_in for leg in (first, second)),
    )


async def test_a_leg_that_falls_short_never_spends_what_another_brought() -> None:
    """Leg 2's first hop meets a market that moved: leg 1's C and the wallet's own C would both have paid for its second hop."""
    world = build_world("AC0", "AC1", "CB0")
    user, other = a_user(world), a_user(world)
    tight = await world.planned("AB", 10**9, SwapMode.EXACT_IN, "AC0 CB0", "AC1 CB0", slippage_bps=5_000, hop_slippage_bps=10)
    await executes_as_said(world, await world.planned("AC", 5 * 10**9, SwapMode.EXACT_IN, "AC1"), other)
    with pytest.raises(SlippageExceeded) as caught:
        await world.prepare(tight, user)
    assert str(world.pools["AC1"]) in caught.value.context["step"]
    assert "leg 2 of 2" in caught.value.message


@pytest.mark.parametrize("mode", SwapMode)
async def test_the_orders_limit_is_what_the_chain_enforces(mode: SwapMode) -> None:
    """With a limit at the quote itself both legs pass; a unit of movement in either pool and the transaction fails."""
    world = build_world("AB0", "AB1")
    user, other = a_user(world), a_user(world)
    planned = await world.planned("AB", 10**9 + 1, mode, "AB0", "AB1", slippage_bps=0)
    quoted = planned.quote.amount_out if mode is SwapMode.EXACT_IN else planned.quote.amount_in
    assert planned.limit == quoted == sum(leg_limits(planned.quote.route.legs, mode, planned.limit))
    await world.prepare(planned, user)
    await executes_as_said(world, await world.planned("AB", 10**6, SwapMode.EXACT_IN, "AB1"), other)
    with pytest.raises(SlippageExceeded) as caught:
        await world.prepare(planned, user)
    assert str(world.pools["AB1"]) in caught.value.context["step"]
    assert caught.value.context["limit"] == str(planned.limit)


async def test_what_all_legs_need_together_is_asked_of_the_wallet() -> None:
    world = build_world("SB0", "SB1", "AB0", "AB1")
    planned = await world.planned("SB", 10**9, SwapMode.EXACT_IN, "SB0", "SB1")
    needs = 10**9 + 5_000 + 2 * TOKEN_RENT
    with pytest.raises(InsufficientFunds) as caught:
        await world.prepare(planned, world.cluster.rich_wallet(needs - 1))
    assert (caught.value.context["need"], caught.value.context["short"]) == (str(needs), "1")
    await executes_as_said(world, planned, world.cluster.rich_wallet(needs))

    exact_out = await world.planned("AB", 10**9, SwapMode.EXACT_OUT, "AB0", "AB1")
    user = a_user(world, "B")
    world.cluster.fund(user, world.mints["A"], exact_out.limit - 1)
    with pytest.raises(InsufficientFunds, match="send 1 base units of "):
        await world.prepare(exact_out, user)
    world.cluster.fund(user, world.mints["A"], exact_out.limit)
    await executes_as_said(world, exact_out, user)


LEGS = st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=8)


def legs_of(amounts: list[int], mode: SwapMode) -> tuple[Leg, ...]:
    hop = HOP if mode is SwapMode.EXACT_IN else replace(HOP, amount_in=0)
    field = "amount_out" if mode is SwapMode.EXACT_IN else "amount_in"
    return tuple(Leg(hops=(replace(hop, **{field: amount}),)) for amount in amounts)  # type: ignore[arg-type]


HOP = Hop(
    venue_id="v",
    pool=Pubkey.new_unique(),
    input_mint=Pubkey.new_unique(),
    output_mint=Pubkey.new_unique(),
    amount_in=1,
    amount_out=1,
    fees=(),
)


@given(amounts=LEGS, mode=st.sampled_from(SwapMode), part=st.integers(0, 10**9))
def test_shares_of_a_limit_lose_no_unit(amounts: list[int], mode: SwapMode, part: int) -> None:
    total = sum(amounts)
    exact_in = mode is SwapMode.EXACT_IN
    limit = max(total * part // 10**9, 1) if exact_in else total + total * part // 10**9
    shares = leg_limits(legs_of(amounts, mode), mode, limit)
    if not exact_in:
        assert sum(shares) == limit
        assert all(share >= quoted for share, quoted in zip(shares, amounts, strict=True)), (
            "a leg could not do what it is quoted at"
        )
        return
    assert all(1 <= share <= quoted for share, quoted in zip(shares, amounts, strict=True))
    raised = [share for share, quoted in zip(shares, amounts, strict=True) if limit * quoted < total]
    assert sum(shares) == limit or (set(raised) == {1} and sum(shares) - limit <= len(raised))


@given(amounts=LEGS, part=st.integers(0, 10**9), place=st.integers(0, 7))
def test_a_leg_that_may_lose_a_unit_promises_less_than_it_is_quoted_at(amounts: list[int], part: int, place: int) -> None:
    """Where the limit leaves a unit at all, it is that leg's: told to deliver all it is quoted at, its program would refuse."""
    unsure, total = place % len(amounts), sum(amounts)
    limit = max(min(total * part // 10**9, total - 1), 1)
    slacks = [int(index == unsure) for index in range(len(amounts))]
    shares = leg_limits(legs_of(amounts, SwapMode.EXACT_IN), SwapMode.EXACT_IN, limit, slacks)
    assert sum(shares) >= limit and all(1 <= share <= quoted for share, quoted in zip(shares, amounts, strict=True))
    assert shares[unsure] < amounts[unsure] or amounts[unsure] == 1


async def test_routes_nobody_may_build_are_refused_as_bugs() -> None:
    world = build_world("AC0", "CB0", "AB0")
    planned = await world.planned("AB", 10**6, SwapMode.EXACT_IN, "AC0 CB0", "AB0", hop_slippage_bps=100)
    quote, request = planned.quote, planned.request
    check_route(quote, request)
    first, second = quote.route.legs
    one, two = first.hops
    wrong = {
        "arrive": (Leg(hops=(replace(one, amount_out=two.amount_in - 1), two)), second),
        "passes a mint twice": (Leg(hops=(one, replace(two, output_mint=one.input_mint), second.hops[0])), second),
        "runs from": (Leg(hops=(one,)), second),
        "has no hop": (Leg(hops=()), second),
        "where": (Leg(hops=(one, replace(two, input_mint=world.mints["D"].address))), second),
        "of the 1000000": (first,),
    }
    for words, legs in wrong.items():
        with pytest.raises(DexError, match=words):
            await world.prepare(replace(planned, quote=replace(quote, route=Route(legs=legs))), a_user(world, ""))
    out = await world.planned("AB", 10**6, SwapMode.EXACT_OUT, "AC0 CB0", "AB0")
    for legs, words in (
        (out.quote.route.legs[:1], "deliver less"),
        ((*out.quote.route.legs, out.quote.route.legs[0]), "before the last"),
    ):
        with pytest.raises(DexError, match=words):
            check_route(replace(out.quote, route=Route(legs=legs)), out.request)


async def test_price_impact_counts_every_leg_with_its_share() -> None:
    """Splitting over two like pools about halves it; both legs through one pool count from the price before both."""
    world = build_world("AB0", "AB1")
    impacts = []
    for paths in (("AB0", "AB1"), ("AB0",), ("AB0", "AB0")):
        planned = await world.planned("AB", 2 * 10**10, SwapMode.EXACT_IN, *paths)
        impact = check_price_impact(planned.quote, planned.pools, 10_000)
        assert impact is not None
        impacts.append(impact)
    split_up, whole, twice = impacts
    assert 0 < split_up * 19 // 10 <= whole <= split_up * 21 // 10
    assert whole == twice, "a pool does not get cheaper by being asked twice"
    with pytest.raises(PriceImpactTooHigh):
        check_price_impact(planned.quote, planned.pools, twice - 1)
