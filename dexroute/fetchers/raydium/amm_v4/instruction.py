"""The swap in its two forms: 17 accounts, which every build takes, and 8 accounts (v2), which builds since 2025-09 take.

With status 6 or 7 no build looks at the market's nine accounts: the pool stands in for them, and costs no bytes.
Source: raydium-io/raydium-amm@3b087ad and @27f461d, program/src/processor.rs (`process_swap_base_*`) and instruction.rs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.amm_v4.addresses import PROGRAM_ID
from dexroute.fetchers.refusals import instruction_direction
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool


class SwapForm(StrEnum):
    """Which instruction a cluster's program is asked with."""

    EVERY_BUILD = "every-build"
    V2 = "v2"


SWAPS: Final = {
    (form, mode): SwapLayout(
        mode=mode,
        head=bytes([tag]),
        limit_first=mode is SwapMode.EXACT_OUT,
        pool=1,
        source=accounts - 3,
        destination=accounts - 2,
        user=accounts - 1,
        accounts=accounts,
        most_accounts=accounts,
        constants={0: TOKEN_PROGRAM_ID},
    )
    for form, mode, tag, accounts in (
        (SwapForm.EVERY_BUILD, SwapMode.EXACT_IN, 9, 17),
        (SwapForm.EVERY_BUILD, SwapMode.EXACT_OUT, 11, 17),
        (SwapForm.V2, SwapMode.EXACT_IN, 16, 8),
        (SwapForm.V2, SwapMode.EXACT_OUT, 17, 8),
    )
}


def swap_instruction(pool: AmmV4Pool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    instruction_direction(pool, request)
    # v2 answers InvalidStatus to pools of status 1 in builds that still have the order book.
    form = SwapForm.EVERY_BUILD if pool.market is not None else pool.form
    quote = request.quote
    accounts = [
        AccountMeta(TOKEN_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(pool.address, is_signer=False, is_writable=True),
        AccountMeta(pool.authority, is_signer=False, is_writable=False),
        *_vaults_and_market(pool, form),
        AccountMeta(request.source, is_signer=False, is_writable=True),
        AccountMeta(request.destination, is_signer=False, is_writable=True),
        AccountMeta(request.user, is_signer=True, is_writable=False),
    ]
    return Instruction(PROGRAM_ID, SWAPS[form, quote.mode].encoded(quote.amount, request.limit), accounts)


def _vaults_and_market(pool: AmmV4Pool, form: SwapForm) -> list[AccountMeta]:
    vaults = [AccountMeta(vault, is_signer=False, is_writable=True) for vault in pool.vaults]
    if form is SwapForm.V2:
        return vaults
    if pool.market is None:
        unread = _read_only(pool.address)
        return [unread, *vaults, *[unread] * 8]
    market = pool.market
    written = [market.address, market.bids, market.asks, market.event_queue, market.coin_vault, market.pc_vault]
    return [
        AccountMeta(pool.open_orders_address, is_signer=False, is_writable=True),
        *vaults,
        _read_only(market.program),
        *(AccountMeta(address, is_signer=False, is_writable=True) for address in written),
        _read_only(market.vault_signer),
    ]


def _read_only(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=False, is_writable=False)
