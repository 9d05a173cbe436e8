"""The venue `meteora-dlmm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.meteora.dlmm.addresses import PROGRAM_ID
from dexroute.fetchers.meteora.dlmm.compute_units import SHORTEST_SWAP
from dexroute.fetchers.meteora.dlmm.decode import POOL_LAYOUT, decode_dlmm_pool
from dexroute.fetchers.meteora.dlmm.instruction import SWAPS
from dexroute.fetchers.meteora.dlmm.loading import required_accounts
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=True,
    swap_compute_units=SHORTEST_SWAP,
    swap_calls=4,
    pool_filters=POOL_LAYOUT.filters,
    mint_offsets=POOL_LAYOUT.mint_offsets,
    # ExceededAmountSlippageTolerance; NotExactAmountOut and InsufficientInAmount when the most input is spent too early.
    slippage_error_codes=frozenset({6003, 6057, 6104}),
    swap_accounts_vary=True,
)


@dataclass(frozen=True, slots=True)
class MeteoraDlmm:
    """Meteora's liquidity-book program."""

    id: ClassVar[str] = "meteora-dlmm"
    label: ClassVar[str] = "Meteora DLMM"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        return required_accounts(address, known)

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> DlmmPool:
        return decode_dlmm_pool(address, snapshot)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, SWAPS.values(), venue=self.id, program_id=self.program_id)
