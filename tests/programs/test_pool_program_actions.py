"""Every instruction does what the Python side predicts, to the last unit, and says so in an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
from anchorpy.program.common import Event
from anchorpy.program.event import EventParser
from solders.pubkey import Pubkey

from dexroute.fetchers.pool.events import PoolInitialized, PoolStatusSet, ProtocolFeesCollected
from dexroute.fetchers.pool.idl import coder
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.math.transfer_fee import amount_after_fee
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, add_as_predicted, remove_as_predicted, swap_as_predicted
from tests.programs.samples import TERMS, pool_fields
from tests.programs.world import Outcome, World


def test_initialize_writes_the_pool_its_vaults_and_its_mint(world: World) -> None:
    first, second = world.new_mint(), world.new_mint(token_2022=True)
    market = Market.open(world, first, second, index=513)
    pool = market.pool
    assert pool.admin == market.admin.pubkey()
    assert (pool.index, pool.status, pool.terms, pool.lp_supply) == (513, 0, TERMS, 0)
    assert (pool.reserves, pool.protocol_fees) == ((0, 0), (0, 0))
    assert pool.volatility == Volatility()
    assert pool.sums == PriceSums(a_x64=0, b_x64=0, at=world.clock.unix_timestamp)
    assert pool.accounts == market.accounts
    assert market.observations == ()
    lp_mint = world.account(market.accounts.lp_mint)
    assert lp_mint is not None and lp_mint.owner == TOKEN_PROGRAM_ID
    assert lp_mint.data == b"\x01\0\0\0" + bytes(pool.address) + bytes(8) + b"\x09\x01" + bytes(36)
    for side, address in enumerate(market.accounts.vaults):
        vault = world.account(address)
        assert vault is not None and vault.owner == market.mints[side].token_program
        assert vault.data[:72] == bytes(market.mints[side].address) + bytes(pool.address) + bytes(8)


def test_initialize_tells_the_terms(world: World) -> None:
    market = Market.open(world, world.new_mint(), world.new_mint())
    other = Market(world=world, accounts=market.accounts, index=0, mints=market.mints, trader=market.trader, admin=market.admin)
    other.index = 65_535
    other.accounts = pool_accounts(*market.mints, 65_535)
    (event,) = world.must(other.initialize()).events
    assert event == PoolInitialized(
        pool=other.accounts.pool, admin=market.admin.pubkey(), mint_a=market.mints[0].address, mint_b=market.mints[1].address,
        index=65_535, base_fee_ppm=3_000, protocol_share_ppm=200_000, dynamic_fee_ppm=2_000, max_volatility_bps=500,
        filter_period_s=30, decay_period_s=600,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["market", "taxed_market"])
@pytest.mark.parametrize("mode", list(SwapMode))
def test_swaps_both_ways(request: pytest.FixtureRequest, kind: str, mode: SwapMode) -> None:
    market: Market = request.getfixturevalue(kind)
    swapped = 0
    for amount in (1, 2, 1_000, 999_999, 10**8, 10**10, 2**63):
        for index_in in (0, 1):
            market.world.advance(17)
            swapped += swap_as_predicted(market, index_in, amount, mode).ok
    assert swapped >= 8


@pytest.mark.parametrize("kind", ["market", "taxed_market"])
def test_liquidity_there_and_back(request: pytest.FixtureRequest, kind: str) -> None:
    market: Market = request.getfixturevalue(kind)
    assert swap_as_predicted(market, 0, 1_234_567, SwapMode.EXACT_IN).ok
    for amounts in ((10**6, 10**6), (1, 10**9), (10**9, 3), (2**61, 2**61), (0, 5)):
        market.world.advance(5)
        add_as_predicted(market, amounts)
    shares = market.balances[2]
    assert shares > 0
    for lp in (0, 1, 1_000, shares // 2, shares):
        market.world.advance(5)
        remove_as_predicted(market, lp)
    remove_as_predicted(market, market.balances[2])
    assert market.balances[2] == 0
    assert market.pool.lp_supply == 1_000


@pytest.mark.parametrize("kind", ["market", "taxed_market"])
def test_protocol_fees_go_to_the_admin_once(request: pytest.FixtureRequest, kind: str) -> None:
    market: Market = request.getfixturevalue(kind)
    for index_in in (0, 1):
        assert swap_as_predicted(market, index_in, 10**8, SwapMode.EXACT_IN).ok
    pool, before = market.pool, market.balances
    assert min(pool.protocol_fees) > 0
    outcome = market.collect()
    assert outcome.ok, outcome.logs
    a, b = pool.protocol_fees
    assert outcome.events == (ProtocolFeesCollected(pool=pool.address, admin=market.admin.pubkey(), amount_a=a, amount_b=b),)
    arrived = [amount_after_fee(fee, mint.transfer_fee) for fee, mint in zip((a, b), market.mints, strict=True)]
    assert market.balances == (before[0] + arrived[0], before[1] + arrived[1], before[2])
    assert market.pool.protocol_fees == (0, 0)
    assert market.pool.reserves == pool.reserves == market.vaults
    again = market.collect()
    assert again.ok and market.balances == (before[0] + arrived[0], before[1] + arrived[1], before[2])


def test_status_switches_each_action_alone(market: Market) -> None:
    actions: dict[int, Callable[[], Outcome]] = {
        1: lambda: market.swap(0, 10**6),
        2: lambda: market.add((10**6, 10**7)),
        4: lambda: market.remove(10**6),
    }
    codes = {1: 6_012, 2: 6_013, 4: 6_014}
    for status in range(8):
        outcome = market.set_status(status)
        assert outcome.events == (PoolStatusSet(pool=market.accounts.pool, admin=market.admin.pubkey(), status=status),)
        assert market.pool.status == status
        for bit, act in actions.items():
            assert act().code == (codes[bit] if status & bit else None), (status, bit)
    assert market.collect().ok, "the admin's fees are not behind the switches"


def test_another_deployment_works_under_its_own_id() -> None:
    """The code bakes no id in: on a public cluster it runs under a key of whoever deploys it."""
    world = World(Pubkey.from_bytes(bytes([77] * 32)))
    market = Market.open(world, world.new_mint(), world.new_mint(token_2022=True))
    assert add_as_predicted(market, (10**9, 10**9)).ok
    assert swap_as_predicted(market, 0, 10**6, SwapMode.EXACT_IN).ok
    assert remove_as_predicted(market, 10**6).ok
    assert market.collect().ok and market.set_status(7).ok


def test_anchorpy_reads_what_the_program_wrote(world: World, market: Market) -> None:
    """Pool, oracle and events through anchorpy's own coders, from the chain's bytes and log lines."""
    world.advance(20)
    outcome = market.swap(0, 10**6)
    written = world.account(market.accounts.pool), world.account(market.accounts.oracle)
    assert written[0] is not None and written[1] is not None
    pool, oracle = (coder().accounts.decode(account.data) for account in written if account is not None)
    expected = pool_fields(market.pool) | {"bump": written[0].data[9]}
    assert {name: getattr(pool, name) for name in expected} == expected
    assert (oracle.pool, oracle.next, oracle.count) == (market.accounts.pool, 1, 1)
    first = oracle.observations[0]
    assert PriceSums(at=first.at, a_x64=first.cumulative_a_x64, b_x64=first.cumulative_b_x64) == market.pool.sums
    theirs: list[Event] = []
    EventParser(world.program_id, coder()).parse_logs(list(outcome.logs), theirs.append)
    (ours,) = outcome.events
    (event,) = theirs
    assert event.name == "Swapped"
    assert all(getattr(event.data, field.name) == getattr(ours, field.name) for field in fields(ours))
