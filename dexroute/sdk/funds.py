"""What an order may take from its wallet at most, and what the wallet holds of that: two orders never count on the same coins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.swap_plan import held_mints, route_mints
from dexroute.engine.planning.tip import Tip
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.ports import AccountReader
from dexroute.sdk.quote import Quote
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from dexroute.types.network import LAMPORTS_PER_SIGNATURE
from dexroute.types.orders import Order, Promise

_TOKEN_ACCOUNT_LAMPORTS: Final = 2_157_600  # rent of one with the extensions a plain Token-2022 mint may ask for
# Output, the token between two hops, and wrapped SOL for the time of the swap: an order is routed anew at each attempt, and the
# next route may pass through another token than the quote's.
_OPENED_AT_LEAST: Final = 3


def promises(quote: Quote, tip: Tip | None) -> tuple[Promise, ...]:
    """The most the order can spend of its input token within the quote's limit, and of lamports for fees, tip and the rent of the
    accounts that its route opens."""
    spent = quote.max_amount_in
    tipped = max(tip.lamports, tip.most_lamports) if tip is not None else 0
    opened = max(_opened(quote), _OPENED_AT_LEAST) * _TOKEN_ACCOUNT_LAMPORTS
    costs = LAMPORTS_PER_SIGNATURE + quote.terms.priority_fee.cap_lamports + tipped + opened
    if quote.request.input_mint == NATIVE_MINT:
        return (Promise(mint=NATIVE_MINT, amount=spent + costs),)
    return (Promise(mint=quote.request.input_mint, amount=spent), Promise(mint=NATIVE_MINT, amount=costs))


def _opened(quote: Quote) -> int:
    """Token accounts the quote's route opens: of the mints its hops deliver those the wallet had none of, and wrapped SOL."""
    mints = route_mints(quote.best, quote.pools)
    held = held_mints(mints, wrap_sol=True)
    missing = [mint for mint in held if mint != mints[0] and mint.address in quote.costs.rent_lamports]
    return len(missing) + len(mints) - len(held)


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
