"""Raydium CLMM beyond the recordings: addresses, bitmaps, reach, instructions, absurd bytes, refusals, frozen states."""

from __future__ import annotations

from dataclasses import replace
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import (
    AmountTooSmall,
    DecodeError,
    ExceedsLiquidity,
    LiquidityNotLoaded,
    PoolNotTradable,
    QuoteOverflow,
    UnsupportedMint,
)
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.clmm import addresses
from dexroute.fetchers.raydium.clmm.bitmap import TickArrayBitmap, bitmap_of
from dexroute.fetchers.raydium.clmm.decode import decode_clmm_pool
from dexroute.fetchers.raydium.clmm.instruction import SPARE_ARRAYS, UNQUOTED_ARRAYS, arrays_passed
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.fetchers.raydium.clmm.reach import arrays_within_reach
from dexroute.fetchers.raydium.clmm.venue import RaydiumClmm
from dexroute.math.tick import MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64, sqrt_price_at_tick
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.fees import FeeKind
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState, state_named


@pytest.fixture
def state() -> RecordedState:
    return state_named("raydium-clmm", "several-arrays")


@pytest.fixture
def pool(state: RecordedState) -> ClmmPool:
    return decode_clmm_pool(state.pool, state.snapshot)


def asked(pool: ClmmPool, amount: int = 1_000_000, mode: SwapMode = SwapMode.EXACT_IN, *, up: bool = False) -> QuoteRequest:
    first, second = (mint.address for mint in (reversed(pool.mints) if up else pool.mints))
    return QuoteRequest(input_mint=first, output_mint=second, amount=amount, mode=mode)


def account_of(state: RecordedState, address: Pubkey) -> AccountData:
    account = state.snapshot.accounts[address]
    assert account is not None
    return account


def patched(state: RecordedState, address: Pubkey, offset: int, content: bytes) -> AccountSnapshot:
    account = account_of(state, address)
    changed = account.data[:offset] + content + account.data[offset + len(content) :]
    return replace(state.snapshot, accounts={**state.snapshot.accounts, address: replace(account, data=changed)})


def without(state: RecordedState, *addresses_: Pubkey) -> AccountSnapshot:
    return replace(state.snapshot, accounts={key: found for key, found in state.snapshot.accounts.items() if key not in addresses_})


def test_addresses_are_the_ones_the_program_derives(state: RecordedState, pool: ClmmPool) -> None:
    mints = [mint.address for mint in pool.mints]
    assert addresses.ADDRESSES.pool(pool.config, *mints) == pool.address
    assert tuple(addresses.ADDRESSES.vault(pool.address, mint) for mint in mints) == pool.vaults
    assert addresses.ADDRESSES.observation(pool.address) == pool.observation
    assert addresses.bitmap_extension_address(pool.address) in state.snapshot.accounts
    assert addresses.tick_array_address(pool.address, 600) in state.snapshot.accounts
    # The first mainnet configuration (0.01 %), known from Raydium's public API.
    assert addresses.ADDRESSES.config(0) != addresses.ADDRESSES.config(1)


def test_accounts_stand_in_the_programs_order(pool: ClmmPool) -> None:
    user, source, destination = (Pubkey.new_unique() for _ in range(3))
    request = SwapRequest(quote=asked(pool, 1_000), limit=7, user=user, source=source, destination=destination)
    down = pool.swap_instruction(request)
    assert down.data == bytes.fromhex("2b04ed0b1ac91e62") + pack("<QQ", 1_000, 7) + bytes(16) + b"\1"
    head = [user, pool.config, pool.address, source, destination, *pool.vaults, pool.observation]
    programs = [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, addresses.MEMO_PROGRAM_ID]
    extension = addresses.bitmap_extension_address(pool.address)
    arrays = [addresses.tick_array_address(pool.address, start) for start in (600, 0, -600)]
    assert [meta.pubkey for meta in down.accounts] == [*head, *programs, *(m.address for m in pool.mints), extension, *arrays]
    assert {index for index, meta in enumerate(down.accounts) if meta.is_writable} == {2, 3, 4, 5, 6, 7, *range(13, 17)}
    up = pool.swap_instruction(replace(request, quote=asked(pool, 1_000, SwapMode.EXACT_OUT, up=True)))
    assert up.data[-1:] == b"\0"
    assert [meta.pubkey for meta in up.accounts[5:7]] == list(reversed(pool.vaults))
    rising = [addresses.tick_array_address(pool.address, start) for start in (600, 1200, 1800)]
    assert [meta.pubkey for meta in up.accounts[14:]] == rising


