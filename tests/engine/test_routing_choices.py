"""What the router says: ties, restrictions, refusals, impact, and words for every candidate that lost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.routing import LandingCosts, RouteOptions, find_route, rank_candidates, solve_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import InvalidAmount, RouteNotFound, UsageError
from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.rounding import U64_MAX
from dexroute.types.fees import FeeKind
from dexroute.types.mints import NATIVE_MINT, TransferFee
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg
from tests.engine.small_market import SWAPS_OFF, CheaperToLand, exact_in, exact_out, mint, named_key, pool

A, B, C, D = (mint(name) for name in "ABCD")
DEEP = (10**12, 10**12)


def test_equal_pools_tie_by_address_whatever_their_order() -> None:
    twins = [pool(f"twin {number}", (A, B), DEEP) for number in range(5)]
    lowest = min((one.address for one in twins), key=bytes)
    for pools in (twins, twins[::-1]):
        assert find_route(pools, exact_in(A, B, 1_000)).route.hops[0].pool == lowest
        assert find_route(pools, exact_out(A, B, 1_000)).route.hops[0].pool == lowest
    reasons = [candidate.lost for candidate in rank_candidates(twins, exact_in(A, B, 1_000))]
    assert reasons[0] is None
    assert all("tie" in str(reason) for reason in reasons[1:])


def test_equal_amounts_prefer_fewer_hops() -> None:
    direct = pool("direct", (A, B), DEEP)
    there, back = pool("there", (A, C), (10**12, 3 * 10**12)), pool("back", (C, B), (3 * 10**12, 10**12))
    # Fees and rounding leave 1 of B either way: 3 -> 1 directly, 3 -> 5 -> 1 through C.
    first, second = rank_candidates([there, back, direct], exact_in(A, B, 3))
    assert first.net == second.net == 1
    assert first.pools == (direct.address,)
    assert second.lost == "same net amount, but more hops"


def test_equal_amounts_and_hops_prefer_fewer_compute_units() -> None:
    kinds = [CpmmPool, CheaperToLand, CpmmPool, CheaperToLand, CpmmPool]
    twins = [pool(f"twin {place}", (A, B), DEEP, kind=kind) for place, kind in enumerate(kinds)]
    lowest = min((one.address for one in twins if isinstance(one, CheaperToLand)), key=bytes)
    assert find_route(twins, exact_in(A, B, 10**6)).route.hops[0].pool == lowest
    dearer = rank_candidates(twins, exact_in(A, B, 10**6))[2]
    assert dearer.lost == "same net amount, but 20000 more compute units"


def test_two_hops_win_only_when_they_pay_for_themselves() -> None:
    direct = pool("direct", (A, B), DEEP, trade_ppm=2_500)
    there, back = pool("there", (A, C), (10**15, 10**15), trade_ppm=100), pool("back", (C, B), (10**15, 10**15), trade_ppm=100)
    pools = [direct, there, back]
    request = exact_in(A, B, 10**9)
    assert find_route(pools, request).route.hops[0].pool == there.address
    gain = find_route([there, back], request).amount_out - find_route([direct], request).amount_out
    assert gain > 0
    # Opening the intermediate account costs exactly the gain, and then the shorter path wins the tie.
    rent = LandingCosts(lamport_price=Price(numerator=1, denominator=1), rent_lamports={C.address: gain})
    assert find_route(pools, request, RouteOptions(costs=rent)).route.hops[0].pool == direct.address
    cheaper = replace(rent, rent_lamports={C.address: gain - 1})
    assert find_route(pools, request, RouteOptions(costs=cheaper)).route.hops[0].pool == there.address
    # The output's account has to be opened on any path, so its rent decides nothing.
    everywhere = replace(cheaper, rent_lamports={C.address: gain - 1, B.address: 10**18, A.address: 10**18})
    assert find_route(pools, request, RouteOptions(costs=everywhere)).route.hops[0].pool == there.address
    nets = [rank_candidates(pools, request, RouteOptions(costs=costs))[0].net for costs in (cheaper, everywhere)]
    assert nets[0] == nets[1]
    # Lamports that cannot be valued in the output do not rank.
    unvalued = replace(rent, lamport_price=None, rent_lamports={C.address: 10**18})
    assert find_route(pools, request, RouteOptions(costs=unvalued)).route.hops[0].pool == there.address


def test_lamports_are_the_output_when_the_output_is_sol() -> None:
    sol = replace(A, address=NATIVE_MINT)
    one = pool("to sol", (B, sol), DEEP)
    costs = LandingCosts(compute_unit_price_micro_lamports=1_000_000)
    candidate = rank_candidates([one], exact_in(B, sol, 10**6), RouteOptions(costs=costs))[0]
    assert candidate.quote is not None
    assert candidate.net == candidate.quote.amount_out - 5_000 - ((60_000 + 15_000) * 115 // 100 + 3_000), (
        "a swap and wrapping, as asked for"
    )
    capped = replace(costs, priority_fee_cap_lamports=700, tip_lamports=300)
    candidate = rank_candidates([one], exact_in(B, sol, 10**6), RouteOptions(costs=capped))[0]
    assert candidate.quote is not None and candidate.net == candidate.quote.amount_out - 5_000 - 700 - 300
    seen = replace(costs, units={one.address: 20_000}, rent_lamports={sol.address: 0})
    (candidate,) = rank_candidates([one], exact_in(B, sol, 10**6), RouteOptions(costs=seen))
    assert candidate.compute_units == 20_000 + 15_000 + 30_000


def test_hop_slippage_leaves_a_residual_and_shows_it() -> None:
    pools = [pool("there", (A, C), DEEP), pool("back", (C, B), DEEP)]
    tight = find_route(pools, exact_in(A, B, 10**6)).route.hops
    assert tight[0].amount_out == tight[1].amount_in
    loose = find_route(pools, exact_in(A, B, 10**6), RouteOptions(hop_slippage_bps=50)).route.hops
    assert loose[1].amount_in == loose[0].amount_out * 9_950 // 10_000 < loose[0].amount_out
    back = find_route(pools, exact_out(A, B, 10**6), RouteOptions(hop_slippage_bps=50)).route.hops
    assert back[1].amount_out == 10**6
    assert back[0].amount_out == -(-back[1].amount_in * 10_050 // 10_000)


def test_restrictions_are_kept_and_named() -> None:
    best, worse = pool("best", (A, B), (10**12, 2 * 10**12)), pool("worse", (A, B), DEEP)
    there, back = pool("there", (A, C), DEEP), pool("back", (C, B), DEEP)
    pools, request = [best, worse, there, back], exact_in(A, B, 1_000)

    def hops(options: RouteOptions) -> tuple[object, ...]:
        return tuple(hop.pool for hop in find_route(pools, request, options).route.hops)

    assert hops(RouteOptions()) == (best.address,)
    assert hops(RouteOptions(exclude_pools=frozenset({best.address}))) == (worse.address,)
    assert hops(RouteOptions(pools=frozenset({worse.address}))) == (worse.address,)
    assert hops(RouteOptions(pools=frozenset({there.address, back.address}))) == (there.address, back.address)
    two_hops = frozenset({best.address, worse.address})
    assert hops(RouteOptions(exclude_pools=two_hops, intermediate_mints=frozenset({C.address}))) == (there.address, back.address)
    for nothing_left in (
        RouteOptions(exclude_pools=two_hops, max_hops=1),
        RouteOptions(exclude_pools=two_hops, intermediate_mints=frozenset({D.address})),
        RouteOptions(exclude_venues=frozenset({"raydium-cpmm"})),
        RouteOptions(venues=frozenset({"meteora-damm-v2"})),
    ):
        with pytest.raises(RouteNotFound) as caught:
            find_route(pools, request, nothing_left)
        reasons = {entry["reason"] for entry in caught.value.context["candidates"]}
        assert len(caught.value.context["candidates"]) == 2
        assert all("excluded" in reason or "not among those asked for" in reason for reason in reasons)
    listed = rank_candidates(pools, request, RouteOptions(exclude_pools=frozenset({best.address})))
    assert [entry.lost for entry in listed if entry.pools == (best.address,)] == ["pool is excluded (--exclude-pool)"]


@pytest.mark.parametrize(
    "contradiction",
    [
        {"venues": frozenset({"x"}), "exclude_venues": frozenset({"x"})},
        {"pools": frozenset({named_key("p")}), "exclude_pools": frozenset({named_key("p")})},
        {"max_hops": 0},
        {"max_hops": 5},
        {"max_splits": 0},
        {"max_splits": 9},
        {"hop_slippage_bps": -1},
        {"hop_slippage_bps": 10_000},
    ],
)
def test_options_that_contradict_or_overreach_are_refused(contradiction: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        RouteOptions(**contradiction)  # type: ignore[arg-type]


def test_requests_that_cannot_be_meant_are_refused() -> None:
    one = pool("one", (A, B), DEEP)
    for amount in (0, -1, U64_MAX + 1):
        with pytest.raises(InvalidAmount):
            find_route([one], exact_in(A, B, amount))
    with pytest.raises(UsageError):
        find_route([one], exact_in(A, A, 1))


def test_unreachable_pairs_say_what_is_missing() -> None:
    pools = [pool("one", (A, C), DEEP)]
    with pytest.raises(RouteNotFound) as caught:
        find_route(pools, exact_in(A, B, 5))
    assert str(B.address) in caught.value.message
    assert str(A.address) + " or" not in caught.value.message
    assert caught.value.context["candidates"] == []
    far = [*pools, pool("two", (C, D), DEEP), pool("three", (D, B), DEEP)]
    two_hops = RouteOptions(max_hops=2)
    with pytest.raises(RouteNotFound, match="nothing connects them in 2 hop"):
        find_route(far, exact_in(A, B, 5), two_hops)
    assert rank_candidates(far, exact_in(A, B, 5), two_hops) == ()
    assert len(find_route(far, exact_in(A, B, 5_000)).route.hops) == 3


def test_what_refuses_says_why_and_harms_no_other() -> None:
    good = pool("good", (A, B), (10**7, 10**7))
    closed = pool("closed", (A, B), DEEP, status=SWAPS_OFF)
    empty = pool("empty", (A, B), (10**6, 0))
    shallow = pool("shallow", (C, B), (10, 10))
    pools = [closed, good, empty, pool("there", (A, C), DEEP), shallow]
    request = exact_out(A, B, 10**6)
    assert find_route(pools, request).route.hops[0].pool == good.address
    lost = {entry.pools: entry for entry in rank_candidates(pools, request, RouteOptions(max_splits=1))[1:]}
    assert "switched off" in str(lost[(closed.address,)].lost)
    assert lost[(empty.address,)].error is not None
    assert "1000000" in str(lost[(shallow.address,)].lost)
    with pytest.raises(RouteNotFound) as caught:
        find_route([closed, empty, shallow], request)
    named = {entry["pools"][0]: entry["code"] for entry in caught.value.context["candidates"]}
    assert named[str(closed.address)] == "POOL_NOT_TRADABLE"
    assert str(empty.address) in named


def test_a_first_hop_that_starves_the_second_is_not_a_route() -> None:
    pools = [pool("there", (A, C), (10**12, 2)), pool("back", (C, B), DEEP)]
    with pytest.raises(RouteNotFound) as caught:
        find_route(pools, exact_in(A, B, 10**4))
    assert len(caught.value.context["candidates"]) == 1
    # One unit of C arrives, and hop slippage leaves nothing of it to spend.
    one_unit = [pool("there", (A, C), (10**6, 3 * 10**6)), pool("back", (C, B), DEEP)]
    assert find_route(one_unit, exact_in(A, B, 3)).amount_out > 0
    with pytest.raises(RouteNotFound, match="nothing would be left"):
        find_route(one_unit, exact_in(A, B, 2), RouteOptions(hop_slippage_bps=9_999))


def test_of_two_states_of_one_pool_the_later_counts() -> None:
    older, newer = pool("one", (A, B), DEEP, slot=7), pool("one", (A, B), (10**12, 2 * 10**12), slot=8)
    expected = find_route([newer], exact_in(A, B, 1_000)).amount_out
    assert find_route([older, newer], exact_in(A, B, 1_000)).amount_out == expected
    assert find_route([newer, older], exact_in(A, B, 1_000)).amount_out == expected


@pytest.mark.parametrize("trade_ppm", [2_500, 100_000])
def test_price_impact_is_exact_and_leaves_fees_out(trade_ppm: int) -> None:
    # 1 % of the input reserve, after the fee, executes 1/101 = 99.0 bps below the spot price whatever the fee is.
    gross = 10**10 * 10**6 // (10**6 - trade_ppm)
    candidate = rank_candidates([pool("one", (A, B), DEEP, trade_ppm=trade_ppm)], exact_in(A, B, gross))[0]
    assert candidate.price_impact_bps == 99
    assert [fee.kind for fee in candidate.fees] == [FeeKind.POOL]
    assert candidate.fees[0].amount == -(-gross * trade_ppm // 10**6)


def test_price_impact_leaves_transfer_fees_on_both_sides_out() -> None:
    taxed = [mint(name, TransferFee(epoch=0, bps=500, maximum=10**18)) for name in "AB"]
    gross = 10**10 * 10**6 // (10**6 - 2_500) * 10_000 // 9_500
    candidate = rank_candidates([pool("one", (taxed[0], taxed[1]), DEEP)], exact_in(A, B, gross))[0]
    assert sorted((fee.kind, fee.mint) for fee in candidate.fees) == sorted(
        [(FeeKind.POOL, A.address), (FeeKind.TRANSFER, A.address), (FeeKind.TRANSFER, B.address)]
    )
    assert candidate.price_impact_bps == 99


def test_a_dearer_hop_that_pays_more_is_kept_beside_a_cheaper_one() -> None:
    # One more unit of C costs 20,000 more compute units: which is better depends on what lamports are worth.
    near = [pool("dear", (A, C), (10**12, 2 * 10**12)), pool("cheap", (A, C), (10**12, 10**12), kind=CheaperToLand)]
    back = pool("back", (C, B), (10**15, 10**15))
    request = exact_in(A, B, 10**4)
    for lamport, winner in ((Price(numerator=1, denominator=10**6), near[0]), (Price(numerator=1, denominator=1), near[1])):
        costs = LandingCosts(lamport_price=lamport, compute_unit_price_micro_lamports=10**6)
        route = find_route([*near, back], request, RouteOptions(costs=costs)).route
        assert [hop.pool for hop in route.hops] == [winner.address, back.address]


def test_price_impact_of_two_hops_compounds() -> None:
    two = [pool("there", (A, C), DEEP), pool("back", (C, B), DEEP)]
    large, small = (rank_candidates(two, exact_in(A, B, amount))[0] for amount in (10**10, 10**7))
    assert large.price_impact_bps is not None
    assert 195 <= large.price_impact_bps <= 198
    assert small.price_impact_bps == 0
    assert [(fee.mint, fee.kind) for fee in large.fees] == [(A.address, FeeKind.POOL), (C.address, FeeKind.POOL)]


def test_an_amount_beyond_all_liquidity_says_how_much_could_be_filled() -> None:
    pools = [pool("one", (A, B), (10**9, 10**6)), pool("two", (A, B), (10**9, 2 * 10**6))]
    with pytest.raises(RouteNotFound, match="can be delivered") as caught:
        find_route(pools, exact_out(A, B, 10**8))
    most = int(caught.value.context["most_fillable"])
    assert 2_990_000 < most < 3_000_000
    assert find_route(pools, exact_out(A, B, most)).amount_out == most
    with pytest.raises(RouteNotFound) as alone:
        find_route(pools, exact_out(A, B, 10**8), RouteOptions(max_splits=1))
    assert 1_990_000 < int(alone.value.context["most_fillable"]) < 2_000_000


def test_legs_are_added_only_where_they_pay_for_themselves() -> None:
    twins = [pool(f"twin {number}", (A, B), (10**9, 10**9)) for number in range(4)]
    request = exact_in(A, B, 10**7)

    def legs(lamport: int) -> int:
        costs = LandingCosts(lamport_price=Price(numerator=lamport, denominator=1), compute_unit_price_micro_lamports=10_000)
        return len(find_route(twins, request, RouteOptions(costs=costs)).route.legs)

    counts = [legs(lamport) for lamport in (0, 10, 100, 1_000)]
    assert counts[0] == 4
    assert counts[-1] == 1
    assert counts == sorted(counts, reverse=True)


def test_what_one_transaction_has_no_room_for_is_not_proposed() -> None:
    class TwoHops:
        def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
            hops = sum(len(leg.hops) for leg in legs)
            return f"{hops} hops are too many" if hops > 2 else None

    twins = [pool(f"twin {number}", (A, B), (10**9, 10**9)) for number in range(4)]
    request = exact_in(A, B, 10**7)
    assert len(find_route(twins, request, RouteOptions(room=AnyRoom())).route.legs) == 4
    solution = solve_route(twins, request, RouteOptions(room=TwoHops()))
    assert [len(leg.hops) for leg in solution.quote.route.legs] == [1, 1]
    assert "4 hops are too many" in {candidate.lost for candidate in solution.candidates}
    far = [pool("1", (A, C), DEEP), pool("2", (C, D), DEEP), pool("3", (D, B), DEEP)]
    with pytest.raises(RouteNotFound, match="fits one transaction: 3 hops"):
        find_route(far, request, RouteOptions(room=TwoHops()))


def test_strategies_change_the_choice_and_never_the_amounts() -> None:
    best, steady = pool("best", (A, B), (10**12, 10**12)), pool("steady", (A, B), (10**12, 10**12 - 10**9))
    request = exact_in(A, B, 10**6)
    one_leg = RouteOptions(max_splits=1)
    assert find_route([best, steady], request, one_leg).route.hops[0].pool == best.address
    wary = replace(one_leg, pool_penalty_ppm={best.address: 50_000})
    solution = solve_route([best, steady], request, wary)
    assert solution.quote.route.hops[0].pool == steady.address
    assert solution.quote.amount_out == find_route([steady], request).amount_out
    shunned = next(candidate for candidate in solution.candidates if candidate.pools == (best.address,))
    assert shunned.handicap > 0 and "record" in str(shunned.lost)
    both = solve_route([best, steady], request, replace(one_leg, pool_penalty_ppm={best.address: 50_000, steady.address: 10_000}))
    chosen, lost = both.candidates
    assert chosen.pools == (steady.address,) and lost.handicap > chosen.handicap > 0
    assert f"{lost.handicap - chosen.handicap} base units of {B.address} of it for its pools' record" in str(lost.lost)
    cooled = solve_route([best, steady], request, replace(one_leg, cooled={best.address: "failed twice"}))
    assert cooled.quote.route.hops[0].pool == steady.address
    assert [one.lost for one in cooled.candidates if one.pools == (best.address,)] == ["left out for now: failed twice"]
    twins = [pool(f"twin {number}", (A, B), (10**10, 10**10)) for number in range(4)]
    large = exact_in(A, B, 10**7)
    assert len(find_route(twins, large).route.legs) > 1
    assert len(find_route(twins, large, RouteOptions(prefer_small=True)).route.legs) == 1


@pytest.mark.parametrize(("seed", "amount"), [(1, 10**10 + 3), (3, 10**8), (13, 10**10 + 3), (30, 10**9 + 7)])
def test_one_set_of_paths_is_one_candidate_however_it_was_divided(seed: int, amount: int) -> None:
    """A search that looks again for shorter paths divides the order twice, to a unit: its reader saw equal rows."""

    class ThreeHops:
        def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
            return "too many" if sum(len(leg.hops) for leg in legs) > 3 else None

    dice, mints = random.Random(seed), dict(zip("ABCD", (A, B, C, D), strict=True))
    pools = []
    for number in range(8):
        one, other = dice.sample("ABCD", 2)
        held = dice.randint(10**10, 10**12)
        depth = (held, held + dice.randint(-held // 100, held // 100))
        pools.append(pool(f"{seed} {number}", (mints[one], mints[other]), depth, trade_ppm=dice.choice([100, 500, 2_500])))
    listed = solve_route(pools, exact_in(A, B, amount), RouteOptions(room=ThreeHops())).candidates
    over = [tuple(sorted(tuple(hop.pool for hop in leg.hops) for leg in one.quote.route.legs)) for one in listed if one.quote]
    assert len(over) == len(set(over)) > 3


class Counted(CpmmPool):
    """Counts quotes over all pools."""

    __slots__ = ()
    asked = 0

    def quote(self, request: QuoteRequest) -> SwapQuote:
        Counted.asked += 1
        return CpmmPool.quote(self, request)


def test_a_market_of_many_pools_is_searched_without_trying_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    near = [pool(f"near {n}", (A, C), (10**12, 10**12 - n * 10**9), kind=Counted) for n in range(150)]
    far = [pool(f"far {n}", (C, B), (10**12, 10**12 - n * 10**9), kind=Counted) for n in range(150)]
    market = Market(near + far)
    request = exact_in(A, B, 10**6)
    find_route(market, request)
    monkeypatch.setattr(Counted, "asked", 0)
    route = find_route(market, request)
    assert [hop.pool for hop in route.route.hops] == [near[0].address, far[0].address]
    assert 0 < Counted.asked <= 100
    # Nor does an amount beyond all liquidity take longer to refuse, and the list of reasons stays readable.
    shallow = Market([pool(f"near {n}", (A, C), (10**12, 10**3), kind=Counted) for n in range(150)] + far)
    with pytest.raises(RouteNotFound):
        find_route(shallow, exact_out(A, B, 10**6))
    monkeypatch.setattr(Counted, "asked", 0)
    with pytest.raises(RouteNotFound) as caught:
        find_route(shallow, exact_out(A, B, 10**6))
    assert 0 < Counted.asked <= 300
    assert 1 <= len(caught.value.context["candidates"]) <= 100


@pytest.mark.parametrize("mode", SwapMode)
def test_what_can_be_filled_is_found_where_small_amounts_are_too_small(mode: SwapMode) -> None:
    """In small pools at a steep price a handful of base units is no swap, a few hundred are, and a thousand are too many."""
    sharp = [pool("sharp", (A, B), (10**9, 200))]
    amount = 2**63 if mode is SwapMode.EXACT_IN else 2_000
    request = exact_in(A, B, amount) if mode is SwapMode.EXACT_IN else exact_out(A, B, amount)
    with pytest.raises(RouteNotFound) as caught:
        find_route(sharp, request, RouteOptions(room=OnlyBetween(60, 124)))
    most = int(caught.value.context["most_fillable"])
    delivered = find_route(sharp, replace(request, amount=most), RouteOptions(room=OnlyBetween(60, 124))).amount_out
    assert 120 <= delivered <= 124 and f"At most {most} base units of " in caught.value.message


@dataclass(frozen=True)
class OnlyBetween:
    """Room for amounts at the far end within two bounds."""

    least: int
    most: int

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        out = sum(leg.amount_out for leg in legs)
        return None if self.least <= out <= self.most else f"{out} is out of bounds"
