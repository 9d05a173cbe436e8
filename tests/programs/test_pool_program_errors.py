"""Every error code of the pool program, provoked. A code nobody can provoke would have to be listed with the reason why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.error_codes import PROGRAM_ERRORS, ErrorCode
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.types.accounts import AccountData
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TransferFee
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, flagged, substituted, with_accounts, with_data
from tests.programs.samples import TERMS, account_bytes, pool_fields
from tests.programs.world import Outcome, World

Provoke = Callable[[Market], Outcome]
UNREACHABLE: dict[ErrorCode, str] = {}


def swap_of(market: Market) -> Instruction:
    return market.swap_instruction(0, 10**6, 0)


def swap_with(place: int, address: Callable[[Market], Pubkey]) -> Provoke:
    return lambda market: market.run(substituted(swap_of(market), place, address(market)))


def open_with(terms: FeeTerms) -> Provoke:
    def provoke(market: Market) -> Outcome:
        fresh = pool_accounts(*market.mints, 7)
        payer = market.world.payer.pubkey()
        return market.run(instructions.initialize_pool(fresh, terms, index=7, payer=payer, admin=payer))

    return provoke


def open_out_of_order(market: Market) -> Outcome:
    accounts = pool_accounts(*market.mints, 9)
    turned = replace(
        accounts, mints=accounts.mints[::-1], token_programs=accounts.token_programs[::-1], vaults=accounts.vaults[::-1]
    )
    payer = market.world.payer.pubkey()
    return market.run(instructions.initialize_pool(turned, TERMS, index=9, payer=payer, admin=payer))


def open_with_hook(market: Market) -> Outcome:
    """A Token-2022 mint with a transfer hook (extension 14)."""
    world = market.world
    mint = world.new_mint(token_2022=True)
    account = world.account(mint.address)
    assert account is not None
    hook = (14).to_bytes(2, "little") + (64).to_bytes(2, "little") + bytes(64)
    world.put(mint.address, replace(account, lamports=10**9, data=account.data + bytes(83) + b"\x01" + hook))
    accounts = pool_accounts(market.mints[0], mint)
    payer = world.payer.pubkey()
    return market.run(instructions.initialize_pool(accounts, TERMS, index=0, payer=payer, admin=payer))


def after_status(status: int, act: Provoke) -> Provoke:
    def provoke(market: Market) -> Outcome:
        assert market.set_status(status).ok
        return act(market)

    return provoke


def overflowing(market: Market) -> Outcome:
    fields = pool_fields(market.pool) | {"reserve_a": 2**64 - 5, "bump": _bump(market)}
    account = market.world.account(market.accounts.pool)
    assert account is not None
    market.world.put(market.accounts.pool, replace(account, data=account_bytes("Pool", fields)))
    return market.swap(0, 10**6)


def _bump(market: Market) -> int:
    account = market.world.account(market.accounts.pool)
    assert account is not None
    return account.data[9]


def two_fees_in_one_mint(market: Market) -> Outcome:
    """No token program writes this: two transfer-fee records, of which Token-2022 reads the first and the pool the last."""
    world = market.world
    taxed = Market.open(world, world.new_mint(fee=TransferFee(epoch=0, bps=100, maximum=10**9)), world.new_mint())
    assert taxed.add((10**9, 10**9)).ok
    side = 0 if taxed.mints[0].transfer_fee else 1
    account = world.account(taxed.mints[side].address)
    assert account is not None
    entry = account.data[166 : 166 + 4 + 72] + 2 * (bytes(8) + (10**9).to_bytes(8, "little") + (7).to_bytes(2, "little"))
    world.put(taxed.mints[side].address, replace(account, lamports=10**9, data=account.data + entry))
    return taxed.swap(side, 10**6)


PROVOKED: dict[ErrorCode, Provoke] = {
    ErrorCode.InvalidInstruction: lambda m: m.run(with_data(swap_of(m), bytes(8))),
    ErrorCode.InvalidAccountOwner: swap_with(1, lambda m: m.mints[0].address),
    ErrorCode.InvalidPool: swap_with(1, lambda m: m.accounts.oracle),
    ErrorCode.InvalidVault: swap_with(3, lambda m: m.accounts.vaults[1]),
    ErrorCode.InvalidMint: swap_with(7, lambda m: m.mints[1].address),
    ErrorCode.InvalidTokenProgram: swap_with(9, lambda m: TOKEN_2022_PROGRAM_ID),
    ErrorCode.InvalidAuthority: lambda m: m.run(instructions.set_pool_status(m.accounts, status=1, admin=m.trader.pubkey())),
    ErrorCode.InvalidOracle: swap_with(2, lambda m: m.accounts.pool),
    ErrorCode.InvalidLpMint: lambda m: m.run(substituted(m.add_instruction((10**6, 10**6)), 5, m.mints[0].address)),
    ErrorCode.UnsupportedMint: open_with_hook,
    ErrorCode.InvalidFee: open_with(FeeTerms(base_fee_ppm=100_001)),
    ErrorCode.PoolAlreadyInitialized: lambda m: m.run(m.initialize()),
    ErrorCode.SwapsDisabled: after_status(1, lambda m: m.swap(0, 10**6)),
    ErrorCode.AddingDisabled: after_status(2, lambda m: m.add((10**6, 10**6))),
    ErrorCode.RemovingDisabled: after_status(4, lambda m: m.remove(10**6)),
    ErrorCode.AmountTooSmall: lambda m: m.swap(0, 0),
    ErrorCode.InsufficientLiquidity: lambda m: m.swap(0, 2**63, mode=SwapMode.EXACT_OUT),
    ErrorCode.MathOverflow: overflowing,
    ErrorCode.SlippageExceeded: lambda m: m.swap(0, 10**6, 10**12),
    ErrorCode.MissingSignature: lambda m: m.world.send(flagged(swap_of(m), 0, signer=False)),
    ErrorCode.NotEnoughAccounts: lambda m: m.run(with_accounts(swap_of(m), swap_of(m).accounts[:-1])),
    ErrorCode.AccountNotWritable: lambda m: m.run(flagged(swap_of(m), 1, writable=False)),
    ErrorCode.InvalidTokenAccount: swap_with(5, lambda m: m.accounts.vaults[0]),
    ErrorCode.MintsOutOfOrder: open_out_of_order,
    ErrorCode.TransferFeeMismatch: two_fees_in_one_mint,
}


def test_the_table_lists_every_code_once() -> None:
    assert {int(code) for code in PROVOKED} | {int(code) for code in UNREACHABLE} == set(PROGRAM_ERRORS)
    assert not set(PROVOKED) & set(UNREACHABLE)


@pytest.mark.parametrize("code", PROVOKED, ids=lambda code: code.name)
def test_each_code_is_answered_and_named_in_the_log(market: Market, code: ErrorCode) -> None:
    before = market.balances
    outcome = PROVOKED[code](market)
    assert outcome.code == code, (outcome.error, outcome.logs)
    assert market.balances == before
    assert not outcome.ok and outcome.events == ()
    assert any(code.name in line for line in outcome.logs), outcome.logs


@pytest.mark.parametrize(
    "terms",
    [
        replace(TERMS, base_fee_ppm=100_001),
        replace(TERMS, protocol_share_ppm=500_001),
        replace(TERMS, dynamic_fee_ppm=100_001),
        replace(TERMS, max_volatility_bps=10_001),
        replace(TERMS, decay_period_s=30),
        replace(TERMS, decay_period_s=29),
        replace(TERMS, filter_period_s=0, decay_period_s=0),
        replace(TERMS, dynamic_fee_ppm=0, filter_period_s=9, decay_period_s=9),
        replace(TERMS, base_fee_ppm=2**32 - 1),
    ],
)
def test_the_program_refuses_the_terms_the_model_refuses(market: Market, terms: FeeTerms) -> None:
    assert terms.fault() is not None
    assert open_with(terms)(market).code == ErrorCode.InvalidFee


@pytest.mark.parametrize(
    "terms",
    [
        FeeTerms(base_fee_ppm=0),
        FeeTerms(base_fee_ppm=100_000, protocol_share_ppm=500_000),
        replace(TERMS, dynamic_fee_ppm=100_000, max_volatility_bps=10_000),
        replace(TERMS, filter_period_s=0, decay_period_s=1),
        replace(TERMS, filter_period_s=2**32 - 2, decay_period_s=2**32 - 1),
    ],
)
def test_the_program_takes_the_terms_the_model_takes(market: Market, terms: FeeTerms) -> None:
    assert terms.fault() is None
    outcome = open_with(terms)(market)
    assert outcome.ok, outcome.logs


def test_data_of_any_other_length_is_refused(market: Market) -> None:
    built = {
        "initialize_pool": (market.initialize(), market.trader),
        "add": (market.add_instruction((5, 5)), market.trader),
        "remove": (market.remove_instruction(5), market.trader),
        "swap": (swap_of(market), market.trader),
        "swap_exact_out": (market.swap_instruction(0, 5, 5, SwapMode.EXACT_OUT), market.trader),
        "collect": (market.collect_instruction(), market.admin),
        "status": (instructions.set_pool_status(market.accounts, status=0, admin=market.admin.pubkey()), market.admin),
    }
    tried = 0
    for name, (instruction, signer) in built.items():
        full = bytes(instruction.data)
        for payload in [full[:length] for length in range(len(full))] + [full + b"\0", full + bytes(8), b"\0" + full, full[::-1]]:
            assert market.run(with_data(instruction, payload), signer).code == ErrorCode.InvalidInstruction, (name, payload)
            tried += 1
    assert tried == 34 + 32 + 32 + 24 + 24 + 8 + 9 + 4 * 7


@pytest.mark.parametrize("status", [8, 15, 128, 255])
def test_unknown_status_bits_are_refused(market: Market, status: int) -> None:
    assert market.set_status(status).code == ErrorCode.InvalidInstruction
    assert market.pool.status == 0


def test_strangers_bytes_as_a_pool_are_refused(world: World, market: Market) -> None:
    """Owned by the program, but never written by it: what an attacker could reach with a flaw elsewhere."""
    account = world.account(market.accounts.pool)
    assert account is not None
    forged = {
        "other discriminator": b"\0" + account.data[1:],
        "version 0": account.data[:8] + b"\0" + account.data[9:],
        "version 2": account.data[:8] + b"\x02" + account.data[9:],
        "too short": account.data[:-1],
        "too long": account.data + b"\0",
        "empty": b"",
    }
    for what, data in forged.items():
        address = Keypair().pubkey()
        world.put(address, AccountData(owner=account.owner, lamports=10**9, data=data))
        assert market.run(substituted(swap_of(market), 1, address)).code == ErrorCode.InvalidPool, what
    assert len(forged) == 6
