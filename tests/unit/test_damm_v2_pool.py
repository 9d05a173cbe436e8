"""Meteora DAMM v2 beyond the recordings: addresses, absurd bytes, settings the program refuses, old layouts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.damm_v2 import addresses
from dexroute.fetchers.meteora.damm_v2.base_fee import UnknownBaseFee
from dexroute.fetchers.meteora.damm_v2.decode import decode_damm_v2_pool
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import load_states, state_named


def recorded(name: str) -> DammV2Pool:
    state = state_named("meteora-damm-v2", name)
    return decode_damm_v2_pool(state.pool, state.snapshot)


def asked(pool: DammV2Pool, amount: int = 1_000_000, mode: SwapMode = SwapMode.EXACT_IN, *, buy: bool = False) -> QuoteRequest:
    a, b = (mint.address for mint in pool.mints)
    return QuoteRequest(input_mint=b if buy else a, output_mint=a if buy else b, amount=amount, mode=mode)


def test_addresses_are_the_ones_the_program_derives() -> None:
    for seed, address in ((b"pool_authority", addresses.POOL_AUTHORITY), (b"__event_authority", addresses.EVENT_AUTHORITY)):
        assert Pubkey.find_program_address([seed], addresses.PROGRAM_ID)[0] == address
    pool = recorded("full-range-both-tokens")
    a, b = (mint.address for mint in pool.mints)
    assert tuple(addresses.vault_address(pool.address, mint) for mint in (a, b)) == pool.vaults
    assert addresses.customizable_pool_address(a, b) == addresses.customizable_pool_address(b, a) == pool.address
    assert addresses.config_pool_address(a, a, b) == addresses.config_pool_address(a, b, a)


def test_accounts_stand_in_the_programs_order_whatever_the_direction() -> None:
    pool = recorded("full-range-both-tokens")
    user, source, destination = (Pubkey.new_unique() for _ in range(3))
    for buy in (False, True):
        request = SwapRequest(quote=asked(pool, buy=buy), limit=7, user=user, source=source, destination=destination)
        instruction = pool.swap_instruction(request)
        assert [meta.pubkey for meta in instruction.accounts] == [
            addresses.POOL_AUTHORITY,
            pool.address,
            source,
            destination,
            *pool.vaults,
            *(mint.address for mint in pool.mints),
            user,
            *(mint.token_program for mint in pool.mints),
            addresses.PROGRAM_ID,
            addresses.EVENT_AUTHORITY,
            addresses.PROGRAM_ID,
        ]
        assert [index for index, meta in enumerate(instruction.accounts) if meta.is_writable] == [1, 2, 3, 4, 5]
        assert instruction.data[:8] == bytes.fromhex("414b3f4ceb5b5b88")
        assert instruction.data[24] == 0
    exact_out = pool.swap_instruction(replace(request, quote=asked(pool, mode=SwapMode.EXACT_OUT)))
    assert exact_out.data[24] == 2


def test_a_limited_pool_hands_over_the_instructions_sysvar() -> None:
    limited = recorded("limiter-active")
    key = Pubkey.new_unique()
    request = SwapRequest(quote=asked(limited, buy=True), limit=7, user=key, source=key, destination=key)
    assert limited.swap_instruction(request).accounts[-1].pubkey == addresses.INSTRUCTIONS_SYSVAR


@pytest.mark.parametrize(
    ("offset", "content", "field"),
    [(48, b"\x65", "pool.protocol_percent"), (54, b"\x11\x27", "pool.compounding_bps"), (264, None, "pool.mints")],
)
def test_absurd_pool_bytes_are_named(offset: int, content: bytes | None, field: str) -> None:
    state = state_named("meteora-damm-v2", "traded-a")
    account = state.snapshot.accounts[state.pool]
    assert account is not None
    written = content or account.data[232:264]
    broken = replace(account, data=account.data[:offset] + written + account.data[offset + len(written) :])
    with pytest.raises(DecodeError) as caught:
        decode_damm_v2_pool(state.pool, replace(state.snapshot, accounts={**state.snapshot.accounts, state.pool: broken}))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"activation_type": 2}, 6010),
        ({"status": 1}, 6003),
        ({"activation_point": 2**63}, 6003),
        ({"layout_version": 2}, 6007),
        ({"collect_fee_mode": 3}, 6007),
        ({"liquidity": 0}, None),
    ],
)
def test_settings_the_program_refuses(change: dict[str, int], code: int | None) -> None:
    broken = replace(recorded("full-range-both-tokens"), **change)  # type: ignore[arg-type]
    for mode in SwapMode:
        with pytest.raises(QuoteError) as caught:
            broken.quote(asked(broken, mode=mode))
        assert caught.value.program_error == code
    assert not broken.tradable().ok


@pytest.mark.parametrize(("fees", "code"), [({"version": 2}, 6052), ({"base": UnknownBaseFee(kind=5)}, 6047)])
def test_fees_of_an_unknown_kind_are_refused(fees: dict[str, object], code: int) -> None:
    pool = recorded("full-range-both-tokens")
    broken = replace(pool, fees=replace(pool.fees, **fees))  # type: ignore[arg-type]
    for mode in SwapMode:
        with pytest.raises(PoolNotTradable) as caught:
            broken.quote(asked(broken, mode=mode))
        assert caught.value.program_error == code
    assert not broken.tradable().ok


def test_the_vault_not_the_curve_is_the_last_word() -> None:
    pool = recorded("full-range-both-tokens")
    emptied = replace(pool, vault_amounts=(pool.vault_amounts[0], 0))
    with pytest.raises(QuoteError) as caught:
        emptied.quote(asked(pool, amount=10**9))
    assert caught.value.program_error == 1


def test_the_first_swap_of_an_old_layout_computes_the_reserves_it_did_not_store() -> None:
    pool = recorded("range-narrow")
    old = replace(pool, layout_version=0, amounts=(0, 0))
    quote, old_quote = pool.quote(asked(pool)), old.quote(asked(pool))
    assert (quote.amount_in, quote.amount_out) == (old_quote.amount_in, old_quote.amount_out)
    after = old_quote.next_pool
    assert isinstance(after, DammV2Pool)
    reserves = pool.concentrated().reserves()
    assert after.layout_version == 1
    assert after.amounts[0] == reserves[0] + 1_000_000
    assert after.amounts[1] < reserves[1]


def test_untracked_reserves_of_the_new_layout_overdraw_as_in_the_program() -> None:
    pool = replace(recorded("range-narrow"), amounts=(0, 0))
    with pytest.raises(QuoteOverflow) as caught:
        pool.quote(asked(pool))
    assert caught.value.program_error == 6000


def test_every_kind_of_base_fee_is_among_the_recordings() -> None:
    pools = [decode_damm_v2_pool(state.pool, state.snapshot) for state in load_states("meteora-damm-v2")]
    assert {type(pool.fees.base).__name__ for pool in pools} == {"TimeScheduler", "RateLimiter", "MarketCapScheduler"}
    assert any(pool.fees.dynamic for pool in pools)
    assert any(pool.compounds for pool in pools)
