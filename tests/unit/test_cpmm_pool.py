"""Raydium CPMM beyond the recordings: addresses, absurd bytes, settings the program refuses, fees by kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, ExceedsLiquidity, PoolNotTradable, QuoteError, QuoteOverflow, UnsupportedMint
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.cpmm import addresses
from dexroute.fetchers.raydium.cpmm.curve import FeeRates
from dexroute.fetchers.raydium.cpmm.decode import decode_cpmm_pool
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.fees import FeeKind
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState, state_named


@pytest.fixture
def state() -> RecordedState:
    return state_named("raydium-cpmm", "plain")


@pytest.fixture
def pool(state: RecordedState) -> CpmmPool:
    return decode_cpmm_pool(state.pool, state.snapshot)


def asked(pool: CpmmPool, amount: int = 1_000_000, mode: SwapMode = SwapMode.EXACT_IN) -> QuoteRequest:
    return QuoteRequest(input_mint=pool.mints[0].address, output_mint=pool.mints[1].address, amount=amount, mode=mode)


def patched(state: RecordedState, address: Pubkey, offset: int, content: bytes) -> AccountSnapshot:
    account = state.snapshot.accounts[address]
    assert account is not None
    changed = account.data[:offset] + content + account.data[offset + len(content) :]
    return replace(state.snapshot, accounts={**state.snapshot.accounts, address: replace(account, data=changed)})


def test_addresses_are_the_ones_the_program_derives(pool: CpmmPool) -> None:
    seed = b"vault_and_lp_mint_auth_seed"
    assert Pubkey.find_program_address([seed], addresses.PROGRAM_ID)[0] == addresses.AUTHORITY
    assert tuple(addresses.ADDRESSES.vault(pool.address, mint.address) for mint in pool.mints) == pool.vaults
    assert addresses.ADDRESSES.observation(pool.address) == pool.observation
    assert addresses.ADDRESSES.pool(pool.config, pool.mints[0].address, pool.mints[1].address) == pool.address
    # The first mainnet configuration (0.25 %), known from Raydium's public API.
    assert addresses.ADDRESSES.config(0) == Pubkey.from_string("D4FPEruKEHrG5TenZ2mpDGEfu1iUvTiqBxvpU8HLBvC2")


def test_accounts_stand_in_the_programs_order(pool: CpmmPool) -> None:
    user, source, destination = (Pubkey.new_unique() for _ in range(3))
    request = SwapRequest(quote=asked(pool), limit=7, user=user, source=source, destination=destination)
    instruction = pool.swap_instruction(request)
    assert instruction.data == bytes.fromhex("8fbe5adac41e33de") + (1_000_000).to_bytes(8, "little") + (7).to_bytes(8, "little")
    assert [meta.pubkey for meta in instruction.accounts] == [
        user,
        addresses.AUTHORITY,
        pool.config,
        pool.address,
        source,
        destination,
        *pool.vaults,
        *(mint.token_program for mint in pool.mints),
        *(mint.address for mint in pool.mints),
        pool.observation,
    ]
    assert [index for index, meta in enumerate(instruction.accounts) if meta.is_writable] == [3, 4, 5, 6, 7, 12]
    exact_out = pool.swap_instruction(replace(request, quote=asked(pool, mode=SwapMode.EXACT_OUT)))
    assert exact_out.data == bytes.fromhex("37d96256a34ab4ad") + (7).to_bytes(8, "little") + (1_000_000).to_bytes(8, "little")


@pytest.mark.parametrize(("offset", "content", "field"), [(390, b"\x02", "pool.enable_creator_fee"), (104, None, "pool.mints")])
def test_absurd_pool_bytes_are_named(state: RecordedState, offset: int, content: bytes | None, field: str) -> None:
    account = state.snapshot.accounts[state.pool]
    assert account is not None
    snapshot = patched(state, state.pool, offset, content or account.data[72:104])
    with pytest.raises(DecodeError) as caught:
        decode_cpmm_pool(state.pool, snapshot)
    assert (caught.value.pool, caught.value.field) == (str(state.pool), field)


@pytest.mark.parametrize(("offset", "name"), [(12, "trade"), (20, "protocol"), (28, "fund"), (108, "creator")])
def test_a_rate_above_everything_is_refused(state: RecordedState, pool: CpmmPool, offset: int, name: str) -> None:
    snapshot = patched(state, pool.config, offset, (1_000_001).to_bytes(8, "little"))
    with pytest.raises(DecodeError) as caught:
        decode_cpmm_pool(state.pool, snapshot)
    assert caught.value.field == f"config.{name}_fee_rate"


def test_a_mint_that_can_stop_or_take_transfers_is_refused_by_name(state: RecordedState, pool: CpmmPool) -> None:
    mint = pool.mints[0].address
    account = state.snapshot.accounts[mint]
    assert account is not None
    hook = account.data + bytes(83) + b"\x01" + (14).to_bytes(2, "little") + (64).to_bytes(2, "little") + bytes(64)
    hooked = replace(account, owner=TOKEN_2022_PROGRAM_ID, data=hook)
    snapshot = replace(state.snapshot, accounts={**state.snapshot.accounts, mint: hooked})
    with pytest.raises(UnsupportedMint, match="transfer hook"):
        decode_cpmm_pool(state.pool, snapshot)


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"creator_fee_on": 3}, PoolNotTradable, 6013),
        ({"protocol_fees": (2**64 - 1, 0), "fund_fees": (1, 0)}, QuoteOverflow, 6011),
        ({"protocol_fees": (0, 2**63)}, PoolNotTradable, 6012),
        ({"rates": FeeRates(trade_ppm=0, protocol_ppm=0, fund_ppm=0, creator_ppm=0)}, PoolNotTradable, 6006),
        ({"vault_amounts": (0, 10)}, ExceedsLiquidity, None),
        ({"status": 4}, PoolNotTradable, 6000),
        ({"open_time": 2**64 - 1}, PoolNotTradable, 6000),
    ],
)
def test_settings_the_program_refuses(pool: CpmmPool, change: dict[str, object], kind: type[QuoteError], code: int | None) -> None:
    broken = replace(pool, **change)  # type: ignore[arg-type]
    for mode in SwapMode:
        with pytest.raises(kind) as caught:
            broken.quote(asked(pool, mode=mode))
        assert caught.value.program_error == code
    assert not broken.tradable().ok
    assert broken.tradable().reason


def test_a_pool_without_fees_still_trades_where_the_creator_takes_none_of_the_input(pool: CpmmPool) -> None:
    free = FeeRates(trade_ppm=0, protocol_ppm=0, fund_ppm=0, creator_ppm=0)
    one_way = replace(pool, rates=free, creator_fee_on=2)
    assert one_way.tradable().ok
    assert one_way.quote(asked(pool)).fees == ()


def test_fees_are_told_by_kind_and_mint(pool: CpmmPool) -> None:
    rates = FeeRates(trade_ppm=2_500, protocol_ppm=120_000, fund_ppm=40_000, creator_ppm=1_000)
    quote = replace(pool, rates=rates, creator_fee_on=2).quote(asked(pool, amount=10**9))
    by_kind = {fee.kind: (fee.mint, fee.amount) for fee in quote.fees}
    assert by_kind[FeeKind.POOL] == (pool.mints[0].address, 2_500_000)
    assert by_kind[FeeKind.CREATOR][0] == pool.mints[1].address
    after = quote.next_pool
    assert isinstance(after, CpmmPool)
    assert after.protocol_fees == (pool.protocol_fees[0] + 300_000, pool.protocol_fees[1])
    assert after.fund_fees == (pool.fund_fees[0] + 100_000, pool.fund_fees[1])
    assert after.creator_fees[1] == pool.creator_fees[1] + by_kind[FeeKind.CREATOR][1]
