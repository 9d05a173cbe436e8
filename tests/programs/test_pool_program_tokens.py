"""Tokens that are not plain: Token-2022 fees that change with the epoch, extensions, mints closed and made anew, wrapped SOL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from dexroute.errors import UnsupportedMint
from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.fetchers.tokens import decode_mint
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, add_as_predicted, fresh_market, remove_as_predicted, swap_as_predicted
from tests.programs.samples import TERMS
from tests.programs.world import Outcome, World

FEE = TransferFee(epoch=0, bps=250, maximum=7_777)
FULL = TransferFee(epoch=0, bps=10_000, maximum=5_000)


@pytest.mark.parametrize(
    "fees",
    [(FEE, None), (None, FEE), (FEE, FEE), (FULL, None), (None, FULL), (TransferFee(epoch=0, bps=1, maximum=2**64 - 1), FULL)],
    ids=["in", "out", "both", "full-in", "full-out", "mixed"],
)
def test_transfer_fees_on_either_side(world: World, fees: tuple[TransferFee | None, TransferFee | None]) -> None:
    market = fresh_market(world, fees=fees)
    assert add_as_predicted(market, (10**9, 3 * 10**9)).ok
    done = 0
    for amount in (1, 40, 5_000, 5_001, 311_080, 10**7):
        for index_in in (0, 1):
            for mode in SwapMode:
                done += swap_as_predicted(market, index_in, amount, mode).ok
        done += add_as_predicted(market, (amount, amount * 4)).ok
        done += remove_as_predicted(market, amount).ok
    assert done >= 20
    assert market.collect().ok
    assert market.vaults == market.pool.reserves


def test_a_fee_set_today_counts_two_epochs_later() -> None:
    world = World()
    market = fresh_market(world, fees=(FEE, None))
    side = 0 if market.mints[0].transfer_fee else 1
    assert add_as_predicted(market, (10**9, 10**9)).ok
    world.set_transfer_fee(market.mints[side], TransferFee(epoch=0, bps=1_000, maximum=10**9))
    paid = {}
    for epoch in (0, 1, 2, 3):
        world.set_time(world.clock.unix_timestamp, epoch=epoch)
        assert swap_as_predicted(market, side, 10**6, SwapMode.EXACT_IN).ok
        assert swap_as_predicted(market, 1 - side, 10**6, SwapMode.EXACT_OUT).ok
        fee = market.pool.mints[side].transfer_fee
        assert fee is not None
        paid[epoch] = fee.bps
    assert paid == {0: 250, 1: 250, 2: 1_000, 3: 1_000}


def open_pool(world: World, first: Mint, second: Mint) -> Outcome:
    payer = world.payer.pubkey()
    return world.send(instructions.initialize_pool(pool_accounts(first, second), TERMS, index=0, payer=payer, admin=payer))


def with_extension(world: World, mint: Mint, kind: int, length: int) -> None:
    """Write one more extension entry into a Token-2022 mint, as its program lays them out."""
    account = world.account(mint.address)
    assert account is not None
    head = account.data if len(account.data) > 82 else account.data + bytes(83) + b"\x01"
    data = head + kind.to_bytes(2, "little") + length.to_bytes(2, "little") + bytes(length)
    world.put(mint.address, replace(account, lamports=10**9, data=data))


HARMLESS = {3: 32, 10: 52, 18: 64, 19: 80, 20: 64, 21: 80, 22: 64, 23: 72, 25: 56}
# The Token-2022 build inside LiteSVM is older than this extension: our program takes the mint, it refuses to make a vault.
UNKNOWN_TO_LITESVM = {25}


@pytest.mark.parametrize("kind", [*range(2, 40), 255, 256, 65_535])
def test_program_and_venue_refuse_the_same_extensions(world: World, kind: int) -> None:
    plain, odd = world.new_mint(), world.new_mint(token_2022=True)
    with_extension(world, odd, kind, HARMLESS.get(kind, 8))
    outcome = open_pool(world, plain, odd)
    assert outcome.code == (None if kind in HARMLESS else 6_009), (kind, outcome.logs)
    snapshot = world.snapshot([odd.address])
    if kind in HARMLESS:
        assert outcome.ok or kind in UNKNOWN_TO_LITESVM, outcome.logs
        assert decode_mint(snapshot, odd.address, pool=odd.address, field="mint").transfer_fee is None
    else:
        with pytest.raises(UnsupportedMint):
            decode_mint(snapshot, odd.address, pool=odd.address, field="mint")


@pytest.mark.parametrize(
    "data",
    [b"", bytes(81), bytes(82), bytes(83), bytes(165), bytes(82) + bytes(83) + b"\x02", bytes(44) + b"\x06\x02" + bytes(36)],
    ids=["empty", "short", "not initialized", "long", "token account", "account type 2", "initialized 2"],
)
def test_bytes_that_are_no_mint_are_refused(world: World, data: bytes) -> None:
    plain, odd = world.new_mint(), world.new_mint(token_2022=True)
    account = world.account(odd.address)
    assert account is not None
    world.put(odd.address, replace(account, lamports=10**9, data=data))
    assert open_pool(world, plain, odd).code == 6_004


def test_an_extension_cut_off_is_refused(world: World) -> None:
    plain, odd = world.new_mint(), world.new_mint(fee=FEE)
    account = world.account(odd.address)
    assert account is not None
    for cut in (1, 50, 107):
        world.put(odd.address, replace(account, lamports=10**9, data=account.data[:-cut]))
        assert open_pool(world, plain, odd).code == 6_004, cut


@pytest.mark.parametrize("act", ["swap in", "swap out", "add", "remove", "collect"])
def test_a_mint_made_anew_with_a_hook_stops_the_pool(world: World, act: str) -> None:
    """A mint without supply can be closed and created again at its address, with other extensions."""
    market = Market.open(world, world.new_mint(), world.new_mint(token_2022=True))
    assert market.add((10**9, 10**9)).ok
    side = 0 if market.mints[0].token_program == TOKEN_2022_PROGRAM_ID else 1
    assert market.swap(side, 10**6).ok
    with_extension(world, market.mints[side], 14, 64)
    outcome = {
        "swap in": lambda: market.swap(side, 10**6),
        "swap out": lambda: market.swap(1 - side, 10**6),
        "add": lambda: market.add((10**6, 10**6)),
        "remove": lambda: market.remove(10**6),
        "collect": lambda: market.collect(),
    }[act]()
    assert outcome.code == 6_009, outcome.logs


def test_a_frozen_account_or_vault_is_the_token_programs_refusal(world: World, market: Market) -> None:
    for address in (market.holdings[0], market.accounts.vaults[0]):
        account = world.account(address)
        assert account is not None
        world.put(address, replace(account, data=account.data[:108] + b"\x02" + account.data[109:]))
        pool, balances = market.pool, market.balances
        assert not market.swap(0, 10**6).ok
        assert (market.pool, market.balances) == (pool, balances)
        world.put(address, account)
    assert market.swap(0, 10**6).ok


def test_wrapped_sol_is_a_token_like_any_other(world: World) -> None:
    """The wrapped-SOL mint, as the cluster has it from the start; lamports sent to its vault do not disturb the pool."""
    data = bytes(36) + bytes(8) + b"\x09\x01" + bytes(36)
    world.put(NATIVE_MINT, AccountData(owner=TOKEN_PROGRAM_ID, lamports=10**9, data=data))
    sol = Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)
    market = Market.open(world, sol, world.new_mint(), funds=0)
    side = 0 if market.mints[0].address == NATIVE_MINT else 1
    wrap(world, market.holdings[side], 5 * 10**9)
    world.mint_to(market.mints[1 - side], market.holdings[1 - side], 10**12)
    assert add_as_predicted(market, (2 * 10**9, 2 * 10**9)).ok
    assert swap_as_predicted(market, side, 10**8, SwapMode.EXACT_IN).ok
    wrap(world, market.accounts.vaults[side], 12_345)
    assert swap_as_predicted(market, 1 - side, 10**8, SwapMode.EXACT_OUT).ok
    assert remove_as_predicted(market, market.balances[2]).ok


def wrap(world: World, account: Pubkey, lamports: int) -> None:
    send = transfer(TransferParams(from_pubkey=world.payer.pubkey(), to_pubkey=account, lamports=lamports))
    world.must(send, Instruction(TOKEN_PROGRAM_ID, bytes([17]), [AccountMeta(account, False, True)]))
