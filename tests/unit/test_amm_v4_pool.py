"""Raydium AMM v4 beyond the recordings: addresses, instruction forms, statuses, three readings of the order book, absurd bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, ExceedsLiquidity, MissingAccounts, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.raydium.amm_v4 import addresses
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm
from dexroute.fetchers.raydium.amm_v4.order_book import OpenOrders, OrderBookRule, unbooked_fills
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.fetchers.raydium.amm_v4.venue import RaydiumAmmV4
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState, load_states, state_named

COUNTED = RaydiumAmmV4(order_book=OrderBookRule.COUNTED)
IGNORED = RaydiumAmmV4(order_book=OrderBookRule.IGNORED)


@pytest.fixture
def state() -> RecordedState:
    return state_named("raydium-amm-v4", "plain")


@pytest.fixture
def pool(state: RecordedState) -> AmmV4Pool:
    return RaydiumAmmV4().decode_pool(state.pool, state.snapshot)


@pytest.fixture
def book() -> RecordedState:
    return state_named("raydium-amm-v4-old", "book-orders")


def asked(pool: AmmV4Pool, amount: int = 1_000_000, mode: SwapMode = SwapMode.EXACT_IN, *, flip: bool = False) -> QuoteRequest:
    coin, pc = (mint.address for mint in (reversed(pool.mints) if flip else pool.mints))
    return QuoteRequest(input_mint=coin, output_mint=pc, amount=amount, mode=mode)


def patched(state: RecordedState, address: Pubkey, *changes: tuple[int, bytes]) -> AccountSnapshot:
    account = state.snapshot.accounts[address]
    assert account is not None
    content = bytearray(account.data)
    for offset, piece in changes:
        content[offset : offset + len(piece)] = piece
    return replace(state.snapshot, accounts={**state.snapshot.accounts, address: replace(account, data=bytes(content))})


def u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def required(venue: RaydiumAmmV4, state: RecordedState, snapshot: AccountSnapshot | None = None) -> list[set[Pubkey]]:
    """What the venue asks for, round by round."""
    whole = snapshot or state.snapshot
    known: AccountSnapshot = replace(whole, accounts={})
    rounds = []
    while wanted := venue.required_accounts(state.pool, known):
        rounds.append(set(wanted))
        known = replace(known, accounts={**known.accounts, **{key: whole.accounts.get(key) for key in wanted}})
    return rounds


def test_addresses_are_the_ones_the_program_derives(state: RecordedState, pool: AmmV4Pool) -> None:
    nonce = bytes([addresses.AUTHORITY_NONCE])
    assert Pubkey.create_program_address([b"amm authority", nonce], addresses.PROGRAM_ID) == addresses.AUTHORITY == pool.authority
    account = state.snapshot.accounts[state.pool]
    assert account is not None
    market = Pubkey.from_bytes(account.data[528:560])
    assert addresses.pool_address(market) == pool.address
    assert addresses.vault_addresses(market) == pool.vaults
    assert addresses.open_orders_address(market) == pool.open_orders_address
    assert None in {addresses.authority_address(nonce) for nonce in range(254)}


def test_both_instruction_forms(pool: AmmV4Pool) -> None:
    user, source, destination = (Pubkey.new_unique() for _ in range(3))
    request = SwapRequest(quote=asked(pool), limit=7, user=user, source=source, destination=destination)
    exact_out = replace(request, quote=asked(pool, mode=SwapMode.EXACT_OUT))
    long = pool.swap_instruction(request)
    assert long.data == b"\x09" + u64(1_000_000) + u64(7)
    assert pool.swap_instruction(exact_out).data == b"\x0b" + u64(7) + u64(1_000_000)
    head = [TOKEN_PROGRAM_ID, pool.address, addresses.AUTHORITY]
    tail = [source, destination, user]
    assert [meta.pubkey for meta in long.accounts] == [*head, pool.address, *pool.vaults, *[pool.address] * 8, *tail]
    assert {index for index, meta in enumerate(long.accounts) if meta.is_writable} == {1, 4, 5, 14, 15}
    v2 = replace(pool, form=SwapForm.V2)
    short = v2.swap_instruction(request)
    assert short.data == b"\x10" + u64(1_000_000) + u64(7)
    assert v2.swap_instruction(exact_out).data == b"\x11" + u64(7) + u64(1_000_000)
    assert [meta.pubkey for meta in short.accounts] == [*head, *pool.vaults, *tail]
    assert [index for index, meta in enumerate(short.accounts) if meta.is_signer] == [7]


def test_a_pool_with_orders_takes_the_markets_accounts_in_either_form(book: RecordedState) -> None:
    venue = RaydiumAmmV4(form=SwapForm.V2, order_book=OrderBookRule.COUNTED)
    pool = venue.decode_pool(book.pool, book.snapshot)
    user, source, destination = (Pubkey.new_unique() for _ in range(3))
    built = pool.swap_instruction(SwapRequest(quote=asked(pool), limit=1, user=user, source=source, destination=destination))
    market = pool.market
    assert market is not None
    passed = [pool.open_orders_address, *pool.vaults, market.program, market.address, market.bids, market.asks, market.event_queue]
    assert [meta.pubkey for meta in built.accounts[3:14]] == [*passed, market.coin_vault, market.pc_vault, market.vault_signer]
    assert {index for index, meta in enumerate(built.accounts) if meta.is_writable} == {1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15}
    assert len(built.accounts) == 17


def test_recorded_orders_count_where_the_build_counts_them(book: RecordedState) -> None:
    pool = COUNTED.decode_pool(book.pool, book.snapshot)
    assert pool.open_orders is not None
    assert min(pool.open_orders.totals) > 0
    executed = refused = 0
    for swap in book.swaps:
        if swap.succeeded:
            quote = pool.quote(swap.request)
            assert (quote.amount_in, quote.amount_out) == (swap.amount_in, swap.amount_out)
            # Whatever moved between market and vaults, the reserves moved by the swap alone.
            after = quote.next_pool
            assert isinstance(after, AmmV4Pool)
            if quote.amount_in < 2**62:
                moved = [now - before for now, before in zip(after.reserves(), pool.reserves(), strict=True)]
                assert sorted(moved) == [-quote.amount_out, quote.amount_in]
            executed += 1
        else:
            with pytest.raises(QuoteError) as caught:
                pool.quote(swap.request)
            assert caught.value.program_error == swap.error_code
            refused += 1
    assert executed >= 150
    assert refused >= 10


def test_funds_in_orders_are_refused_by_name_until_the_build_is_known(book: RecordedState) -> None:
    pool = RaydiumAmmV4().decode_pool(book.pool, book.snapshot)
    assert "open orders" in str(pool.tradable().reason)
    with pytest.raises(PoolNotTradable, match="which program builds until 2026-07 count"):
        pool.quote(asked(pool))
    later = IGNORED.decode_pool(book.pool, book.snapshot)
    assert later.tradable().ok
    assert later.reserves() == tuple(amount - owed for amount, owed in zip(later.vault_amounts, later.need_take_pnl, strict=True))
    assert later.quote(asked(later)).amount_out > 0


def test_without_funds_in_orders_all_builds_agree(book: RecordedState) -> None:
    opened = RaydiumAmmV4().decode_pool(book.pool, book.snapshot).open_orders_address
    snapshot = patched(book, opened, (77, bytes(32)))
    quotes = []
    for venue in (RaydiumAmmV4(), COUNTED, IGNORED):
        pool = venue.decode_pool(book.pool, snapshot)
        assert pool.tradable().ok
        quotes.append(pool.quote(asked(pool)).amount_out)
    assert len(set(quotes)) == 1


def test_the_market_is_asked_for_only_where_it_may_count(state: RecordedState, book: RecordedState) -> None:
    assert [len(found) for found in required(RaydiumAmmV4(), state)] == [1, 4]
    assert [len(found) for found in required(IGNORED, book)] == [1, 4]
    assert [len(found) for found in required(RaydiumAmmV4(), book)] == [1, 6]
    assert [len(found) for found in required(COUNTED, book)] == [1, 6, 1]
    opened = COUNTED.decode_pool(book.pool, book.snapshot).open_orders_address
    assert [len(found) for found in required(COUNTED, book, patched(book, opened, (77, bytes(32))))] == [1, 6]
    without = {key: account for key, account in book.snapshot.accounts.items() if key != opened}
    with pytest.raises(MissingAccounts) as caught:
        COUNTED.decode_pool(book.pool, replace(book.snapshot, accounts=without))
    assert caught.value.field == "open_orders"


@pytest.mark.parametrize("rule", OrderBookRule)
def test_an_order_book_pool_switches_at_its_time_where_the_build_still_does(book: RecordedState, rule: OrderBookRule) -> None:
    now = book.snapshot.clock.unix_timestamp
    for switch, code in ((now + 1, 22), (now, None)):
        snapshot = patched(book, book.pool, (0, u64(5)), (248, u64(switch)))
        pool = RaydiumAmmV4(order_book=rule).decode_pool(book.pool, snapshot)
        if rule is OrderBookRule.COUNTED and code is None:
            quote = pool.quote(asked(pool))
            assert isinstance(quote.next_pool, AmmV4Pool)
            assert quote.next_pool.status == 1
            continue
        with pytest.raises(PoolNotTradable) as caught:
            pool.quote(asked(pool))
        assert caught.value.program_error == (None if rule is OrderBookRule.UNKNOWN and code is None else 22)


def queue_of(head: int, events: list[bytes], slots: int) -> Reader:
    ring = [bytes(88)] * slots
    for number, event in enumerate(events):
        ring[(head + number) % slots] = event
    return Reader(b"serum" + u64(0b10001) + u64(head) + u64(len(events)) + u64(0) + b"".join(ring) + b"padding")


def event(flags: int, received: int, paid: int, owner: bytes) -> bytes:
    return bytes([flags]) + bytes(7) + u64(received) + u64(paid) + bytes(24) + owner + bytes(8)


def test_only_unbooked_maker_fills_of_the_pool_correct_its_orders() -> None:
    pool, other = bytes(range(32)), bytes(32)
    events = [
        event(1 | 4 | 8, 50, 7, pool),
        event(1 | 8, 3, 20, pool),
        event(1 | 4, 999, 999, pool),  # as taker: booked at once
        event(2 | 4 | 8, 999, 999, pool),  # an order that left the book
        event(1 | 4 | 8, 999, 999, other),
        event(1 | 4 | 8, 5, 1, pool),
    ]
    stale = queue_of(6, events, 9)
    assert unbooked_fills(stale, pool) == ((8, 55), (20, 3))
    # What the ring still holds from before is not in the queue any more.
    emptied = Reader(stale.data[:21] + u64(1) + stale.data[29:])
    assert unbooked_fills(emptied, pool) == ((7, 50), (0, 0))
    assert unbooked_fills(Reader(stale.data[:21] + u64(0) + stale.data[29:]), pool) == ((0, 0), (0, 0))


def test_fills_move_between_the_sides_and_stay_behind_when_settling() -> None:
    orders = OpenOrders(free=(10, 20), totals=(100, 200), bid_fills=(30, 3), ask_fills=(5, 8))
    assert orders.funds == (100 + 3 - 5, 200 - 30 + 8)
    assert (orders.available(0), orders.available(1)) == (95, 170)
    settled = orders.cancelled(1).settled()
    assert (settled.free, settled.totals) == ((0, 0), (90, 30))
    assert orders.cancelled(0).settled().totals == (5, 180)


def test_a_purchase_beyond_the_vault_settles_with_the_market(book: RecordedState) -> None:
    pool = COUNTED.decode_pool(book.pool, book.snapshot)
    assert pool.open_orders is not None
    available = pool.open_orders.available(1)
    beyond = pool.vault_amounts[1] + available // 2
    quote = pool.quote(asked(pool, beyond, SwapMode.EXACT_OUT))
    after = quote.next_pool
    assert isinstance(after, AmmV4Pool)
    assert after.open_orders is not None
    assert after.open_orders.free == (0, 0)
    assert after.vault_amounts[1] == pool.vault_amounts[1] + available - beyond
    unbooked = replace(pool, open_orders=replace(pool.open_orders, bid_fills=(available, available), free=(0, 0)))
    with pytest.raises(ExceedsLiquidity) as caught:
        unbooked.quote(asked(unbooked, pool.vault_amounts[1] + 1, SwapMode.EXACT_OUT))
    assert caught.value.program_error in (1, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ((0, u64(0)), "pool.status"),
        ((0, u64(8)), "pool.status"),
        ((184, u64(0)), "pool.swap_fee"),
        ((176, u64(10_001)), "pool.swap_fee"),
        ((8, u64(255)), "pool.nonce"),
    ],
)
def test_absurd_pool_bytes_are_named(state: RecordedState, change: tuple[int, bytes], field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        RaydiumAmmV4().decode_pool(state.pool, patched(state, state.pool, change))
    assert (caught.value.pool, caught.value.field) == (str(state.pool), field)


def test_only_plain_spl_tokens_are_known_to_the_program(state: RecordedState, pool: AmmV4Pool) -> None:
    for address, field in ((pool.mints[1].address, "mint_pc.owner"), (pool.vaults[0], "vault_coin.owner")):
        account = state.snapshot.accounts[address]
        assert account is not None
        accounts = {**state.snapshot.accounts, address: replace(account, owner=TOKEN_2022_PROGRAM_ID)}
        with pytest.raises(DecodeError) as caught:
            RaydiumAmmV4().decode_pool(state.pool, replace(state.snapshot, accounts=accounts))
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ((13, bytes(32)), "open_orders.owner"),
        ((77, u64(2**63)), "open_orders.totals"),
        ((5, u64(3)), "open_orders.discriminator"),
    ],
)
def test_absurd_open_orders_are_named(book: RecordedState, change: tuple[int, bytes], field: str) -> None:
    opened = COUNTED.decode_pool(book.pool, book.snapshot).open_orders_address
    with pytest.raises(DecodeError) as caught:
        COUNTED.decode_pool(book.pool, patched(book, opened, change))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"need_take_pnl": (2**63, 0)}, PoolNotTradable, 32),
        ({"status": 3}, PoolNotTradable, 22),
        ({"status": 4}, PoolNotTradable, 22),
        ({"vault_amounts": (0, 10)}, ExceedsLiquidity, 40),
    ],
)
def test_states_the_program_refuses(pool: AmmV4Pool, change: dict[str, object], kind: type[QuoteError], code: int) -> None:
    broken = replace(replace(pool, need_take_pnl=(0, 0)), **change)  # type: ignore[arg-type]
    with pytest.raises(kind) as caught:
        broken.quote(asked(pool))
    assert caught.value.program_error == code
    assert not broken.tradable().ok


def test_panics_of_the_program_are_refusals_without_a_code(pool: AmmV4Pool) -> None:
    everything = replace(pool, fee_numerator=10_000, fee_denominator=10_000)
    empty = replace(pool, vault_amounts=(0, 0), need_take_pnl=(0, 0))
    dear = replace(pool, vault_amounts=(2**64 - 1, 2), need_take_pnl=(0, 0), fee_numerator=0, fee_denominator=2**64 - 1)
    full = replace(pool, vault_amounts=(2**64 - 10, 2**63), need_take_pnl=(0, 0))
    cases = [
        (everything, asked(pool, mode=SwapMode.EXACT_OUT), PoolNotTradable),
        (empty, asked(pool, amount=0), ExceedsLiquidity),
        (empty, asked(pool, mode=SwapMode.EXACT_OUT), ExceedsLiquidity),
        (dear, asked(pool, amount=1, mode=SwapMode.EXACT_OUT), QuoteOverflow),
        (full, asked(pool, amount=10**6), QuoteOverflow),
        (full, asked(pool, amount=2**63 - 1, mode=SwapMode.EXACT_OUT), QuoteOverflow),
    ]
    for broken, request, kind in cases:
        with pytest.raises(kind) as caught:
            broken.quote(request)
        assert caught.value.program_error is None
    assert not everything.tradable().ok
    assert not empty.tradable().ok
    with pytest.raises(ExceedsLiquidity):
        empty.spot_price(pool.mints[0].address, pool.mints[1].address)


def test_the_true_ceiling_takes_a_fee_of_one_from_the_smallest_swap() -> None:
    """Mainnet rounds up since 2025-08; the old recordings differ exactly where the fee is below half a unit."""
    old = state_named("raydium-amm-v4-old", "old-rounding")
    pool = RaydiumAmmV4().decode_pool(old.pool, old.snapshot)
    equal = different = 0
    for swap in old.swaps:
        if swap.request.mode is not SwapMode.EXACT_IN or not swap.succeeded:
            continue
        below_half = 2 * swap.request.amount * pool.fee_numerator < pool.fee_denominator
        try:
            quote = pool.quote(swap.request)
        except QuoteError:
            assert below_half
            different += 1
            continue
        assert quote.fees[0].amount >= 1
        if below_half:
            different += 1
        else:
            assert quote.amount_out == swap.amount_out
            equal += 1
    assert equal >= 30
    assert different >= 20


def test_every_recording_of_the_venue_has_a_pool_of_this_kind() -> None:
    kinds = {type(RaydiumAmmV4().decode_pool(state.pool, state.snapshot)) for state in load_states("raydium-amm-v4")}
    assert kinds == {AmmV4Pool}
