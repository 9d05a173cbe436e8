"""CLMM pools whose bytes say that a build of the program's 2026 source runs: how they are read, quoted and left behind."""

from __future__ import annotations

from dataclasses import replace
from struct import pack

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import AmountTooSmall, DecodeError, QuoteError, QuoteOverflow
from dexroute.fetchers.raydium.clmm.addresses import tick_array_address
from dexroute.fetchers.raydium.clmm.decode import decode_clmm_pool
from dexroute.fetchers.raydium.clmm.dynamic_fee import DynamicFee
from dexroute.fetchers.raydium.clmm.limit_orders import LimitOrders, fill
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState, state_named


@pytest.fixture
def state() -> RecordedState:
    return state_named("raydium-clmm", "several-arrays")


@pytest.fixture
def plain(state: RecordedState) -> ClmmPool:
    return decode_clmm_pool(state.pool, state.snapshot)


def patched(state: RecordedState, *changes: tuple[Pubkey, int, bytes]) -> AccountSnapshot:
    accounts = dict(state.snapshot.accounts)
    for address, offset, content in changes:
        account = accounts[address]
        assert account is not None
        accounts[address] = replace(account, data=account.data[:offset] + content + account.data[offset + len(content) :])
    return replace(state.snapshot, accounts=accounts)


def asked(pool: ClmmPool, amount: int, *, up: bool = False, mode: SwapMode = SwapMode.EXACT_IN) -> QuoteRequest:
    first, second = (mint.address for mint in (reversed(pool.mints) if up else pool.mints))
    return QuoteRequest(input_mint=first, output_mint=second, amount=amount, mode=mode)


def test_dynamic_fees_are_read_where_the_source_keeps_them(state: RecordedState, plain: ClmmPool) -> None:
    content = pack("<HHHIIiIIQ", 10, 600, 5_000, 40_000, 350_000, 93, 12_000, 30_000, state.snapshot.clock.unix_timestamp - 60)
    pool = decode_clmm_pool(state.pool, patched(state, (state.pool, 1_096, content)))
    assert pool.dynamic_fee == DynamicFee(
        filter_period=10,
        decay_period=600,
        reduction=5_000,
        control=40_000,
        max_volatility=350_000,
        index_reference=93,
        volatility_reference=12_000,
        volatility=30_000,
        last_update=state.snapshot.clock.unix_timestamp - 60,
    )
    assert plain.dynamic_fee is None
    dearer, usual = pool.quote(asked(pool, 10**9)), plain.quote(asked(plain, 10**9))
    assert dearer.amount_out < usual.amount_out
    after = dearer.next_pool
    assert isinstance(after, ClmmPool)
    assert after.dynamic_fee is not None
    assert after.dynamic_fee.volatility_reference == 15_000
    assert after.dynamic_fee.last_update == state.snapshot.clock.unix_timestamp


def test_settings_that_would_make_a_swap_endless_are_refused(plain: ClmmPool) -> None:
    endless = DynamicFee(
        filter_period=1,
        decay_period=2,
        reduction=1,
        control=1,
        max_volatility=2**32 - 1,
        index_reference=-(2**31),
        volatility_reference=0,
        volatility=0,
        last_update=0,
    )
    far = replace(plain.ladder, ticks=(-440_000, 440_000), nets=(plain.liquidity, -plain.liquidity))
    pool = replace(plain, dynamic_fee=endless, ladder=far, vault_amounts=(2**62, 2**62))
    assert pool.quote(asked(pool, 10**6)).amount_out > 0
    with pytest.raises(QuoteOverflow, match="1000 steps"):
        pool.quote(asked(pool, 2**61))


def test_fees_on_one_token_are_told_in_that_token(state: RecordedState, plain: ClmmPool) -> None:
    mints = [mint.address for mint in plain.mints]
    for fee_on in (1, 2):
        pool = decode_clmm_pool(state.pool, patched(state, (state.pool, 390, bytes([fee_on]))))
        for up in (False, True):
            for mode in SwapMode:
                quote = pool.quote(asked(pool, 10**9, up=up, mode=mode))
                assert [fee.mint for fee in quote.fees] == [mints[fee_on - 1]]
                backwards = mode is SwapMode.EXACT_OUT
                usual = plain.quote(asked(plain, 10**9, up=up, mode=mode))
                given, taken = (usual.amount_in, quote.amount_in) if backwards else (quote.amount_out, usual.amount_out)
                # The same rate on the other side of the swap: about the same price.
                assert abs(given - taken) <= max(given, taken) // 10**4


def order_tick(plain: ClmmPool) -> tuple[int, Pubkey, int]:
    """An uninitialized tick above the price in its own array: (tick, its array, its place in it)."""
    start = plain.current_array() * 60 * plain.tick_spacing
    tick = next(t for t in range(start, start + 600, 10) if t > plain.tick_current and t not in plain.ladder.ticks)
    return tick, tick_array_address(plain.address, start), 44 + (tick - start) // 10 * 168


