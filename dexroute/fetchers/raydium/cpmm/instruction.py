"""swap_base_input and swap_base_output: 13 accounts, two u64.

Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/instructions/swap_base_input.rs (struct Swap) and lib.rs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.cpmm.addresses import AUTHORITY, PROGRAM_ID
from dexroute.fetchers.refusals import instruction_direction
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.cpmm.pool import CpmmPool

_SWAP_BASE_INPUT: Final = bytes.fromhex("8fbe5adac41e33de")
_SWAP_BASE_OUTPUT: Final = bytes.fromhex("37d96256a34ab4ad")


def swap_instruction(pool: CpmmPool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    index_in = instruction_direction(pool, request)
    quote = request.quote
    if quote.mode is SwapMode.EXACT_IN:
        discriminator, first, second = _SWAP_BASE_INPUT, quote.amount, request.limit
    else:
        discriminator, first, second = _SWAP_BASE_OUTPUT, request.limit, quote.amount
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
    return Instruction(PROGRAM_ID, discriminator + first.to_bytes(8, "little") + second.to_bytes(8, "little"), accounts)
