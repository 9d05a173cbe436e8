"""DAMM v1 pools beyond the recordings: vault shares, locked profit, pegs, the limit that is sent, absurd bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, ExceedsLiquidity, ModeNotOffered, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.damm_v1 import addresses
from dexroute.fetchers.meteora.damm_v1.curves import StableCurve
from dexroute.fetchers.meteora.damm_v1.decode import decode_damm_v1_pool
from dexroute.fetchers.meteora.damm_v1.fees import PoolFees
from dexroute.fetchers.meteora.damm_v1.liquidity_curve import _stable
from dexroute.fetchers.meteora.damm_v1.peg import CACHE_S, Peg
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.meteora.damm_v1.quoting import core_swap
from dexroute.fetchers.meteora.damm_v1.vault import VaultAccounts, VaultSide
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import state_named

KEYS = [Pubkey.from_bytes(bytes([3, index] * 16)) for index in range(8)]
USER, SOURCE, DESTINATION = KEYS[5:]


@dataclass(frozen=True)
class State:
    """A pool and the accounts around it."""

    pool: Pubkey
    snapshot: AccountSnapshot


def recorded(name: str) -> State:
    state = state_named("meteora-damm-v1", name)
    return State(state.pool, state.snapshot)


def pool_of(state: State) -> DammV1Pool:
    return decode_damm_v1_pool(state.pool, state.snapshot)


def patched(state: State, offset: int, content: bytes, address: Pubkey | None = None) -> State:
    address = address or state.pool
    account = state.snapshot.accounts[address]
    assert account is not None
    data = account.data[:offset] + content + account.data[offset + len(content) :]
    accounts = {**state.snapshot.accounts, address: replace(account, data=data)}
    return State(state.pool, replace(state.snapshot, accounts=accounts))


def asked(pool: DammV1Pool, amount: int, mode: SwapMode = SwapMode.EXACT_IN, *, flip: bool = False) -> QuoteRequest:
    mint_in, mint_out = (mint.address for mint in (reversed(pool.mints) if flip else pool.mints))
    return QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode)


def side(total: int = 1_000, supply: int = 500, share: int = 100, **changed: int) -> VaultSide:
    accounts = VaultAccounts(vault=KEYS[0], cash=KEYS[1], lp_mint=KEYS[2], pool_lp=KEYS[3], protocol_fee=KEYS[4])
    numbers = {"cash": total, "locked_profit": 0, "last_report": 1_000, "degradation": 10**10} | changed
    return VaultSide(accounts=accounts, enabled=True, total=total, supply=supply, share=share, **numbers)


def test_locked_profit_is_released_second_by_second() -> None:
    vault = side(total=1_000, locked_profit=300)
    assert vault.free(1_000) == 700
    assert vault.free(1_050) == 850
    assert vault.free(1_100) == 1_000
    assert vault.free(9_999) == 1_000
    with pytest.raises(QuoteOverflow):
        vault.free(999)
    with pytest.raises(QuoteOverflow):
        side(total=100, locked_profit=101).free(1_000)


@given(st.integers(1, 10**18), st.integers(1, 10**18), st.integers(1, 10**15))
def test_shares_round_against_the_one_who_moves_them(total: int, supply: int, amount: int) -> None:
    vault = side(total=total, supply=supply, share=supply)
    burned, paid = vault.paid_for(amount, vault.free(1_000))
    assert paid <= amount
    assert burned * total <= amount * supply
    assert paid * supply <= burned * total
    if amount * supply // total + supply <= U64_MAX:
        minted = vault.minted_for(amount, total)
        after = vault.with_deposit(amount, minted)
        assert vault.worth_after(amount, minted, total) == after.worth(1_000)
        assert after.worth(1_000) - vault.worth(1_000) <= amount
        assert (after.total, after.cash) == (total + amount, total + amount)


def test_a_vault_pays_its_cash_and_no_more() -> None:
    vault = side(cash=40, share=500)
    vault.require_payable(20, 40)
    assert vault.with_withdrawal(20, 40).cash == 0
    with pytest.raises(ExceedsLiquidity) as caught:
        vault.require_payable(21, 41)
    assert caught.value.program_error == 1


def test_a_disabled_vault_takes_nothing_and_an_empty_one_has_no_price() -> None:
    with pytest.raises(PoolNotTradable):
        replace(side(), enabled=False).minted_for(5, 1_000)
    for empty in (side(supply=0), side(total=0)):
        with pytest.raises(QuoteError):
            empty.paid_for(5, empty.total)
    with pytest.raises(QuoteError):
        side(supply=0).worth(1_000)


def test_fees_round_down_and_are_at_least_one() -> None:
    fees = PoolFees(trade=(250, 100_000), protocol=(20_000, 100_000), partner_numerator=0)
    assert fees.split(1) == (0, 1)
    assert fees.split(399) == (0, 1)
    assert fees.split(10_000) == (20, 5)
    assert PoolFees(trade=(0, 1), protocol=(1, 2), partner_numerator=0).split(10_000) == (0, 0)
    with pytest.raises(QuoteOverflow):
        PoolFees(trade=(1, 2), protocol=(1, 1), partner_numerator=U64_MAX).split(10_000)


def test_a_pegs_price_is_kept_ten_minutes_and_then_read_anew() -> None:
    peg = Peg(staking_account=KEYS[0], cached_price=1_100_000, cached_at=5_000, value=123, units=100)
    assert peg.at(5_000 + CACHE_S) == peg
    assert peg.at(5_001 + CACHE_S) == replace(peg, cached_price=1_230_000, cached_at=5_001 + CACHE_S)
    with pytest.raises(PoolNotTradable):
        replace(peg, units=0).at(10_000)
    with pytest.raises(QuoteOverflow):
        replace(peg, cached_at=U64_MAX).at(10_000)


def test_a_swap_leaves_the_fresh_price_in_the_pool() -> None:
    pool = pool_of(recorded("stable-spl-stake-expired"))
    after = pool.quote(asked(pool, 10**6)).next_pool
    assert isinstance(after, DammV1Pool)
    assert isinstance(after.curve, StableCurve)
    assert after.curve.peg is not None
    assert after.curve.peg.cached_at == pool.clock.unix_timestamp
    assert after.curve.peg.cached_price == 1_066_177  # of the staking account; the pool had kept 1.065432


def test_exact_outputs_are_refused_by_name_and_nothing_for_nothing_succeeds() -> None:
    assert not VENUES["meteora-damm-v1"].capabilities.exact_out
    pool = pool_of(recorded("product-25bps"))
    with pytest.raises(ModeNotOffered, match="exact inputs only"):
        pool.quote(asked(pool, 5, SwapMode.EXACT_OUT))
    nothing = pool.quote(asked(pool, 0))
    assert (nothing.amount_in, nothing.amount_out, nothing.fees, nothing.next_pool) == (0, 0, (), pool)


def sent_limit(pool: DammV1Pool, request: QuoteRequest, limit: int) -> int:
    swap = SwapRequest(quote=request, limit=limit, user=USER, source=SOURCE, destination=DESTINATION)
    return int.from_bytes(pool.swap_instruction(swap).data[-8:], "little")


@pytest.mark.parametrize("name", ["product-locked-profit", "product-400bps-locked", "stable-profit-unlocking", "traded-a"])
def test_the_limit_sent_refuses_whatever_pays_less(name: str) -> None:
    """Also of a pool that changed meanwhile: whatever passes pays the limit. The whole quote as the limit may be refused for it."""
    pool = pool_of(recorded(name))
    checked = fallen_further = 0
    for flip in (False, True):
        for amount in (10**exponent + 7 * exponent for exponent in range(3, 12)):
            request = asked(pool, amount, flip=flip)
            try:
                core = core_swap(pool, amount, int(flip))
            except QuoteError:
                continue
            assert core.paid <= core.given_up_by(pool) <= core.paid + 1
            fallen_further += core.given_up_by(pool) > core.paid
            # The program lets a swap pass when the reserve falls by at least what was sent.
            for limit in range(max(core.paid - 2, 1), core.paid + 3):
                passes = sent_limit(pool, request, limit) <= core.given_up_by(pool)
                assert (limit < core.paid) <= passes <= (limit <= core.paid)
            checked += 1
    assert checked >= 8
    assert sent_limit(pool, asked(pool, 10**6), 0) == 0


def test_the_staking_account_travels_with_pegged_pools_only() -> None:
    pegged, plain = pool_of(recorded("stable-marinade-expired-b")), pool_of(recorded("stable-same-decimals"))
    for pool, count in ((pegged, 16), (plain, 15)):
        swap = SwapRequest(quote=asked(pool, 10**6), limit=1, user=USER, source=SOURCE, destination=DESTINATION)
        accounts = pool.swap_instruction(swap).accounts
        assert len(accounts) == count
        assert (accounts[-1].pubkey == addresses.MARINADE_STATE) == (count == 16)


@pytest.mark.parametrize(
    ("offset", "content", "field"),
    [
        (338, bytes(8), "pool.trade_fee"),
        (330, b"\xff" * 8, "pool.trade_fee"),
        (354, bytes(8), "pool.protocol_fee"),
        (874, b"\2", "pool.curve_type"),
        (875, bytes(8), "pool.curve_type"),
        (883, bytes(8), "pool.curve_type"),
        (916, b"\4", "pool.depeg_type"),
    ],
)
def test_absurd_values_are_refused_by_field(offset: int, content: bytes, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        pool_of(patched(recorded("stable-spl-stake-expired"), offset, content))
    assert caught.value.field == field


def test_a_vault_of_another_mint_and_a_stranger_staking_account_are_refused() -> None:
    state = recorded("stable-spl-stake-expired")
    pool = pool_of(state)
    with pytest.raises(DecodeError, match="is of mint"):
        pool_of(patched(state, 83, bytes(32), pool.sides[0].accounts.vault))
    assert isinstance(pool.curve, StableCurve)
    assert pool.curve.peg is not None
    staking = pool.curve.peg.staking_account
    account = state.snapshot.accounts[staking]
    assert account is not None
    for wrong in (replace(account, owner=KEYS[0]), replace(account, data=account.data[:270])):
        accounts = {**state.snapshot.accounts, staking: wrong}
        with pytest.raises(DecodeError, match="staking"):
            pool_of(State(state.pool, replace(state.snapshot, accounts=accounts)))


@pytest.mark.parametrize(("offset", "content"), [(233, b"\0"), (475, b"\2"), (403, b"\xff" * 8)])
def test_closed_pools_say_so(offset: int, content: bytes) -> None:
    pool = pool_of(patched(recorded("product-25bps"), offset, content))
    assert not pool.tradable().ok
    with pytest.raises(PoolNotTradable):
        pool.quote(asked(pool, 1_000))


@pytest.mark.parametrize("reserves", [(10**3, 10**3), (10**6, 10**4), (1_007_221_462, 1_000_039_379), (10**12, 10**9)])
@pytest.mark.parametrize("index_in", [0, 1])
def test_a_stable_pools_curve_runs_to_its_last_unit(reserves: tuple[int, int], index_in: int) -> None:
    """Shares of a vault others fill too: no vault's cash ends the curve before the largest amount there is."""
    curve = StableCurve(amp=100, multipliers=(1, 1), peg=None)
    pieces = list(_stable(curve, reserves, index_in, U64_MAX, 1.0))
    total_out = sum(piece.amount_out for piece in pieces)
    assert reserves[1 - index_in] * 0.999 <= total_out <= reserves[1 - index_in] * 1.001 + 2
    checked = 0
    for bits in range(1, 63, 3):
        taken, promised = float(1 << bits), 0.0
        for piece in pieces:
            part = min(taken, piece.amount_in)
            promised += piece.slope * part / (1.0 + piece.bend * part)
            taken -= part
        try:
            paid = curve.paid(1 << bits, reserves, index_in)
        except QuoteError:
            continue
        assert paid <= promised * (1 + 1e-9) + 1
        checked += 1
    assert checked >= 8
