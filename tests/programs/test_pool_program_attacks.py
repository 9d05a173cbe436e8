"""Ways to take money out of a pool that have worked elsewhere."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.liquidity import LOCKED_LP, quote_add, quote_remove
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, add_as_predicted, fresh_market, remove_as_predicted, swap_as_predicted
from tests.programs.world import World

STATIC = FeeTerms(base_fee_ppm=0)


def test_donations_change_neither_price_nor_shares(market: Market) -> None:
    pool = market.pool
    market.give_to_vault(0, 10**12)
    market.give_to_vault(1, 5)
    assert market.pool == pool
    assert swap_as_predicted(market, 0, 10**6, SwapMode.EXACT_IN).ok
    shares = market.balances[2]
    assert remove_as_predicted(market, shares).ok
    assert market.vaults[0] > 10**12, "a donation stays where it was thrown"


def test_the_first_deposit_locks_units_nobody_can_burn(world: World) -> None:
    market = fresh_market(world)
    assert add_as_predicted(market, (1_000, 1_000)).code == 6_015
    assert add_as_predicted(market, (1_001, 1_001)).ok
    assert market.balances[2] == 1
    supply = world.account(market.accounts.lp_mint)
    assert supply is not None and int.from_bytes(supply.data[36:44], "little") == 1 == market.pool.lp_supply - LOCKED_LP
    assert remove_as_predicted(market, 2).code == 6_016
    assert remove_as_predicted(market, 1).ok
    assert market.pool.reserves == (1_000, 1_000)
    assert market.pool.tradable().ok


def test_inflating_a_share_costs_the_attacker_more_than_the_victim(world: World) -> None:
    """First depositor takes one unit, pushes the reserves up by trading against the pool, a victim deposits and is rounded down.
    The attacker holds one of 1,001 units, so what the victim loses to rounding goes to the locked units."""
    market = fresh_market(world, STATIC)
    start = market.balances
    assert add_as_predicted(market, (1_001, 1_001)).ok
    for _ in range(6):  # pump both sides: a swap pays with one and takes little of the other
        assert swap_as_predicted(market, 0, market.pool.reserves[0] * 9, SwapMode.EXACT_IN).ok
        assert swap_as_predicted(market, 1, market.pool.reserves[1] * 9, SwapMode.EXACT_IN).ok
    market.give_to_vault(0, 10**9)
    market.give_to_vault(1, 10**9)
    price_of_share = [reserve // market.pool.lp_supply for reserve in market.pool.reserves]
    victim = Market.open(world, *market.mints, index=60_000)
    victim.accounts, victim.index = market.accounts, market.index
    lp_account = world.new_token_account(market.accounts.lp_token, victim.trader.pubkey())
    victim.holdings = (*victim.holdings[:2], lp_account)
    before = victim.balances
    assert add_as_predicted(victim, (10**6, 10**6)).ok
    paid = [then - now for then, now in zip(before[:2], victim.balances[:2], strict=True)]
    worth = quote_remove(market.pool, victim.balances[2]).amounts
    assert all(p - w <= share + 1 for p, w, share in zip(paid, worth, price_of_share, strict=True))
    assert remove_as_predicted(market, 1).ok
    assert sum(market.balances[:2]) < sum(start[:2]), "the attacker is poorer than before"


@pytest.mark.parametrize("amount", [1, 2, 3, 999])
def test_rounding_is_never_in_the_traders_favour(world: World, amount: int) -> None:
    """A pool without any fee over a lopsided price: there and back a hundred times, down to single units."""
    market = fresh_market(world, STATIC)
    assert add_as_predicted(market, (1_000_000, 3_333_337)).ok
    start = market.balances
    k = market.pool.reserves[0] * market.pool.reserves[1]
    moved = 0
    for i in range(40):
        moved += swap_as_predicted(market, i % 2, amount, SwapMode.EXACT_IN).ok
        moved += swap_as_predicted(market, i % 2, amount, SwapMode.EXACT_OUT).ok
        now = market.pool.reserves[0] * market.pool.reserves[1]
        assert now >= k
        k = now
    assert moved >= 40
    back = market.pool.reserves[0] - 1_000_000, market.pool.reserves[1] - 3_333_337
    spent = start[0] - market.balances[0], start[1] - market.balances[1]
    assert back == spent


def test_adding_and_removing_by_dust_gains_nothing(world: World) -> None:
    market = fresh_market(world)
    assert add_as_predicted(market, (1_000_003, 777_777)).ok
    a, b, shares = market.balances
    for amounts in [(1, 1), (2, 1), (7, 5), (13, 10)] * 5:
        if add_as_predicted(market, amounts).ok:
            assert remove_as_predicted(market, market.balances[2] - shares).ok
        now = market.balances
        assert now[2] == shares and now[0] <= a and now[1] <= b
        a, b = now[:2]


def test_lamports_sent_ahead_do_not_keep_a_pool_from_opening(world: World) -> None:
    first, second = world.new_mint(), world.new_mint(token_2022=True)
    accounts = pool_accounts(first, second)
    payer = world.payer.pubkey()
    targets: list[Pubkey] = [accounts.pool, accounts.oracle, *accounts.vaults, accounts.lp_mint]
    for i, target in enumerate(targets):
        lamports = (890_880, 10**10)[i % 2]
        world.must(transfer(TransferParams(from_pubkey=payer, to_pubkey=target, lamports=lamports)))
    market = Market.open(world, first, second)
    assert add_as_predicted(market, (10**6, 10**6)).ok
    for target in targets:
        account = world.account(target)
        assert account is not None
        assert account.lamports >= world.svm.minimum_balance_for_rent_exemption(len(account.data))


def test_a_pool_cannot_be_opened_twice_nor_over_one_mint(world: World, market: Market) -> None:
    pool = market.pool
    outcome = market.run(market.initialize())
    assert outcome.code == 6_011
    assert market.pool == pool
    twin = Market(
        world=world,
        accounts=pool_accounts(*market.mints, 3),
        index=3,
        mints=market.mints,
        trader=market.trader,
        admin=market.admin,
    )
    instruction = twin.initialize()
    metas = list(instruction.accounts)
    metas[5] = metas[4]
    outcome = market.run(type(instruction)(instruction.program_id, instruction.data, metas))
    assert outcome.code == 6_023


def test_a_sandwich_cannot_push_a_trader_past_the_limit(market: Market) -> None:
    quoted = market.pool.quote(market.request(0, 10**7, SwapMode.EXACT_IN)).amount_out
    assert swap_as_predicted(market, 0, 10**8, SwapMode.EXACT_IN).ok
    before = market.balances
    refused = market.swap(0, 10**7, quoted)
    assert refused.code == 6_018
    assert market.balances == before
    wanted = market.pool.quote(market.request(0, 10**6, SwapMode.EXACT_OUT)).amount_in
    assert market.swap(0, 10**6, wanted - 1, SwapMode.EXACT_OUT).code == 6_018
    assert market.swap(0, 10**6, wanted, SwapMode.EXACT_OUT).ok


def test_limits_of_liquidity_are_exact(market: Market) -> None:
    quote = quote_add(market.pool, (10**6, 10**7))
    assert market.add((10**6, 10**7), quote.lp + 1).code == 6_018
    assert market.add((10**6, 10**7), quote.lp).ok
    a, b = quote_remove(market.pool, 10**6).amounts
    assert market.remove(10**6, (a + 1, b)).code == 6_018
    assert market.remove(10**6, (a, b + 1)).code == 6_018
    assert market.remove(10**6, (a, b)).ok
