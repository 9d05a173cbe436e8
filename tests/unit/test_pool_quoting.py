"""Swaps in a dexroute pool: worked values, refusals by the program's codes, and what holds for every pool and amount."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PairNotInPool, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.base import SwapQuote, SwapRequest
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.math.transfer_fee import transfer_fee_on
from dexroute.types.fees import FeeKind
from dexroute.types.mints import TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.programs.samples import ADMIN, AMOUNTS, MINT_A, MINT_B, NOW, TERMS, pools, sample_pool, with_transfer_fees


def request(pool: DexroutePool, amount: int, mode: SwapMode = SwapMode.EXACT_IN, index_in: int = 0) -> QuoteRequest:
    mints = [mint.address for mint in pool.mints]
    return QuoteRequest(input_mint=mints[index_in], output_mint=mints[1 - index_in], amount=amount, mode=mode)


def swap(pool: DexroutePool, amount: int, mode: SwapMode = SwapMode.EXACT_IN, index_in: int = 0) -> DexroutePool:
    after = pool.quote(request(pool, amount, mode, index_in)).next_pool
    assert isinstance(after, DexroutePool)
    return after


def test_exact_in_by_hand() -> None:
    # fee ceil(1_000_000 * 0.003) = 3_000; out floor(2e12 * 997_000 / (1e12 + 997_000)) = 1_993_998; protocol floor(3_000 * 0.2)
    pool = sample_pool(sums=PriceSums(a_x64=5, b_x64=6, at=NOW - 10))
    quote = pool.quote(request(pool, 1_000_000))
    assert (quote.amount_in, quote.amount_out) == (1_000_000, 1_993_998)
    assert [(fee.kind, fee.mint, fee.amount) for fee in quote.fees] == [(FeeKind.POOL, MINT_A.address, 3_000)]
    assert quote.next_pool == replace(
        pool,
        reserves=(10**12 + 999_400, 2 * 10**12 - 1_993_998),
        protocol_fees=(600, 0),
        volatility=Volatility(bps=0, reference=pool.reserves, last_swap_at=NOW),
        sums=PriceSums(a_x64=5 + (2 << 64) * 10, b_x64=6 + (1 << 63) * 10, at=NOW),
    )


def test_exact_out_by_hand() -> None:
    # less ceil(1e12 * 1_993_998 / (2e12 - 1_993_998)) = 997_000; net ceil(997_000 / 0.997) = 1_000_000
    pool = sample_pool()
    quote = pool.quote(request(pool, 1_993_998, SwapMode.EXACT_OUT))
    assert (quote.amount_in, quote.amount_out) == (1_000_000, 1_993_998)
    assert quote.next_pool == pool.quote(request(pool, 1_000_000)).next_pool


def test_transfer_fees_both_sides_by_hand() -> None:
    # 1 % in: 990_000 reach the pool, fee 2_970, out floor(2e12 * 987_030 / (1e12 + 987_030)) = 1_974_058; 2 % out: 39_482 withheld
    pool = with_transfer_fees(
        sample_pool(), (TransferFee(epoch=0, bps=100, maximum=10**9), TransferFee(epoch=0, bps=200, maximum=10**9))
    )
    quote = pool.quote(request(pool, 1_000_000))
    assert quote.amount_out == 1_974_058 - 39_482
    assert [(fee.kind, fee.amount) for fee in quote.fees] == [
        (FeeKind.TRANSFER, 10_000), (FeeKind.POOL, 2_970), (FeeKind.TRANSFER, 39_482),
    ]  # fmt: skip


def test_a_burst_costs_more_and_waiting_makes_it_cheap_again() -> None:
    pool = sample_pool()
    moved = swap(pool, 10**10)
    assert moved.volatility.bps == 196  # 1 - 1 / 1.01^2 is 1.97 %, a little less with the fee left in the pool
    assert moved.fee_ppm() == 3_000 + 7_684  # ceil(2_000 * 1.96^2)
    later = replace(moved, clock=replace(moved.clock, unix_timestamp=NOW + TERMS.decay_period_s))
    assert later.fee_ppm() == 3_000


@pytest.mark.parametrize(
    ("changes", "amount", "mode", "error", "code"),
    [
        ({"status": 1}, 5, SwapMode.EXACT_IN, PoolNotTradable, 6_012),
        ({"status": 7}, 5, SwapMode.EXACT_OUT, PoolNotTradable, 6_012),
        ({}, 0, SwapMode.EXACT_IN, AmountTooSmall, 6_015),
        ({}, 0, SwapMode.EXACT_OUT, AmountTooSmall, 6_015),
        ({}, 1, SwapMode.EXACT_IN, AmountTooSmall, 6_015),
        ({"reserves": (10**12, 1)}, 10**6, SwapMode.EXACT_IN, AmountTooSmall, 6_015),
        ({"reserves": (0, 0), "lp_supply": 0}, 10**6, SwapMode.EXACT_IN, AmountTooSmall, 6_015),
        ({"reserves": (0, 0), "lp_supply": 0}, 1, SwapMode.EXACT_OUT, ExceedsLiquidity, 6_016),
        ({}, 2 * 10**12, SwapMode.EXACT_OUT, ExceedsLiquidity, 6_016),
        ({"reserves": (2**64 - 1, 2**64 - 1)}, 10**6, SwapMode.EXACT_IN, QuoteOverflow, 6_017),
        ({"reserves": (2**64 - 1, 2)}, 1, SwapMode.EXACT_OUT, QuoteOverflow, 6_017),
        ({"protocol_fees": (2**64 - 1, 0)}, 10**6, SwapMode.EXACT_IN, QuoteOverflow, 6_017),
        ({}, 2**64, SwapMode.EXACT_IN, QuoteOverflow, None),
        ({}, -1, SwapMode.EXACT_OUT, AmountTooSmall, None),
    ],
)
def test_refusals_carry_the_programs_code(
    changes: dict[str, object], amount: int, mode: SwapMode, error: type[QuoteError], code: int | None
) -> None:
    pool = sample_pool(**changes)
    with pytest.raises(error) as caught:
        pool.quote(request(pool, amount, mode))
    assert caught.value.program_error == code
    assert str(pool.address) in caught.value.message and caught.value.context["slot"] == 77


@pytest.mark.parametrize("pair", [(MINT_A, MINT_A), (MINT_B, MINT_B)])
def test_foreign_pairs_are_refused(pair: tuple[object, object]) -> None:
    pool = sample_pool()
    stranger = Pubkey.from_bytes(bytes([9] * 32))
    for mints in ((MINT_A.address, MINT_A.address), (MINT_A.address, stranger), (stranger, MINT_B.address)):
        asked = QuoteRequest(input_mint=mints[0], output_mint=mints[1], amount=5)
        with pytest.raises(PairNotInPool):
            pool.quote(asked)
        with pytest.raises(PairNotInPool):
            pool.swap_instruction(SwapRequest(quote=asked, limit=1, user=ADMIN, source=ADMIN, destination=ADMIN))
        with pytest.raises(PairNotInPool):
            pool.spot_price(*mints)


def test_spot_price_and_tradability() -> None:
    pool = sample_pool()
    assert pool.spot_price(MINT_A.address, MINT_B.address).ratio == 2
    assert pool.tradable().ok
    assert "switched off" in (sample_pool(status=1).tradable().reason or "")
    with pytest.raises(ExceedsLiquidity):
        sample_pool(reserves=(0, 0), lp_supply=0).spot_price(MINT_A.address, MINT_B.address)


def attempt(pool: DexroutePool, amount: int, mode: SwapMode, index_in: int) -> SwapQuote:
    """The quote; a refused one ends the example."""
    try:
        return pool.quote(request(pool, amount, mode, index_in))
    except QuoteError:
        assume(False)
        raise


SIDES = st.integers(0, 1)
MODES = st.sampled_from(SwapMode)


@settings(max_examples=150, deadline=None)
@given(pools(), AMOUNTS, MODES, SIDES)
def test_k_never_falls_and_money_adds_up(pool: DexroutePool, amount: int, mode: SwapMode, index_in: int) -> None:
    quote = attempt(pool, amount, mode, index_in)
    after = quote.next_pool
    assert isinstance(after, DexroutePool)
    assert after.reserves[0] * after.reserves[1] >= pool.reserves[0] * pool.reserves[1]
    arrived = quote.amount_in - transfer_fee_on(quote.amount_in, pool.mints[index_in].transfer_fee)
    grown = [after.reserves[side] + after.protocol_fees[side] - pool.reserves[side] - pool.protocol_fees[side] for side in (0, 1)]
    assert grown[index_in] == arrived
    assert -grown[1 - index_in] - transfer_fee_on(-grown[1 - index_in], pool.mints[1 - index_in].transfer_fee) == quote.amount_out
    taken = {kind: sum(fee.amount for fee in quote.fees if fee.kind is kind) for kind in FeeKind}
    assert taken[FeeKind.TRANSFER] == quote.amount_in - arrived + (-grown[1 - index_in] - quote.amount_out)
    assert all(0 <= value < 2**64 for value in (*after.reserves, *after.protocol_fees, quote.amount_in, quote.amount_out))
    assert after.volatility.bps <= pool.terms.max_volatility_bps


@settings(max_examples=150, deadline=None)
@given(pools(), AMOUNTS, SIDES)
def test_exact_out_buys_no_cheaper_than_exact_in_sells(pool: DexroutePool, amount: int, index_in: int) -> None:
    sold = attempt(pool, amount, SwapMode.EXACT_IN, index_in)
    bought = attempt(pool, sold.amount_out, SwapMode.EXACT_OUT, index_in)
    assert bought.amount_in <= sold.amount_in
    again = attempt(pool, bought.amount_in, SwapMode.EXACT_IN, index_in)
    assert again.amount_out >= sold.amount_out


@settings(max_examples=100, deadline=None)
@given(pools(), AMOUNTS, MODES, SIDES)
def test_a_round_trip_gains_nothing(pool: DexroutePool, amount: int, mode: SwapMode, index_in: int) -> None:
    there = attempt(pool, amount, mode, index_in)
    after = there.next_pool
    assert isinstance(after, DexroutePool)
    back = attempt(after, there.amount_out, SwapMode.EXACT_IN, 1 - index_in)
    assert back.amount_out <= there.amount_in


@settings(max_examples=100, deadline=None)
@given(pools(), AMOUNTS, MODES, SIDES)
def test_more_is_never_less(pool: DexroutePool, amount: int, mode: SwapMode, index_in: int) -> None:
    less, more = attempt(pool, amount, mode, index_in), attempt(pool, amount + 1, mode, index_in)
    assert less.amount_in <= more.amount_in and less.amount_out <= more.amount_out
    assert less == attempt(pool, amount, mode, index_in)