def test_as_many_arrays_go_along_as_the_swap_needs_and_some_to_spare(pool: ClmmPool) -> None:
    crossing = 0
    for amount in (10**exponent * digit for exponent in range(3, 17) for digit in (1, 2, 5)):
        for up in (False, True):
            request = asked(pool, amount, up=up)
            numbers = arrays_passed(pool, request, down=not up)
            assert numbers == sorted(numbers, reverse=not up)
            try:
                end = pool.quote(request).next_pool
            except ExceedsLiquidity:
                assert len(numbers) <= UNQUOTED_ARRAYS
                continue
            assert isinstance(end, ClmmPool)
            passed = abs(end.current_array() - pool.current_array())
            crossing += passed > 0
            assert passed + 1 <= len(numbers) <= passed + 2 + SPARE_ARRAYS
            assert numbers[0] == pool.current_array()
    assert crossing >= 4


@given(st.sets(st.integers(-7_680, 7_679), max_size=12), st.integers(-7_700, 7_700))
def test_the_bitmap_finds_neighbours_as_a_sorted_list_does(arrays: set[int], start: int) -> None:
    bitmap = TickArrayBitmap(bits=sum(1 << number + 7_680 for number in arrays), extended=True)
    assert bitmap.next(start, down=True) == max((number for number in arrays if number < start), default=None)
    assert bitmap.next(start, down=False) == min((number for number in arrays if number > start), default=None)
    assert bitmap.is_set(start) == (start in arrays)


