"""swap: 15 accounts, and the staking account for pegged pools.

Source: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/instructions/swap.rs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.damm_v1.addresses import PROGRAM_ID, VAULT_PROGRAM_ID
from dexroute.fetchers.meteora.damm_v1.curves import StableCurve
from dexroute.fetchers.meteora.damm_v1.quoting import require_exact_in
from dexroute.fetchers.refusals import instruction_direction, refusals_explained
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.math.rounding import U64_MAX
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool

LIMIT_SLACK: Final = 1
"""The program compares the least output with how far the pool's reserve falls, which rounding to vault shares makes up to one unit
more than what arrives (seen on the program; MeteoraAg's sources stop at the quote). So it is told one more, and nothing less than
the limit ever arrives; the whole quote as its limit may be refused for that unit."""
SWAP: Final = SwapLayout(
    mode=SwapMode.EXACT_IN,
    head=bytes.fromhex("f8c69e91e17587c8"),
    pool=0,
    source=1,
    destination=2,
    user=12,
    accounts=15,
    most_accounts=16,
    constants={13: VAULT_PROGRAM_ID, 14: TOKEN_PROGRAM_ID},
    limit_slack=LIMIT_SLACK,
)


def swap_instruction(pool: DammV1Pool, request: SwapRequest) -> Instruction:
    """The swap with its least output. Raises QuoteError."""
    index_in = instruction_direction(pool, request)
    with refusals_explained(pool, request.quote):
        require_exact_in(request.quote)
    a, b = pool.sides[0].accounts, pool.sides[1].accounts
    writable = (
        pool.address,
        request.source,
        request.destination,
        a.vault,
        b.vault,
        a.cash,
        b.cash,
        a.lp_mint,
        b.lp_mint,
        a.pool_lp,
        b.pool_lp,
        (a, b)[index_in].protocol_fee,
    )
    accounts = [
        *(AccountMeta(key, is_signer=False, is_writable=True) for key in writable),
        AccountMeta(request.user, is_signer=True, is_writable=False),
        AccountMeta(VAULT_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(TOKEN_PROGRAM_ID, is_signer=False, is_writable=False),
    ]
    if isinstance(pool.curve, StableCurve) and pool.curve.peg is not None:
        accounts.append(AccountMeta(pool.curve.peg.staking_account, is_signer=False, is_writable=False))
    told = min(request.limit + LIMIT_SLACK, U64_MAX) if request.limit else 0
    return Instruction(PROGRAM_ID, SWAP.encoded(request.quote.amount, told), accounts)
