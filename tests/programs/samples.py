"""Pools of the dexroute program as values and as account bytes, without a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.idl import coder
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee

NOW = 1_700_000_000
CLOCK = ChainClock(slot=77, epoch=5, unix_timestamp=NOW)
MINT_A = Mint(address=Pubkey.from_bytes(bytes([1] * 32)), decimals=6, token_program=TOKEN_PROGRAM_ID)
MINT_B = Mint(address=Pubkey.from_bytes(bytes([2] * 32)), decimals=9, token_program=TOKEN_PROGRAM_ID)
ADMIN = Pubkey.from_bytes(bytes([3] * 32))
TERMS = FeeTerms(
    base_fee_ppm=3_000,
    protocol_share_ppm=200_000,
    dynamic_fee_ppm=2_000,
    max_volatility_bps=500,
    filter_period_s=30,
    decay_period_s=600,
)
U64 = st.integers(min_value=1, max_value=2**64 - 1)
AMOUNTS = st.integers(min_value=0, max_value=64).flatmap(lambda bits: st.integers(min_value=0, max_value=2**bits - 1))
RESERVES = st.one_of(AMOUNTS.map(lambda n: n + 1 if n < 2**64 - 1 else n), AMOUNTS.map(lambda n: max(1, 2**64 - 1 - n)))


def sample_pool(**changes: Any) -> DexroutePool:
    """A pool of a million whole A and two thousand whole B, untouched since it was filled, with fields replaced by name."""
    pool = DexroutePool(
        accounts=pool_accounts(MINT_A, MINT_B),
        clock=CLOCK,
        mints=(MINT_A, MINT_B),
        index=0,
        admin=ADMIN,
        status=0,
        reserves=(10**12, 2 * 10**12),
        protocol_fees=(0, 0),
        lp_supply=1_414_213_562_373,
        terms=TERMS,
        volatility=Volatility(),
        sums=PriceSums(a_x64=0, b_x64=0, at=NOW),
    )
    return replace(pool, **changes)


def with_transfer_fees(pool: DexroutePool, fees: tuple[TransferFee | None, TransferFee | None]) -> DexroutePool:
    """The same pool with Token-2022 mints charging these fees."""
    first, second = (
        mint if fee is None else replace(mint, token_program=TOKEN_2022_PROGRAM_ID, transfer_fee=fee)
        for mint, fee in zip(pool.mints, fees, strict=True)
    )
    accounts = replace(pool.accounts, token_programs=(first.token_program, second.token_program))
    return replace(pool, mints=(first, second), accounts=accounts)


def pool_fields(pool: DexroutePool) -> dict[str, Any]:
    """The account's fields by the IDL's names."""
    return {
        "version": 1,
        "bump": 255,
        "status": pool.status,
        "index": pool.index,
        "admin": pool.admin,
        "mint_a": pool.mints[0].address,
        "mint_b": pool.mints[1].address,
        "vault_a": pool.accounts.vaults[0],
        "vault_b": pool.accounts.vaults[1],
        "lp_mint": pool.accounts.lp_mint,
        "oracle": pool.accounts.oracle,
        "reserve_a": pool.reserves[0],
        "reserve_b": pool.reserves[1],
        "protocol_fees_a": pool.protocol_fees[0],
        "protocol_fees_b": pool.protocol_fees[1],
        "lp_supply": pool.lp_supply,
        "base_fee_ppm": pool.terms.base_fee_ppm,
        "protocol_share_ppm": pool.terms.protocol_share_ppm,
        "dynamic_fee_ppm": pool.terms.dynamic_fee_ppm,
        "max_volatility_bps": pool.terms.max_volatility_bps,
        "filter_period_s": pool.terms.filter_period_s,
        "decay_period_s": pool.terms.decay_period_s,
        "volatility_bps": pool.volatility.bps,
        "reference_reserve_a": pool.volatility.reference[0],
        "reference_reserve_b": pool.volatility.reference[1],
        "last_swap_at": pool.volatility.last_swap_at,
        "cumulative_a_x64": pool.sums.a_x64,
        "cumulative_b_x64": pool.sums.b_x64,
        "cumulative_at": pool.sums.at,
        "carried_bps": pool.volatility.carried_bps,
        "reserved": [0] * 27,
    }


def account_bytes(name: str, fields: dict[str, Any]) -> bytes:
    """An account of the program as the IDL lays it out, written by anchorpy."""
    from anchorpy.program.common import NamedInstruction

    encoded: bytes = coder().accounts.build(NamedInstruction(name=name, data=fields))
    return encoded


def mint_bytes(mint: Mint) -> bytes:
    """A mint account: 82 bytes, for Token-2022 with a transfer-fee extension when it charges one."""
    base = bytes(36) + (10**18).to_bytes(8, "little") + bytes([mint.decimals, 1]) + bytes(36)
    if mint.transfer_fee is None:
        return base
    fee = mint.transfer_fee
    record = fee.epoch.to_bytes(8, "little") + fee.maximum.to_bytes(8, "little") + fee.bps.to_bytes(2, "little")
    return base + bytes(83) + b"\x01" + (1).to_bytes(2, "little") + (108).to_bytes(2, "little") + bytes(72) + record * 2


def snapshot_of(pool: DexroutePool, pool_data: bytes | None = None) -> AccountSnapshot:
    """Everything `decode_pool` needs; `pool_data` replaces the pool account's bytes."""
    data = account_bytes("Pool", pool_fields(pool)) if pool_data is None else pool_data
    accounts = {pool.address: AccountData(owner=pool.accounts.program_id, lamports=1, data=data)} | {
        mint.address: AccountData(owner=mint.token_program, lamports=1, data=mint_bytes(mint)) for mint in pool.mints
    }
    return AccountSnapshot(clock=pool.clock, accounts=accounts)


