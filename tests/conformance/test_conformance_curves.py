"""What every venue's curve must be: concave, never below a quote, nor below several through the same pool."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import LiquidityNotLoaded, PairNotInPool, QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.curve import Curve, curve_of
from dexroute.fetchers.meteora.damm_v1.curves import StableCurve
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.mints import TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import Case, all_cases, cases_of
from tests.conformance.reshaped_pools import RESHAPED, some_amount
from tests.conformance.test_conformance_quotes import CASES, LADDER, attempt, directions

MOST = (10**6, 10**11, U64_MAX)


class Sampled:
    """A pool that does not describe its curve."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        if name == "liquidity_curve":
            raise AttributeError(name)
        return getattr(self._pool, name)


def worth(curve: Curve, x: float) -> float:
    """What rounding may move: two base units of either side."""
    return 2.0 + curve.amount_out(x) - curve.amount_out(max(x - 2.0, 0.0))


def bound(curve: Curve, x: int) -> float:
    return curve.amount_out(float(x)) * (1 + 1e-9) + worth(curve, x)


def curves_of(pool: Pool) -> list[tuple[int, tuple[Any, Any], Curve]]:
    return [(most, pair, curve_of(pool, *pair, most_in=most)) for most in MOST for pair in directions(pool)]


@pytest.mark.parametrize("sampled", [False, True], ids=["own", "sampled"])
@CASES
def test_a_curve_is_concave_and_never_below_a_quote(case: Case, sampled: bool) -> None:
    plain = case.pool()
    pool: Any = Sampled(plain) if sampled else plain
    compared = 0
    for most, pair, curve in curves_of(pool):
        assert curve.capacity_in <= most * (1 + 1e-9)
        assert all(piece.amount_in > 0 and piece.slope > 0 and piece.bend >= 0 for piece in curve.pieces)
        for before, after in pairwise(curve.pieces):
            assert after.slope <= before.end_slope * (1 + 1e-9)
        for amount in LADDER:
            quote = attempt(plain, pair, amount) if amount <= most else None
            if quote is not None:
                assert quote.amount_out <= bound(curve, amount)
                compared += 1
    assert (compared > 0) == plain.tradable().ok


@pytest.mark.parametrize("case", [case for case in all_cases() if not case.fee_follows_swaps], ids=str)
def test_it_is_above_a_quote_by_rounding_only(case: Case) -> None:
    """At the end of every curve, and everywhere on those of mints without a capped transfer fee, which makes dents."""
    pool = case.pool()
    compared = 0
    for pair in directions(pool):
        whole = None if any(capped(mint.transfer_fee) for mint in pool.mints) else curve_of(pool, *pair, most_in=U64_MAX)
        for amount in LADDER:
            quote = attempt(pool, pair, amount)
            for curve in (curve_of(pool, *pair, most_in=amount), whole):
                if quote is not None and curve is not None:
                    assert curve.amount_out(float(amount)) - quote.amount_out <= 1e-6 * quote.amount_out + roundings(curve)
                    compared += 1
    assert (compared > 0) == pool.tradable().ok


def capped(fee: TransferFee | None) -> bool:
    return fee is not None and fee.bps > 0 and fee.maximum < U64_MAX


def roundings(curve: Curve) -> float:
    """A program may round on every stretch, in favour of nobody but the pool: one base unit of either side."""
    return (len(curve.pieces) + 3) * (1.0 + curve.pieces[0].slope)


@pytest.mark.parametrize("case", [case for case in all_cases() if case.fee_follows_swaps and case.pool().tradable().ok], ids=str)
def test_where_several_swaps_pay_less_they_come_near_it(case: Case) -> None:
    pool = case.pool()
    compared = 0
    for pair in directions(pool):
        whole = curve_of(pool, *pair, most_in=U64_MAX)
        for total in (10**7, 10**9, 10**11, int(whole.capacity_in / 3)):
            gained = [all_of(pool, pair, total, dust=dust, parts=parts) for dust in (0, 12) for parts in (1, 8, 100)]
            if any(gained):
                curve = curve_of(pool, *pair, most_in=total)
                assert curve.amount_out(float(total)) <= max(gained) * 1.02 + roundings(curve)
                compared += 1
    assert compared > 0


def all_of(pool: Pool, pair: tuple[Pubkey, Pubkey], total: int, *, dust: int, parts: int) -> int:
    """What `total` gives in a few tiny swaps and then in equal parts; 0 where the pool does not take it all."""
    left, received = total, 0
    for part in range(dust + parts):
        quote = attempt(pool, pair, total // 10**5 if part < dust else left // (dust + parts - part))
        if quote is None:
            return 0
        left, received, pool = left - quote.amount_in, received + quote.amount_out, quote.next_pool
    return received


@CASES
def test_it_says_whether_more_may_come(case: Case) -> None:
    pool = case.pool()
    for most, pair, curve in curves_of(pool):
        beyond = int(curve.capacity_in * (1 + 1e-6)) + 2
        if most < U64_MAX and curve.complete and beyond <= U64_MAX:
            try:
                more = pool.quote(QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=beyond))
            except LiquidityNotLoaded:
                pytest.fail(f"{case}: {beyond} needs accounts that were not read, and the curve of {most} calls itself complete")
            except QuoteError:
                continue
            assert more.amount_out <= curve.capacity_out * (1 + 1e-9) + 2


