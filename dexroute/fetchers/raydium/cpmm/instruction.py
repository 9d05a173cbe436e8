"""swap_base_input and swap_base_output: 13 accounts, two u64.

Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/instructions/swap_base_input.rs (struct Swap) and lib.rs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.cpmm.addresses import AUTHORITY, PROGRAM_ID
from dexroute.fetchers.refusals import instruction_direction
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.cpmm.pool import CpmmPool

SWAPS: Final = {
    mode: SwapLayout(
        mode=mode,
        head=bytes.fromhex(discriminator),
        limit_first=mode is SwapMode.EXACT_OUT,
        user=0,
        pool=3,
        source=4,
        destination=5,
        accounts=13,
        most_accounts=13,
        constants={1: AUTHORITY},
    )
    for mode, discriminator in (
        (SwapMode.EXACT_IN, "8fbe5adac41e33de"),  # swap_base_input
        (SwapMode.EXACT_OUT, "37d96256a34ab4ad"),  # swap_base_output
    )
}


def swap_instruction(pool: CpmmPool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    index_in = instruction_direction(pool, request)
    quote = request.quote
    mint_in, mint_out = pool.mints[index_in], pool.mints[1 - index_in]
    accounts = [
        AccountMeta(request.user, is_signer=True, is_writable=False),
        AccountMeta(AUTHORITY, is_signer=False, is_writable=False),
        AccountMeta(pool.config, is_signer=False, is_writable=False),
        AccountMeta(pool.address, is_signer=False, is_writable=True),
        AccountMeta(request.source, is_signer=False, is_writable=True),
        AccountMeta(request.destination, is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[index_in], is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[1 - index_in], is_signer=False, is_writable=True),
        AccountMeta(mint_in.token_program, is_signer=False, is_writable=False),
        AccountMeta(mint_out.token_program, is_signer=False, is_writable=False),
        AccountMeta(mint_in.address, is_signer=False, is_writable=False),
        AccountMeta(mint_out.address, is_signer=False, is_writable=False),
        AccountMeta(pool.observation, is_signer=False, is_writable=True),
    ]
    return Instruction(PROGRAM_ID, SWAPS[quote.mode].encoded(quote.amount, request.limit), accounts)
