"""Pool account bytes: our reader and anchorpy's agree, and bytes the program cannot have written are refused by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dexroute.errors import DecodeError, MissingAccounts
from dexroute.fetchers import VENUES, decode_pool
from dexroute.fetchers.pool.idl import coder
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.types.accounts import AccountSnapshot
from tests.programs.samples import (
    ADMIN,
    CLOCK,
    MINT_A,
    MINT_B,
    NOW,
    TERMS,
    account_bytes,
    pool_fields,
    pools,
    sample_pool,
    snapshot_of,
)

VENUE = DexroutePools()


@settings(max_examples=60, deadline=None)
@given(pools())
def test_decoding_what_anchorpy_wrote_gives_the_same_pool(pool: DexroutePool) -> None:
    assert VENUE.decode_pool(pool.address, snapshot_of(pool)) == pool


@settings(max_examples=60, deadline=None)
@given(pools())
def test_both_readings_of_the_same_bytes_agree(pool: DexroutePool) -> None:
    data = account_bytes("Pool", pool_fields(pool))
    read = pool_fields(VENUE.decode_pool(pool.address, snapshot_of(pool, data)))
    anchored = coder().accounts.decode(data)
    assert read == {name: getattr(anchored, name) for name in read}


def test_registered_and_dispatched_by_owner() -> None:
    pool = sample_pool()
    assert VENUES["dexroute-pool"].label == "dexroute pool"
    assert decode_pool(pool.address, snapshot_of(pool)) == pool


def test_required_accounts_are_the_pool_then_its_mints() -> None:
    pool = sample_pool()
    full = snapshot_of(pool)
    nothing = AccountSnapshot(clock=CLOCK, accounts={})
    assert VENUE.required_accounts(pool.address, nothing) == {pool.address}
    known = AccountSnapshot(clock=CLOCK, accounts={pool.address: full.accounts[pool.address]})
    assert VENUE.required_accounts(pool.address, known) == {MINT_A.address, MINT_B.address}
    absent = AccountSnapshot(clock=CLOCK, accounts={**known.accounts, MINT_A.address: None})
    assert VENUE.required_accounts(pool.address, absent) == {MINT_B.address}
    assert VENUE.required_accounts(pool.address, full) == frozenset()


def test_another_program_id_is_another_venue() -> None:
    pool = sample_pool()
    with pytest.raises(DecodeError, match="owned by"):
        DexroutePools(program_id=ADMIN).decode_pool(pool.address, snapshot_of(pool))


def test_mint_offsets_find_the_mints() -> None:
    data = account_bytes("Pool", pool_fields(sample_pool()))
    first, second = VENUE.capabilities.mint_offsets
    assert data[first : first + 32] == bytes(MINT_A.address)
    assert data[second : second + 32] == bytes(MINT_B.address)
    for wanted in VENUE.capabilities.pool_filters:
        if wanted.data_size is not None:
            assert wanted.data_size == len(data)
        else:
            assert data[wanted.offset : wanted.offset + len(wanted.bytes_)] == wanted.bytes_ != b""


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("pool.version", {"version": 2}),
    ("pool.status", {"status": 8}),
    ("pool.mints", {"mint_a": MINT_B.address, "mint_b": MINT_A.address}),
    ("pool.mints", {"mint_b": MINT_A.address}),
    ("pool.fees", {"base_fee_ppm": 100_001}),
    ("pool.fees", {"protocol_share_ppm": 500_001}),
    ("pool.fees", {"dynamic_fee_ppm": 100_001}),
    ("pool.fees", {"max_volatility_bps": 10_001}),
    ("pool.fees", {"filter_period_s": 600}),
    ("pool.fees", {"filter_period_s": 0, "decay_period_s": 0}),
    ("pool.volatility", {"volatility_bps": 501}),
    ("pool.volatility", {"carried_bps": 501}),
    ("pool.reserves", {"reserve_a": 0}),
    ("pool.reserves", {"reserve_a": 0, "reserve_b": 0}),
    ("pool.reserves", {"lp_supply": 0}),
    ("mint_a", {"mint_a": ADMIN, "mint_b": type(ADMIN).from_bytes(b"\xff" * 32)}),
]


@pytest.mark.parametrize(("field", "changes"), REFUSED, ids=lambda value: str(value)[:60])
def test_impossible_states_are_refused_by_field(field: str, changes: dict[str, Any]) -> None:
    pool = sample_pool()
    data = account_bytes("Pool", pool_fields(pool) | changes)
    with pytest.raises(DecodeError) as caught:
        VENUE.decode_pool(pool.address, snapshot_of(pool, data))
    assert caught.value.field == field
    assert caught.value.pool == str(pool.address)


def test_an_empty_pool_is_possible_and_not_tradable() -> None:
    pool = sample_pool(reserves=(0, 0), lp_supply=0)
    decoded = VENUE.decode_pool(pool.address, snapshot_of(pool))
    assert decoded == pool
    assert not decoded.tradable().ok


def test_static_fees_need_no_periods() -> None:
    pool = sample_pool(terms=replace(TERMS, dynamic_fee_ppm=0, filter_period_s=0, decay_period_s=0))
    assert VENUE.decode_pool(pool.address, snapshot_of(pool)) == pool


def test_missing_accounts_are_named() -> None:
    pool = sample_pool()
    full = snapshot_of(pool)
    for address in full.accounts:
        rest = {key: value for key, value in full.accounts.items() if key != address}
        with pytest.raises(MissingAccounts) as caught:
            VENUE.decode_pool(pool.address, AccountSnapshot(clock=CLOCK, accounts=rest))
        assert caught.value.context["missing"] == [str(address)]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=420), st.integers(0, 400))
def test_arbitrary_bytes_are_a_pool_or_a_decode_error(noise: bytes, keep: int) -> None:
    pool = sample_pool(volatility=Volatility(bps=7, last_swap_at=NOW))
    data = account_bytes("Pool", pool_fields(pool))
    for candidate in (noise, data[:keep] + noise[keep:400].ljust(400 - keep, b"\0"), data[:keep]):
        try:
            decoded = VENUE.decode_pool(pool.address, snapshot_of(pool, candidate))
        except DecodeError:
            continue
        assert decoded.terms.fault() is None
        assert decoded.lp_supply > 0 or decoded.reserves == (0, 0)
