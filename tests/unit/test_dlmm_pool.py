"""DLMM pairs beyond the recordings: bitmaps, bins, reach, instructions, clocks, absurd bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, ExceedsLiquidity, LiquidityNotLoaded, PoolNotTradable, QuoteError
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.dlmm import addresses
from dexroute.fetchers.meteora.dlmm.bins import Bin, BinArray
from dexroute.fetchers.meteora.dlmm.bitmap import ArrayBitmap, array_index, joined
from dexroute.fetchers.meteora.dlmm.decode import decode_dlmm_pool
from dexroute.fetchers.meteora.dlmm.fees import FeeTerms, Volatility
from dexroute.fetchers.meteora.dlmm.instruction import swap_instruction
from dexroute.fetchers.meteora.dlmm.loading import ARRAYS_PER_SIDE, required_accounts
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import state_named

USER, SOURCE, DESTINATION = (Pubkey.from_bytes(bytes([9, index] * 16)) for index in range(3))
FIXED_ACCOUNTS = 16


@dataclass(frozen=True)
class State:
    """A pair and the accounts around it."""

    pool: Pubkey
    snapshot: AccountSnapshot


def recorded(name: str) -> State:
    state = state_named("meteora-dlmm", name)
    return State(state.pool, state.snapshot)


def pool_of(state: State) -> DlmmPool:
    return decode_dlmm_pool(state.pool, state.snapshot)


def patched(state: State, offset: int, content: bytes, address: Pubkey | None = None) -> State:
    address = address or state.pool
    account = state.snapshot.accounts[address]
    assert account is not None
    data = account.data[:offset] + content + account.data[offset + len(content) :]
    accounts = {**state.snapshot.accounts, address: replace(account, data=data)}
    return State(state.pool, replace(state.snapshot, accounts=accounts))


def without(state: State, address: Pubkey) -> State:
    accounts = {key: account for key, account in state.snapshot.accounts.items() if key != address}
    return State(state.pool, replace(state.snapshot, accounts=accounts))


def asked(pool: DlmmPool, amount: int, *, down: bool = True, mode: SwapMode = SwapMode.EXACT_IN) -> QuoteRequest:
    mint_in, mint_out = (mint.address for mint in (pool.mints if down else reversed(pool.mints)))
    return QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode)


def most_out(pool: DlmmPool, *, down: bool) -> int:
    return sum(entry.y if down else entry.x for array in pool.arrays.values() for entry in array.bins if entry is not None)


@given(st.sets(st.integers(-6_656, 6_655), max_size=12), st.integers(-6_656, 6_655), st.booleans())
def test_the_joined_bitmap_finds_what_the_halves_hold(indexes: set[int], start: int, down: bool) -> None:
    pair, positive, negative = 0, 0, 0
    for index in indexes:
        if -512 <= index < 512:
            pair |= 1 << (index + 512)
        elif index >= 512:
            positive |= 1 << (index - 512)
        else:
            negative |= 1 << (-513 - index)
    bitmap = joined(pair.to_bytes(128, "little"), positive.to_bytes(768, "little"), negative.to_bytes(768, "little"))
    ahead = [index for index in indexes if (index <= start if down else index >= start)]
    expected = (max(ahead) if down else min(ahead)) if ahead else None
    assert bitmap.at_or_after(start, down=down) == expected
    assert bitmap.nearest(start, 3, down=down) == tuple(sorted(ahead, reverse=down)[:3])


def test_without_an_extension_the_bitmap_ends_at_the_pairs_own() -> None:
    bitmap = joined((1 << 1023 | 1).to_bytes(128, "little"), b"", b"")
    assert bitmap.at_or_after(0, down=False) == 511
    assert bitmap.at_or_after(0, down=True) == -512
    assert bitmap.at_or_after(512, down=True) is None
    assert bitmap.at_or_after(-513, down=False) is None
    assert not bitmap.extended
    assert ArrayBitmap(0, 512).nearest(0, 5, down=True) == ()


def test_an_array_is_read_once_and_equals_what_it_was_made_of() -> None:
    state = recorded("limit-orders-half-filled")
    array = next(iter(pool_of(state).arrays.values()))
    twin = pool_of(state).arrays[array.index]
    assert array == twin
    assert hash(array) == hash(twin)
    assert array.bins is array.bins
    assert len(array.bins) == 70
    assert array != BinArray(array.index + 70, array.bins)
    entry = next(entry for entry in array.bins if entry is not None and not entry.open_orders)
    emptied = array.with_bins({array.first_id + array.bins.index(entry): entry._replace(x=0, y=0, partly_filled=0)})
    assert emptied.bins[array.bins.index(entry)] is None
    assert "filled bins" in repr(array)


def test_a_missing_array_is_named_and_nearer_swaps_are_quoted() -> None:
    state = recorded("many-arrays-step10")
    pool = pool_of(state)
    lowest = addresses.bin_array_address(pool.address, min(pool.arrays))
    partial = pool_of(without(state, lowest))
    amount = most_out(pool, down=True)
    with pytest.raises(LiquidityNotLoaded) as caught:
        partial.quote(asked(partial, amount, mode=SwapMode.EXACT_OUT))
    assert caught.value.context["missing"] == [str(lowest)]
    assert caught.value.context["pool"] == str(pool.address)
    assert str(lowest) in caught.value.message
    assert caught.value.program_error == 3005
    small = asked(pool, 1_000)
    quotes = pool.quote(small), partial.quote(small)
    assert quotes[0].amount_out == quotes[1].amount_out > 0


def test_required_accounts_ask_for_arrays_on_both_sides_and_stop() -> None:
    state = recorded("gaps-step10")
    known: dict[Pubkey, AccountData | None] = {}
    rounds = 0
    while more := required_accounts(state.pool, AccountSnapshot(clock=state.snapshot.clock, accounts=known)):
        known |= {address: state.snapshot.accounts.get(address) for address in more}
        rounds += 1
    pool = decode_dlmm_pool(state.pool, AccountSnapshot(clock=state.snapshot.clock, accounts=known))
    assert pool.arrays.keys() == pool_of(state).arrays.keys()
    assert {index < 0 for index in pool.arrays} == {True, False}
    assert rounds <= 4


def test_a_pair_full_of_arrays_is_not_read_whole() -> None:
    state = patched(recorded("one-bin-step25"), 584, b"\xff" * 128)
    known: dict[Pubkey, AccountData | None] = {}
    while more := required_accounts(state.pool, AccountSnapshot(clock=state.snapshot.clock, accounts=known)):
        known |= {address: state.snapshot.accounts.get(address) for address in more}
    assert len(known) <= 6 + 2 * ARRAYS_PER_SIDE[-1]


def test_an_instruction_passes_arrays_in_walking_order_with_spare_ones() -> None:
    state = recorded("many-arrays-step10")
    pool = pool_of(state)
    by_address = {addresses.bin_array_address(pool.address, index): index for index in pool.arrays}
    for down in (True, False):
        request = SwapRequest(quote=asked(pool, 1_000, down=down), limit=1, user=USER, source=SOURCE, destination=DESTINATION)
        instruction = swap_instruction(pool, request)
        indexes = [by_address[meta.pubkey] for meta in instruction.accounts[FIXED_ACCOUNTS:]]
        assert indexes == sorted(indexes, reverse=down)
        assert pool.active_id // 70 in indexes
        assert len(indexes) >= 2
        assert all(meta.is_writable for meta in instruction.accounts[FIXED_ACCOUNTS:])


def test_the_bitmap_extension_is_passed_where_it_exists_and_then_writable() -> None:
    for name, exists in (("bitmap-extension-positive", True), ("traded-a", False)):
        pool = pool_of(recorded(name))
        request = SwapRequest(quote=asked(pool, 10**6), limit=1, user=USER, source=SOURCE, destination=DESTINATION)
        meta = pool.swap_instruction(request).accounts[1]
        expected = addresses.bitmap_extension_address(pool.address) if exists else addresses.PROGRAM_ID
        assert (meta.pubkey, meta.is_writable) == (expected, exists)


def test_lamports_sent_to_a_derived_address_make_no_account_of_it() -> None:
    state = recorded("traded-a")
    extension = addresses.bitmap_extension_address(state.pool)
    sent = AccountData(owner=Pubkey.default(), lamports=1, data=b"")
    accounts = {**state.snapshot.accounts, extension: sent}
    assert decode_dlmm_pool(state.pool, replace(state.snapshot, accounts=accounts)) == pool_of(state)


def test_volatility_is_kept_then_decays_then_is_forgotten() -> None:
    terms = FeeTerms(
        base_rate=1_000_000,
        step_bps=10,
        variable_control=40_000,
        max_accumulator=350_000,
        filter_period=30,
        decay_period=600,
        reduction_bps=5_000,
        protocol_share_bps=0,
    )
    after = Volatility(80_000, 20_000, 7, 1_000)
    assert terms.before_swap(after, 15, 1_029) == after
    assert terms.before_swap(after, 15, 1_030) == Volatility(80_000, 40_000, 15, 1_000)
    assert terms.before_swap(after, 15, 1_599) == Volatility(80_000, 40_000, 15, 1_000)
    assert terms.before_swap(after, 15, 1_600) == Volatility(80_000, 0, 15, 1_000)
    assert terms.accumulator(after, 10) == 50_000
    assert terms.accumulator(after, 900) == 350_000
    assert terms.rate(50_000) == 1_000_000 + 100_000
    assert terms.rate(350_000) == 1_000_000 + 4_900_000
    with pytest.raises(QuoteError):
        terms.before_swap(replace_accumulator(after, 2**32 - 1), 15, 1_100)


def replace_accumulator(volatility: Volatility, accumulator: int) -> Volatility:
    return Volatility(accumulator, volatility.reference, volatility.index_reference, volatility.last_update)


@pytest.mark.parametrize(
    ("offset", "content", "field"),
    [
        (80, b"\0\0", "pool.bin_step"),
        (80, (401).to_bytes(2, "little"), "pool.bin_step"),
        (76, (443_637).to_bytes(4, "little"), "pool.active_id"),
        (34, b"\x30", "pool.parameters"),
        (32, (10_001).to_bytes(2, "little"), "pool.parameters"),
    ],
)
def test_absurd_values_are_refused_by_field(offset: int, content: bytes, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        pool_of(patched(recorded("traded-a"), offset, content))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("offset", "content", "code"),
    [(82, b"\1", 6042), (82, b"\7", 6042), (75, b"\4", 6043), (86, b"\2", 6058), (36, b"\2", 6110), (35, b"\3", 6019)],
)
def test_closed_pairs_and_unknown_kinds_take_no_swaps(offset: int, content: bytes, code: int) -> None:
    pool = pool_of(patched(recorded("traded-a"), offset, content))
    assert not pool.tradable().ok
    with pytest.raises(PoolNotTradable) as caught:
        pool.quote(asked(pool, 1_000))
    assert caught.value.program_error == code


def test_activation_counts_slots_or_seconds_and_only_where_pairs_have_one() -> None:
    state = recorded("launch-after-activation")
    pool = pool_of(state)
    assert pool.settings.activation_type == 1
    assert not replace(pool, clock=replace(pool.clock, unix_timestamp=pool.settings.activation_point - 1)).tradable().ok
    assert replace(pool, clock=replace(pool.clock, unix_timestamp=pool.settings.activation_point)).tradable().ok
    by_slot = patched(patched(state, 86, b"\0"), 816, (pool.slot + 1).to_bytes(8, "little"))
    assert not pool_of(by_slot).tradable().ok
    assert pool_of(patched(by_slot, 75, b"\3")).tradable().ok


def test_the_pairs_own_bin_limits_end_the_walk() -> None:
    state = recorded("many-arrays-step10")
    active = pool_of(state).active_id
    pool = pool_of(patched(state, 24, (active - 3).to_bytes(4, "little", signed=True)))
    with pytest.raises(ExceedsLiquidity) as caught:
        pool.quote(asked(pool, most_out(pool, down=True), mode=SwapMode.EXACT_OUT))
    assert caught.value.program_error == 6012


@pytest.mark.parametrize(("offset", "field"), [(8, "index"), (24, "lb_pair")])
def test_an_array_of_another_pair_or_index_is_refused(offset: int, field: str) -> None:
    state = recorded("traded-a")
    index = min(pool_of(state).arrays)
    address = addresses.bin_array_address(state.pool, index)
    with pytest.raises(DecodeError) as caught:
        pool_of(patched(state, offset, b"\x11" * 8, address))
    assert caught.value.field == f"bin_array_{index}.{field}"


def test_an_array_emptied_of_its_orders_leaves_the_bitmap() -> None:
    """As the program does: random pairs with limit orders showed it (tests/differential, made pools)."""
    pool = decode_dlmm_pool(
        state_named("meteora-dlmm", "limit-orders-half-filled").pool,
        state_named("meteora-dlmm", "limit-orders-half-filled").snapshot,
    )
    here = array_index(pool.active_id)
    order = Bin(0, 0, 1 << 64, 50, 0, True)
    first = BinArray(here, (None,) * 70).with_bins({pool.active_id: order})
    further = BinArray(here + 1, (None,) * 70).with_bins({(here + 1) * 70: Bin(10**9, 0, 1 << 64, 0, 0, False)})
    bits = (1 << here + pool.bitmap.reach) | (1 << here + 1 + pool.bitmap.reach)
    pool = replace(pool, arrays={here: first, here + 1: further}, bitmap=ArrayBitmap(bits, pool.bitmap.reach))
    x, y = (mint.address for mint in pool.mints)
    after = pool.quote(QuoteRequest(input_mint=y, output_mint=x, amount=1_000)).next_pool
    assert isinstance(after, DlmmPool)
    assert list(after.arrays) == [here + 1]
    assert after.bitmap.at_or_after(here, down=False) == here + 1
    few = pool.quote(QuoteRequest(input_mint=y, output_mint=x, amount=20)).next_pool
    assert isinstance(few, DlmmPool)
    assert list(few.arrays) == [here, here + 1] and few.bitmap == pool.bitmap
