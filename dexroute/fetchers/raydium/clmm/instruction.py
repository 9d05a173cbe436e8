"""swap_v2: 13 accounts, then the bitmap extension and the tick arrays the swap passes, in its order.

Source: raydium-io/raydium-clmm@a5a46ff and @03b44b7, programs/amm/src/instructions/swap_v2.rs (`SwapSingleV2`,
`exact_internal_v2`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.errors import QuoteError
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.raydium.clmm.addresses import (
    MEMO_PROGRAM_ID,
    PROGRAM_ID,
    bitmap_extension_address,
    tick_array_address,
)
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY
from dexroute.fetchers.raydium.clmm.quoting import quote_swap
from dexroute.fetchers.refusals import instruction_direction
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.clmm.pool import ClmmPool

_NO_PRICE_LIMIT: Final = bytes(16)
SWAPS: Final = {
    mode: SwapLayout(
        mode=mode,
        head=bytes.fromhex("2b04ed0b1ac91e62"),
        tail=_NO_PRICE_LIMIT + bytes([mode is SwapMode.EXACT_IN]),
        user=0,
        pool=2,
        source=3,
        destination=4,
        accounts=13,
        most_accounts=None,
        arrays_name_pool_at=8,  # of bitmap extension and tick arrays alike
        constants={8: TOKEN_PROGRAM_ID, 9: TOKEN_2022_PROGRAM_ID, 10: MEMO_PROGRAM_ID},
    )
    for mode in SwapMode
}
# The price may move between quote and swap; arrays at the end of the list that are not needed do no harm.
SPARE_ARRAYS: Final = 2
UNQUOTED_ARRAYS: Final = 10


def swap_instruction(pool: ClmmPool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    index_in = instruction_direction(pool, request)
    quote = request.quote
    mint_in, mint_out = pool.mints[index_in], pool.mints[1 - index_in]
    accounts = [
        AccountMeta(request.user, is_signer=True, is_writable=False),
        AccountMeta(pool.config, is_signer=False, is_writable=False),
        AccountMeta(pool.address, is_signer=False, is_writable=True),
        AccountMeta(request.source, is_signer=False, is_writable=True),
        AccountMeta(request.destination, is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[index_in], is_signer=False, is_writable=True),
        AccountMeta(pool.vaults[1 - index_in], is_signer=False, is_writable=True),
        AccountMeta(pool.observation, is_signer=False, is_writable=True),
        AccountMeta(TOKEN_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(TOKEN_2022_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(MEMO_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(mint_in.address, is_signer=False, is_writable=False),
        AccountMeta(mint_out.address, is_signer=False, is_writable=False),
    ]
    if pool.bitmap.extended:
        # Builds with limit orders write it when a swap fills the last order of an array.
        accounts.append(AccountMeta(bitmap_extension_address(pool.address), is_signer=False, is_writable=True))
    span = TICKS_PER_ARRAY * pool.tick_spacing
    arrays = [tick_array_address(pool.address, number * span) for number in arrays_passed(pool, quote, down=index_in == 0)]
    accounts.extend(AccountMeta(address, is_signer=False, is_writable=True) for address in arrays)
    return Instruction(PROGRAM_ID, SWAPS[quote.mode].encoded(quote.amount, request.limit), accounts)


def arrays_passed(pool: ClmmPool, quote: QuoteRequest, *, down: bool) -> list[int]:
    """Numbers of the arrays from the price on: as far as the quote comes, and some to spare."""
    try:
        end = _last_array(pool, quote_swap(pool, quote).next_pool.tick_current, down=down)  # type: ignore[attr-defined]
    except QuoteError:
        end = None
    current = pool.current_array()
    number = current if pool.bitmap.is_set(current) else pool.bitmap.next(current, down=down)
    numbers: list[int] = []
    spare = UNQUOTED_ARRAYS if end is None else SPARE_ARRAYS
    while number is not None:
        if end is None or (number < end if down else number > end):
            if spare == 0:
                break
            spare -= 1
        numbers.append(number)
        number = pool.bitmap.next(number, down=down)
    return numbers


def _last_array(pool: ClmmPool, tick: int, *, down: bool) -> int:
    """The array of the tick that a swap ending at `tick` was on its way to."""
    ticks, index = pool.ladder.ticks, pool.ladder.first(tick, down=down)
    span = TICKS_PER_ARRAY * pool.tick_spacing
    return (ticks[index] if 0 <= index < len(ticks) else tick) // span
