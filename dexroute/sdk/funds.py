"""What an order may take from its wallet at most, and what the wallet holds of that: two orders never count on the same coins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.layout import Reader
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.ports import AccountReader
from dexroute.sdk.terms import SwapTerms
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from dexroute.types.orders import Order, Promise
from dexroute.types.requests import SwapMode

_SIGNATURE_FEE_LAMPORTS: Final = 5_000
_TOKEN_ACCOUNT_LAMPORTS: Final = 2_157_600  # rent of one with the extensions a plain Token-2022 mint may ask for
_OPENED_AT_MOST: Final = 3  # output, the token between two hops, and wrapped SOL for the time of the swap


def promises(terms: SwapTerms, limit: int | None) -> tuple[Promise, ...]:
    """The most the order can spend of its input token, and of lamports for fees and rent. An exact-out order without a limit yet
    promises no input."""
    request = terms.request
    spent = request.amount if request.mode is SwapMode.EXACT_IN else limit or 0
    costs = _SIGNATURE_FEE_LAMPORTS + terms.priority_fee.cap_lamports + _OPENED_AT_MOST * _TOKEN_ACCOUNT_LAMPORTS
    if request.input_mint == NATIVE_MINT:
        return (Promise(mint=NATIVE_MINT, amount=spent + costs),)
    return (Promise(mint=request.input_mint, amount=spent), Promise(mint=NATIVE_MINT, amount=costs))


async def read_funds(reader: AccountReader, order: Order) -> Mapping[Pubkey, int]:
    """What the wallet holds of what the order promises, base units, read now in one call. Raises NetworkError."""
    mints = [promise.mint for promise in order.promised if promise.mint != NATIVE_MINT]
    accounts = {mint: [_associated(order.wallet, mint, program) for program in _PROGRAMS] for mint in mints}
    asked = [order.wallet, *(account for held in accounts.values() for account in held)]
    read = (await reader.get_accounts(asked)).accounts
    wallet = read[order.wallet]
    funds = {NATIVE_MINT: wallet.lamports if wallet else 0}
    for mint, held in accounts.items():
        found = [read[account] for account in held]
        whole = [account for account in found if account is not None and len(account.data) >= TOKEN_ACCOUNT_LENGTH]
        funds[mint] = sum(Reader(account.data).u64(64) for account in whole)
    return funds


_PROGRAMS: Final = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)


def _associated(owner: Pubkey, mint: Pubkey, program: Pubkey) -> Pubkey:
    return Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED_TOKEN_PROGRAM_ID)[0]
