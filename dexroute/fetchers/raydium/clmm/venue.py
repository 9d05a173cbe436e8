"""The venue `raydium-clmm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.raydium.clmm.addresses import PROGRAM_ID, bitmap_extension_address, tick_array_address
from dexroute.fetchers.raydium.clmm.bitmap import is_in_own_bitmap
from dexroute.fetchers.raydium.clmm.compute_units import SHORTEST_SWAP
from dexroute.fetchers.raydium.clmm.decode import POOL_LAYOUT, current_array, decode_bitmap, decode_clmm_pool
from dexroute.fetchers.raydium.clmm.instruction import SWAPS
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.fetchers.raydium.clmm.program_errors import TOO_LITTLE_OUTPUT, TOO_MUCH_INPUT
from dexroute.fetchers.raydium.clmm.reach import arrays_within_reach
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=True,
    swap_compute_units=SHORTEST_SWAP,
    swap_calls=2,
    pool_filters=POOL_LAYOUT.filters,
    mint_offsets=POOL_LAYOUT.mint_offsets,
    slippage_error_codes=frozenset({TOO_LITTLE_OUTPUT, TOO_MUCH_INPUT}),
    swap_accounts_vary=True,
)


@dataclass(frozen=True, slots=True)
class RaydiumClmm:
    """Raydium's concentrated-liquidity program. Its pools share a discriminator with CPMM pools; the owner tells them apart."""

    id: ClassVar[str] = "raydium-clmm"
    label: ClassVar[str] = "Raydium CLMM"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        """The pool; then config, mints, vaults, bitmap extension and the tick arrays around the price (`reach`). An array
        further out is asked for by the quote that needs it: LiquidityNotLoaded names it."""
        wanted = POOL_LAYOUT.required_accounts(address, known)
        if address not in known.accounts:
            return wanted
        reader = POOL_LAYOUT.reader(address, known)
        number, span = current_array(address, reader)
        extension = bitmap_extension_address(address)
        bitmap = decode_bitmap(address, reader, known)
        arrays: set[Pubkey] = set()
        # Seen from outside the pool's own bitmap, only the extension tells what is near.
        if extension in known.accounts or is_in_own_bitmap(number):
            arrays = {tick_array_address(address, near * span) for near in arrays_within_reach(bitmap, number, span)}
        return (wanted | arrays | {extension}) - known.accounts.keys()

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> ClmmPool:
        return decode_clmm_pool(address, snapshot)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, SWAPS.values(), venue=self.id, program_id=self.program_id)