@given(st.integers(-7_393, 7_393))
def test_every_bit_lies_where_the_program_looks_for_it(number: int) -> None:
    """Spacing 1: row |start| / 30720 - 1 of the extension (one less for negative multiples), bits counted upwards."""
    own, positive, negative = bytearray(128), bytearray(14 * 64), bytearray(14 * 64)
    start = number * 60
    if -512 <= number < 512:
        target, bit = own, number + 512
    else:
        row, rest = divmod(abs(start), 30_720)
        row -= 1 + (start < 0 and rest == 0)
        place = rest // 60
        target, bit = (positive if start > 0 else negative), row * 512 + (512 - place if start < 0 and rest else place)
    target[bit // 8] |= 1 << bit % 8
    bitmap = bitmap_of(bytes(own), (bytes(positive), bytes(negative)), tick_spacing=1)
    assert bitmap.is_set(number)
    assert bitmap.bits.bit_count() == 1


def test_bits_beyond_the_last_tick_are_nothing() -> None:
    everything = bitmap_of(b"\xff" * 128, (b"\xff" * 896, b"\xff" * 896), tick_spacing=60)
    assert everything.next_above(123) is None
    assert everything.next_below(-124) is None
    assert everything.bits.bit_count() == 248
    assert bitmap_of(b"\xff" * 128, None, tick_spacing=65_535).bits.bit_count() == 2


def test_the_first_read_asks_for_what_people_trade() -> None:
    bitmap = TickArrayBitmap(bits=sum(1 << number + 7_680 for number in range(-40, 41)), extended=True)
    assert len(list(arrays_within_reach(bitmap, 0, 60))) == 13
    assert sorted(arrays_within_reach(bitmap, 0, 600)) == list(range(-2, 3))
    assert sorted(arrays_within_reach(bitmap, 0, 3_600)) == list(range(-2, 3))
    sparse = TickArrayBitmap(bits=sum(1 << number + 7_680 for number in (-500, -300, 200, 7_000)), extended=True)
    assert sorted(arrays_within_reach(sparse, 0, 60)) == [-500, -300, 200, 7_000]


@pytest.mark.parametrize(("name", "rounds"), [("several-arrays", [1, 11]), ("inside-ext", [1, 6, 4]), ("bitmap-ext", [1, 9, 1])])
def test_accounts_are_asked_for_in_few_rounds(name: str, rounds: list[int]) -> None:
    state = state_named("raydium-clmm", name)
    known: AccountSnapshot = replace(state.snapshot, accounts={})
    found = []
    while wanted := RaydiumClmm().required_accounts(state.pool, known):
        found.append(len(wanted))
        known = replace(known, accounts={**known.accounts, **{key: state.snapshot.accounts.get(key) for key in wanted}})
    assert found == rounds


def test_a_swap_into_an_unread_array_names_it_and_how_far_the_reading_reaches(state: RecordedState, pool: ClmmPool) -> None:
    address = addresses.tick_array_address(pool.address, 0)
    partial = decode_clmm_pool(state.pool, without(state, address))
    assert partial.known_ticks() == (600, 443_636)
    assert pool.known_ticks() == (-443_636, 443_636)
    assert partial.quote(asked(pool, 1_000)).amount_out == pool.quote(asked(pool, 1_000)).amount_out
    with pytest.raises(LiquidityNotLoaded, match="ticks 600 to 443636") as caught:
        partial.quote(asked(pool, 10**13))
    assert caught.value.context["missing"] == [str(address)]
    assert caught.value.program_error == 6027
    assert partial.quote(asked(pool, 10**9, up=True)).amount_out == pool.quote(asked(pool, 10**9, up=True)).amount_out


def test_without_its_bitmap_extension_a_pool_is_known_within_its_own_bitmap(state: RecordedState, pool: ClmmPool) -> None:
    extension = addresses.bitmap_extension_address(pool.address)
    for snapshot in (without(state, extension), replace(state.snapshot, accounts={**state.snapshot.accounts, extension: None})):
        partial = decode_clmm_pool(state.pool, snapshot)
        assert partial.quote(asked(pool)).amount_out == pool.quote(asked(pool)).amount_out
        with pytest.raises(LiquidityNotLoaded, match=str(extension)) as caught:
            partial.quote(asked(pool, 2**62))
        assert caught.value.program_error == 6040
        request = SwapRequest(quote=asked(pool), limit=1, user=extension, source=pool.vaults[0], destination=pool.vaults[1])
        assert [meta.pubkey for meta in partial.swap_instruction(request).accounts].count(extension) == 1


@pytest.mark.parametrize(
    ("offset", "content", "field"),
    [
        (235, bytes(2), "pool.tick_spacing"),
        (269, pack("<i", 443_636), "pool.tick_current"),
        (269, pack("<i", -443_637), "pool.tick_current"),
        (269, pack("<i", 5), "pool.sqrt_price_x64"),
        (253, (MIN_SQRT_PRICE_X64 - 1).to_bytes(16, "little"), "pool.sqrt_price_x64"),
        (253, MAX_SQRT_PRICE_X64.to_bytes(16, "little"), "pool.sqrt_price_x64"),
        (390, b"\3", "pool.fee_on"),
        (391, b"\1", "pool.padding"),
        (1_300, b"\1", "pool.padding"),
    ],
)
def test_absurd_pool_bytes_are_named(state: RecordedState, offset: int, content: bytes, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_clmm_pool(state.pool, patched(state, state.pool, offset, content))
    assert (caught.value.pool, caught.value.field) == (str(state.pool), field)


def test_absurd_configs_arrays_and_extensions_are_named(state: RecordedState, pool: ClmmPool) -> None:
    array, extension = addresses.tick_array_address(pool.address, 600), addresses.bitmap_extension_address(pool.address)
    held = pool.ladder.ticks[pool.ladder.first(pool.tick_current, down=True)]
    tick_at = 44 + (held - 600) // 10 * 168
    cases = [
        (pool.config, 47, pack("<I", 1_000_000), "config.fee_rates"),
        (pool.config, 43, pack("<I", 1_000_001), "config.fee_rates"),
        (extension, 8, bytes(32), "bitmap_extension.pool_id"),
        (array, 8, bytes(32), "tick_array[600]"),
        (array, 40, pack("<i", 0), "tick_array[600]"),
        (array, tick_at, pack("<i", held + 10), "tick_array[600].tick"),
        (array, 44, bytes(60 * 168), "tick_array[600].ticks"),
    ]
    for address, offset, content, field in cases:
        with pytest.raises(DecodeError) as caught:
            decode_clmm_pool(state.pool, patched(state, address, offset, content))
        assert caught.value.field == field


def test_a_mint_that_can_stop_or_take_transfers_is_refused_by_name(state: RecordedState, pool: ClmmPool) -> None:
    mint = pool.mints[0].address
    account = account_of(state, mint)
    hook = account.data + bytes(83) + b"\x01" + (12).to_bytes(2, "little") + (32).to_bytes(2, "little") + bytes(32)
    delegated = replace(account, owner=TOKEN_2022_PROGRAM_ID, data=hook)
    with pytest.raises(UnsupportedMint, match="permanent delegate"):
        decode_clmm_pool(state.pool, replace(state.snapshot, accounts={**state.snapshot.accounts, mint: delegated}))


def test_states_the_program_refuses(pool: ClmmPool) -> None:
    now = pool.clock.unix_timestamp
    lowest = replace(pool, sqrt_price_x64=MIN_SQRT_PRICE_X64 + 1, tick_current=-443_636)
    highest = replace(pool, sqrt_price_x64=MAX_SQRT_PRICE_X64 - 1, tick_current=443_635)
    opening = replace(pool, open_time=now)
    for broken, request, kind, code in [
        (opening, asked(pool), PoolNotTradable, 2505),
        (replace(opening, status=255), asked(pool, 0), PoolNotTradable, 2505),
        (replace(pool, status=255), asked(pool, 0), AmountTooSmall, 6024),
        (replace(pool, status=16), asked(pool), PoolNotTradable, 6001),
        (lowest, asked(pool), ExceedsLiquidity, 6013),
        (highest, asked(pool, up=True), ExceedsLiquidity, 6013),
        (replace(pool, vault_amounts=(10**12, 5)), asked(pool), ExceedsLiquidity, 1),
        (replace(pool, vault_amounts=(2**64 - 5, 10**12)), asked(pool), QuoteOverflow, None),
        (replace(pool, liquidity=1), asked(pool, 10**12), QuoteOverflow, None),
    ]:
        with pytest.raises(kind) as caught:
            broken.quote(request)
        assert caught.value.program_error == code
    assert not opening.tradable().ok
    assert replace(opening, open_time=now - 1).tradable().ok
    assert replace(pool, status=47).tradable().ok


def test_a_swap_that_empties_a_vault_freezes_the_pool(pool: ClmmPool) -> None:
    quote = pool.quote(asked(pool))
    emptied = replace(pool, vault_amounts=(pool.vault_amounts[0], quote.amount_out)).quote(asked(pool))
    assert emptied.amount_out == quote.amount_out
    assert isinstance(emptied.next_pool, ClmmPool)
    assert emptied.next_pool.status == 255
    assert not emptied.next_pool.tradable().ok


def test_fees_are_told_by_kind_and_mint() -> None:
    state = state_named("raydium-clmm", "t22-two")
    pool = decode_clmm_pool(state.pool, state.snapshot)
    for mode in SwapMode:
        quote = pool.quote(asked(pool, 10**6, mode))
        by_kind = {(fee.kind, fee.mint): fee.amount for fee in quote.fees}
        first, second = (mint.address for mint in pool.mints)
        assert set(by_kind) == {(FeeKind.TRANSFER, first), (FeeKind.POOL, first), (FeeKind.TRANSFER, second)}
        reaching = quote.amount_in - by_kind[FeeKind.TRANSFER, first]
        after = quote.next_pool
        assert isinstance(after, ClmmPool)
        assert after.vault_amounts[0] == pool.vault_amounts[0] + reaching
        assert by_kind[FeeKind.POOL, first] >= reaching * pool.trade_fee_ppm // 10**6


def test_a_pool_on_a_tick_from_above_walks_on_below_it(state: RecordedState, pool: ClmmPool) -> None:
    """A swap that ends exactly on a tick from above leaves tick_current one below, and the next one crosses it no second time."""
    tick = pool.ladder.ticks[pool.ladder.first(pool.tick_current, down=True)]
    resting = replace(pool, tick_current=tick - 1, sqrt_price_x64=sqrt_price_at_tick(tick))
    back = resting.quote(asked(pool, 1_000, up=True)).next_pool
    assert isinstance(back, ClmmPool)
    place = pool.ladder.ticks.index(tick)
    assert back.liquidity == resting.liquidity + pool.ladder.nets[place]
    assert back.tick_current >= tick
    down = resting.quote(asked(pool, 1_000)).next_pool
    assert isinstance(down, ClmmPool)
    assert down.liquidity == resting.liquidity
