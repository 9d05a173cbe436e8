"""swap2: 14 accounts, and the instructions sysvar for pools with a rate limiter.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/instructions/swap/ix_swap.rs (SwapCtx, SwapParameters2) and
ix_p_swap.rs (`validate_single_swap_instruction`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.damm_v2.addresses import EVENT_AUTHORITY, INSTRUCTIONS_SYSVAR, POOL_AUTHORITY, PROGRAM_ID
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.refusals import instruction_direction
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool

SWAPS: Final = {
    mode: SwapLayout(
        mode=mode,
        head=bytes.fromhex("414b3f4ceb5b5b88"),
        tail=bytes([number]),
        pool=1,
        source=2,
        destination=3,
        user=8,
        accounts=14,
        most_accounts=15,
        constants={0: POOL_AUTHORITY, 11: PROGRAM_ID, 12: EVENT_AUTHORITY, 13: PROGRAM_ID, 14: INSTRUCTIONS_SYSVAR},
    )
    for mode, number in ((SwapMode.EXACT_IN, 0), (SwapMode.EXACT_OUT, 2))
}


def swap_instruction(pool: DammV2Pool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    instruction_direction(pool, request)
    accounts = [
        AccountMeta(POOL_AUTHORITY, is_signer=False, is_writable=False),
        AccountMeta(pool.address, is_signer=False, is_writable=True),
        AccountMeta(request.source, is_signer=False, is_writable=True),
        AccountMeta(request.destination, is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[0], is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[1], is_signer=False, is_writable=True),
        AccountMeta(pool.mints[0].address, is_signer=False, is_writable=False),
        AccountMeta(pool.mints[1].address, is_signer=False, is_writable=False),
        AccountMeta(request.user, is_signer=True, is_writable=False),
        AccountMeta(pool.mints[0].token_program, is_signer=False, is_writable=False),
        AccountMeta(pool.mints[1].token_program, is_signer=False, is_writable=False),
        # No referral: an optional account is absent when the program's own id stands in its place.
        AccountMeta(PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(EVENT_AUTHORITY, is_signer=False, is_writable=False),
        AccountMeta(PROGRAM_ID, is_signer=False, is_writable=False),
    ]
    if isinstance(pool.fees.base, RateLimiter):
        accounts.append(AccountMeta(INSTRUCTIONS_SYSVAR, is_signer=False, is_writable=False))
    return Instruction(PROGRAM_ID, SWAPS[request.quote.mode].encoded(request.quote.amount, request.limit), accounts)