def test_limit_orders_are_read_filled_and_gone(state: RecordedState, plain: ClmmPool) -> None:
    tick, array, place = order_tick(plain)
    content = pack("<QQQ", 3, 700_000_000, 50_000_000)
    snapshot = patched(state, (array, place, pack("<i", tick)), (array, place + 124 - 8, content))
    pool = decode_clmm_pool(state.pool, snapshot)
    assert pool.ladder.orders == {tick: LimitOrders(waiting=700_000_000, part_filled=50_000_000, has_liquidity=False)}
    assert tick in pool.ladder.ticks
    assert pool.has_2026_features
    usual = plain.quote(asked(plain, 5 * 10**9, up=True))
    through = pool.quote(asked(pool, 5 * 10**9, up=True))
    assert through.amount_out > usual.amount_out
    after = through.next_pool
    assert isinstance(after, ClmmPool)
    assert after.ladder == plain.ladder
    assert not after.has_2026_features
    # Down, nobody meets them.
    assert pool.quote(asked(pool, 10**9)).amount_out == plain.quote(asked(plain, 10**9)).amount_out


def test_a_part_of_the_orders_is_filled_first_come_first_served(state: RecordedState, plain: ClmmPool) -> None:
    tick, array, place = order_tick(plain)
    orders = pack("<QQQ", 3, 10**17, 50_000_000)
    pool = decode_clmm_pool(state.pool, patched(state, (array, place, pack("<i", tick)), (array, place + 116, orders)))
    quote = pool.quote(asked(pool, 5 * 10**9, up=True))
    after = quote.next_pool
    assert isinstance(after, ClmmPool)
    left = after.ladder.orders[tick]
    assert left.waiting == 0
    assert 0 < left.part_filled < 10**17
    assert after.tick_current == tick - 1
    assert after.liquidity == pool.liquidity
    again = after.quote(asked(after, 10**6, up=True)).next_pool
    assert isinstance(again, ClmmPool)
    assert again.ladder.orders[tick].part_filled < left.part_filled
    assert again.sqrt_price_x64 == after.sqrt_price_x64


def test_an_array_whose_last_order_is_filled_leaves_the_bitmap(plain: ClmmPool) -> None:
    tick = plain.ladder.ticks[-1]
    beyond = (tick // 600 + 2) * 600
    bitmap = replace(plain.bitmap, bits=plain.bitmap.bits | 1 << beyond // 600 + 512 * 15)
    ladder = replace(
        plain.ladder,
        ticks=(*plain.ladder.ticks, beyond),
        nets=(*plain.ladder.nets, 0),
        orders={beyond: LimitOrders(waiting=5, part_filled=0, has_liquidity=False)},
    )
    pool = replace(plain, bitmap=bitmap, ladder=ladder, vault_amounts=(2**62, 2**62))
    most = 10**6
    while True:
        try:
            end = pool.quote(asked(pool, most * 2, up=True)).next_pool
        except QuoteError:
            break
        most *= 2
    low, high = most, most * 2
    while high - low > 1:
        middle = (low + high) // 2
        try:
            end = pool.quote(asked(pool, middle, up=True)).next_pool
            low = middle
        except QuoteError:
            high = middle
    assert isinstance(end, ClmmPool)
    assert end.ladder.orders == {}
    assert end.bitmap == plain.bitmap


def test_what_later_builds_may_mean_is_refused_by_name(state: RecordedState) -> None:
    for offset in (391, 1_176, 1_543):
        with pytest.raises(DecodeError, match="update dexroute"):
            decode_clmm_pool(state.pool, patched(state, (state.pool, offset, b"\1")))


def test_order_prices_round_against_the_swapper() -> None:
    orders = LimitOrders(waiting=10**6, part_filled=0, has_liquidity=False)
    price = (1 << 64) + 12_345_678_901_234_567
    for down in (False, True):
        out = fill(orders, 1_000, price, 0, down=down, exact_in=True, on_input=True)
        exact = 1_000 * price**2 / 2**128 if down else 1_000 * 2**128 / price**2
        assert out.amount_out == out.taken == int(exact)
        back = fill(orders, out.amount_out, price, 0, down=down, exact_in=False, on_input=True)
        assert back.amount_in <= 1_000
    most = fill(orders, 10**9, price, 2_500, down=True, exact_in=True, on_input=True)
    assert most.taken == 10**6
    assert most.fee == -(-most.amount_in * 2_500 // 997_500)


def test_a_swap_too_small_for_either_side_is_refused(state: RecordedState) -> None:
    pool = decode_clmm_pool(state.pool, patched(state, (state.pool, 390, b"\2")))
    with pytest.raises(AmountTooSmall):
        pool.quote(asked(pool, 1))