@given(
    case=st.sampled_from(all_cases()),
    flip=st.booleans(),
    exponent=st.floats(0, 19),
    shares=st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1.0)), min_size=1, max_size=8),
    later_s=st.integers(0, 700),
)
def test_swaps_one_after_the_other_never_beat_the_curve(
    case: Case, flip: bool, exponent: float, shares: list[float], later_s: int
) -> None:
    """`later_s`: what fees remember fades by the cluster's clock."""
    clock = replace(case.snapshot.clock, unix_timestamp=case.snapshot.clock.unix_timestamp + later_s)
    pool = replace(case, snapshot=replace(case.snapshot, clock=clock)).pool()
    pair = directions(pool)[flip]
    total = min(int(10**exponent), U64_MAX)
    curve = curve_of(pool, *pair, most_in=total)
    spent = received = swaps = 0
    for share in shares:
        quote = attempt(pool, pair, max(1, int((total - spent) * share)))
        if quote is None or spent + quote.amount_in > total:
            continue
        spent, received, swaps, pool = spent + quote.amount_in, received + quote.amount_out, swaps + 1, quote.next_pool
        assert received <= curve.amount_out(float(spent)) * (1 + 1e-9) + swaps * worth(curve, spent)


@given(case=st.sampled_from(all_cases()), flip=st.booleans(), exponent=st.floats(0, 19))
def test_exact_outputs_cost_no_less_than_the_curve(case: Case, flip: bool, exponent: float) -> None:
    pool = case.pool()
    pair = directions(pool)[flip]
    quote = attempt(pool, pair, min(int(10**exponent), U64_MAX), SwapMode.EXACT_OUT)
    if quote is None:
        return
    curve = curve_of(pool, *pair, most_in=min(quote.amount_in + 2, U64_MAX))
    assert quote.amount_out <= bound(curve, quote.amount_in)
    assert curve.amount_in(quote.amount_out / (1 + 1e-9) - worth(curve, quote.amount_in)) <= quote.amount_in


@CASES
def test_a_stranger_has_no_curve(case: Case) -> None:
    pool = case.pool()
    a, _ = (mint.address for mint in pool.mints)
    with pytest.raises(PairNotInPool, match=str(case.address)):
        curve_of(pool, a, a, most_in=1)
    assert curve_of(pool, *directions(pool)[0], most_in=0).pieces == ()


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_no_pool_however_lopsided_pays_more_than_its_curve(venue_id: str) -> None:
    """Against what the certificate counts with, which is stricter than two units: a billionth, and the favour the curve names."""
    rng = Random(int(os.environ.get("DEXROUTE_SEED", "7")))
    states = [case for case in cases_of(venue_id) if case.pool().tradable().ok]
    compared = 0
    for _ in range(60):
        case = rng.choice(states)
        pool = RESHAPED[venue_id](case.pool(), rng)
        if not pool.tradable().ok:
            continue
        for pair in directions(pool):
            curve = curve_of(pool, *pair, most_in=U64_MAX)
            top = max(int(min(curve.amount_in(curve.capacity_out * 0.999), U64_MAX)), 1)
            for amount in (1, 2, top, *(int(top * 10.0 ** rng.uniform(-9.0, 1.0)) for _ in range(6)), some_amount(rng), U64_MAX):
                for mode in case.modes:
                    quote = attempt(pool, pair, max(min(amount, U64_MAX), 1), mode)
                    if quote is not None:
                        assert quote.amount_out <= at_most(curve, quote.amount_in), (case, pool, pair, quote)
                        compared += 1
            compared += not_beaten_by_several(
                pool, pair, curve, max(1, int(top * 10.0 ** rng.uniform(-6.0, 0.0))), rng.randint(2, 8)
            )
    assert compared > 200


@pytest.mark.parametrize("reserves", [(10**6, 3), (3, 10**6), (1, 10**12), (2276, 10_937_353)], ids=str)
def test_the_first_unit_into_a_lopsided_stable_pool_is_in_its_curve(reserves: tuple[int, int]) -> None:
    compared = 0
    for case in cases_of("meteora-damm-v1"):
        pool = case.pool()
        if not isinstance(pool, DammV1Pool) or not isinstance(pool.curve, StableCurve) or not pool.tradable().ok:
            continue
        sides = [
            replace(side, total=held, cash=held, supply=held, share=held, locked_profit=0)
            for side, held in zip(pool.sides, reserves, strict=True)
        ]
        tilted = replace(pool, sides=(sides[0], sides[1]))
        for pair in directions(tilted):
            curve = curve_of(tilted, *pair, most_in=U64_MAX)
            for amount in (*range(1, 30), *LADDER):
                quote = attempt(tilted, pair, amount)
                if quote is not None:
                    assert quote.amount_out <= at_most(curve, amount)
                    compared += 1
    assert compared > 200


def at_most(curve: Curve, spent: int, swaps: int = 1) -> float:
    """The most that many swaps get for this input by the certificate."""
    return (curve.amount_out(spent + swaps * curve.favour_in) + swaps * curve.favour_out) * (1 + 1e-9)


def not_beaten_by_several(pool: Pool, pair: tuple[Pubkey, Pubkey], curve: Curve, total: int, parts: int) -> int:
    spent = received = swaps = 0
    for _ in range(parts):
        quote = attempt(pool, pair, max(total // parts, 1))
        if quote is None:
            break
        spent, received, swaps, pool = spent + quote.amount_in, received + quote.amount_out, swaps + 1, quote.next_pool
        assert received <= at_most(curve, spent, swaps)
    return swaps