@st.composite
def fee_terms(draw: st.DrawFn) -> FeeTerms:
    """Any settings the program accepts."""
    filter_s = draw(st.integers(0, 5_000))
    decay_s = draw(st.integers(filter_s + 1, 10_000))
    return FeeTerms(
        base_fee_ppm=draw(st.integers(0, 100_000)),
        protocol_share_ppm=draw(st.integers(0, 500_000)),
        dynamic_fee_ppm=draw(st.integers(0, 100_000)),
        max_volatility_bps=draw(st.integers(0, 10_000)),
        filter_period_s=filter_s,
        decay_period_s=decay_s,
    )


@st.composite
def transfer_fees(draw: st.DrawFn) -> TransferFee | None:
    """No transfer fee, or any a Token-2022 mint can charge."""
    if draw(st.booleans()):
        return None
    bps = draw(st.one_of(st.integers(0, 500), st.integers(0, 10_000), st.sampled_from([0, 1, 100, 9_999, 10_000])))
    return TransferFee(epoch=0, bps=bps, maximum=draw(AMOUNTS))


@st.composite
def pools(draw: st.DrawFn) -> DexroutePool:
    """Any state the program can have reached, by its own rules, some time after its last swap."""
    terms = draw(fee_terms())
    highest = st.integers(0, terms.max_volatility_bps)
    reserves = draw(RESERVES), draw(RESERVES)
    pool = sample_pool(
        terms=terms,
        reserves=reserves,
        protocol_fees=(draw(AMOUNTS), draw(AMOUNTS)),
        lp_supply=draw(AMOUNTS) % (2**64 - 1_001) + 1_001,
        volatility=Volatility(
            bps=draw(highest),
            carried_bps=draw(highest),
            reference=(draw(U64), draw(U64)),
            last_swap_at=NOW - draw(st.integers(-5, 11_000)),
        ),
        sums=PriceSums(
            a_x64=draw(st.integers(0, 2**128 - 1)), b_x64=draw(st.integers(0, 2**128 - 1)), at=NOW - draw(st.integers(0, 1_000))
        ),
    )
    return with_transfer_fees(pool, (draw(transfer_fees()), draw(transfer_fees())))


def amounts_near(reserve: int) -> st.SearchStrategy[int]:
    """u64 amounts that mean something to a reserve: parts of it, more than it, what would overflow it, and any other."""
    room = 2**64 - 1 - reserve
    return st.one_of(
        st.integers(0, 2**20).map(lambda part: min(reserve * part >> 20, 2**64 - 1)),
        st.integers(0, 2**20).map(lambda part: min(reserve * part >> 20, 2**64 - 1)),
        st.integers(0, 2**12).map(lambda part: min(reserve * part >> 8, 2**64 - 1)),
        st.integers(max(0, room - 10), min(2**64 - 1, room + reserve // 16 + 10)),
        st.sampled_from([1, max(0, reserve - 1), reserve, min(reserve + 1, 2**64 - 1), 2**64 - 1]),
        AMOUNTS,
    )
