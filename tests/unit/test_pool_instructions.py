"""Instructions by the IDL: the same as anchorpy's own Program builds, with the flags the page lists."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from anchorpy.program.context import Context
from anchorpy.program.core import Program
from anchorpy.provider import Provider, Wallet
from solana.rpc.async_api import AsyncClient
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.errors import AmountTooSmall, InvalidAmount, QuoteOverflow, UsageError
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.idl import idl
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID, pool_accounts
from dexroute.fetchers.pool.seeding import deposit, open_pool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.programs.samples import ADMIN, MINT_A, MINT_B, TERMS, sample_pool

ACCOUNTS = sample_pool().accounts
USER, FIRST, SECOND, SHARES = (Pubkey.from_bytes(bytes([n] * 32)) for n in (10, 11, 12, 13))

BUILT: dict[str, tuple[Callable[[], Instruction], tuple[int, ...]]] = {
    "initialize_pool": (
        lambda: instructions.initialize_pool(ACCOUNTS, TERMS, index=0, payer=USER, admin=ADMIN),
        (0, 3_000, 200_000, 2_000, 500, 30, 600),
    ),
    "add_liquidity": (
        lambda: instructions.add_liquidity(
            ACCOUNTS, max_amounts=(7, 8), min_lp=9, user=USER, sources=(FIRST, SECOND), user_lp=SHARES
        ),
        (7, 8, 9),
    ),
    "remove_liquidity": (
        lambda: instructions.remove_liquidity(
            ACCOUNTS, lp=9, min_amounts=(7, 8), user=USER, destinations=(FIRST, SECOND), user_lp=SHARES
        ),
        (9, 7, 8),
    ),
    "swap_exact_in": (
        lambda: instructions.swap(ACCOUNTS, 0, SwapMode.EXACT_IN, amount=5, limit=6, user=USER, source=FIRST, destination=SECOND),
        (5, 6),
    ),
    "swap_exact_out": (
        lambda: instructions.swap(ACCOUNTS, 1, SwapMode.EXACT_OUT, amount=5, limit=6, user=USER, source=FIRST, destination=SECOND),
        (5, 6),
    ),
    "collect_protocol_fees": (
        lambda: instructions.collect_protocol_fees(ACCOUNTS, admin=ADMIN, destinations=(FIRST, SECOND)),
        (),
    ),
    "set_pool_status": (lambda: instructions.set_pool_status(ACCOUNTS, status=3, admin=ADMIN), (3,)),
}


def anchor_program() -> Program:
    return Program(idl(), DEFAULT_PROGRAM_ID, Provider(AsyncClient("http://127.0.0.1:1"), Wallet(Keypair())))


@pytest.mark.parametrize("name", BUILT)
async def test_ours_is_what_anchorpys_program_builds(name: str) -> None:
    build, arguments = BUILT[name]
    ours = build()
    entry = next(candidate for candidate in idl().instructions if candidate.name == name)
    named = {account.name: meta.pubkey for account, meta in zip(entry.accounts, ours.accounts, strict=True)}
    theirs = anchor_program().instruction[name](*arguments, ctx=Context(accounts=named))
    assert ours == theirs


def test_all_instructions_are_built_here() -> None:
    assert set(BUILT) == {entry.name for entry in idl().instructions}


def test_sides_of_a_swap_follow_its_direction() -> None:
    forth, back = BUILT["swap_exact_in"][0](), BUILT["swap_exact_out"][0]()
    a, b = ACCOUNTS.vaults
    assert [meta.pubkey for meta in forth.accounts[3:9]] == [a, b, FIRST, SECOND, MINT_A.address, MINT_B.address]
    assert [meta.pubkey for meta in back.accounts[3:9]] == [b, a, FIRST, SECOND, MINT_B.address, MINT_A.address]
    assert [meta.is_signer for meta in forth.accounts] == [True] + [False] * 10


@pytest.mark.parametrize(
    "build",
    [
        lambda: instructions.set_pool_status(ACCOUNTS, status=256, admin=ADMIN),
        lambda: instructions.remove_liquidity(
            ACCOUNTS, lp=-1, min_amounts=(0, 0), user=USER, destinations=(FIRST, SECOND), user_lp=SHARES
        ),
        lambda: instructions.initialize_pool(ACCOUNTS, TERMS, index=2**16, payer=USER, admin=ADMIN),
    ],
)
def test_values_beyond_their_width_are_refused(build: Callable[[], Instruction]) -> None:
    with pytest.raises(InvalidAmount):
        build()


@pytest.mark.parametrize(
    ("amount", "limit", "error"),
    [(0, 1, AmountTooSmall), (2**64, 1, QuoteOverflow), (1, 2**64, QuoteOverflow), (1, -1, AmountTooSmall)],
)
def test_a_pools_swap_instruction_refuses_what_cannot_be_meant(amount: int, limit: int, error: type[Exception]) -> None:
    quote = QuoteRequest(input_mint=MINT_A.address, output_mint=MINT_B.address, amount=amount)
    with pytest.raises(error):
        sample_pool().swap_instruction(SwapRequest(quote=quote, limit=limit, user=USER, source=FIRST, destination=SECOND))


def test_seeding_in_either_order_of_mints() -> None:
    assert pool_accounts(MINT_B, MINT_A) == ACCOUNTS
    assert open_pool(ACCOUNTS, TERMS, payer=USER, admin=ADMIN) == BUILT["initialize_pool"][0]()
    holdings = {MINT_B.address: SECOND, MINT_A.address: FIRST, ACCOUNTS.lp_mint: SHARES}
    first = deposit(ACCOUNTS, {MINT_B.address: 8, MINT_A.address: 7}, user=USER, holdings=holdings, min_lp=9)
    assert first == BUILT["add_liquidity"][0]()


def test_seeding_refuses_what_is_missing_or_impossible() -> None:
    with pytest.raises(UsageError, match="base_fee_ppm"):
        open_pool(ACCOUNTS, FeeTerms(base_fee_ppm=100_001), payer=USER, admin=ADMIN)
    with pytest.raises(UsageError, match=str(MINT_B.address)):
        deposit(ACCOUNTS, {MINT_A.address: 7}, user=USER, holdings={})
    with pytest.raises(ValueError, match="two different"):
        pool_accounts(MINT_A, MINT_A)


def test_quoting_does_not_load_anchorpy() -> None:
    code = (
        "import sys, dexroute.fetchers\n"
        "loaded = {'anchorpy', 'construct', 'solana', 'httpx'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    checked: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
