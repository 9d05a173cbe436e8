"""swap2 and swap_exact_out2: 16 accounts, then bin arrays in walking order.

Source: MeteoraAg/dlmm-sdk@fb02e51, idls/dlmm.json (swap2, swap_exact_out2). The program skips arrays it does not need, but
one that is needed after it was skipped counts as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from solders.instruction import AccountMeta, Instruction

from dexroute.errors import QuoteError
from dexroute.fetchers.base import SwapRequest
from dexroute.fetchers.meteora.dlmm.addresses import (
    EVENT_AUTHORITY,
    MEMO_PROGRAM_ID,
    PROGRAM_ID,
    bin_array_address,
    bitmap_extension_address,
)
from dexroute.fetchers.meteora.dlmm.bitmap import array_index
from dexroute.fetchers.meteora.dlmm.quoting import core_swap
from dexroute.fetchers.refusals import instruction_direction
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.dlmm.pool import DlmmPool

_NO_SLICES: Final = bytes(4)  # remaining accounts of transfer hooks; such mints are refused
SWAPS: Final = {
    mode: SwapLayout(
        mode=mode,
        head=bytes.fromhex(discriminator),
        tail=_NO_SLICES,
        limit_first=mode is SwapMode.EXACT_OUT,
        pool=0,
        source=4,
        destination=5,
        user=10,
        accounts=16,
        most_accounts=None,
        arrays_name_pool_at=24,
        constants={9: PROGRAM_ID, 13: MEMO_PROGRAM_ID, 14: EVENT_AUTHORITY, 15: PROGRAM_ID},
    )
    for mode, discriminator in (
        (SwapMode.EXACT_IN, "414b3f4ceb5b5b88"),  # swap2
        (SwapMode.EXACT_OUT, "2bd7f784893cf351"),  # swap_exact_out2
    )
}
# Arrays beyond the quote's last one, for a price that moves on before the swap lands.
_SPARE_ARRAYS: Final = 2
_ARRAYS_WITHOUT_QUOTE: Final = 10


def swap_instruction(pool: DlmmPool, request: SwapRequest) -> Instruction:
    """The swap with its limit: the least output for exact in, the most input for exact out. Raises QuoteError."""
    index_in = instruction_direction(pool, request)
    settings = pool.settings
    mint_x, mint_y = settings.mints
    extension = bitmap_extension_address(pool.address) if pool.bitmap.extended else PROGRAM_ID
    accounts = [
        AccountMeta(pool.address, is_signer=False, is_writable=True),
        # An optional account is absent when the program's own id stands in its place; one that is given must be writable.
        AccountMeta(extension, is_signer=False, is_writable=pool.bitmap.extended),
        AccountMeta(settings.reserves[0], is_signer=False, is_writable=True),
        AccountMeta(settings.reserves[1], is_signer=False, is_writable=True),
        AccountMeta(request.source, is_signer=False, is_writable=True),
        AccountMeta(request.destination, is_signer=False, is_writable=True),
        AccountMeta(mint_x.address, is_signer=False, is_writable=False),
        AccountMeta(mint_y.address, is_signer=False, is_writable=False),
        AccountMeta(settings.oracle, is_signer=False, is_writable=True),
        AccountMeta(PROGRAM_ID, is_signer=False, is_writable=False),  # no host fee
        AccountMeta(request.user, is_signer=True, is_writable=False),
        AccountMeta(mint_x.token_program, is_signer=False, is_writable=False),
        AccountMeta(mint_y.token_program, is_signer=False, is_writable=False),
        AccountMeta(MEMO_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(EVENT_AUTHORITY, is_signer=False, is_writable=False),
        AccountMeta(PROGRAM_ID, is_signer=False, is_writable=False),
    ]
    arrays = (bin_array_address(pool.address, index) for index in arrays_for(pool, request, index_in))
    accounts.extend(AccountMeta(array, is_signer=False, is_writable=True) for array in arrays)
    return Instruction(PROGRAM_ID, SWAPS[request.quote.mode].encoded(request.quote.amount, request.limit), accounts)


def arrays_for(pool: DlmmPool, request: SwapRequest, index_in: int) -> tuple[int, ...]:
    """Bin arrays in walking order: the neighbour behind, should the price step back, those the quote passes, and spare ones."""
    down = index_in == 0
    start = array_index(pool.active_id)
    behind = start + 1 if down else start - 1
    if pool.bitmap.at_or_after(behind, down=down) != behind:
        behind = start
    try:
        last = array_index(core_swap(pool, request.quote, index_in).active_id)
    except QuoteError:
        return pool.bitmap.nearest(behind, _ARRAYS_WITHOUT_QUOTE + abs(behind - start), down=down)
    ahead = pool.bitmap.nearest(last - 1 if down else last + 1, _SPARE_ARRAYS, down=down)
    walked = pool.bitmap.nearest(behind, abs(last - behind) + 1, down=down)
    return (*(index for index in walked if (index >= last if down else index <= last)), *ahead)
