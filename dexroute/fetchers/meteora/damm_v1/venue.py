"""The venue `meteora-damm-v1`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.meteora.damm_v1.addresses import PROGRAM_ID
from dexroute.fetchers.meteora.damm_v1.decode import POOL_DISCRIMINATOR, decode_damm_v1_pool, required_accounts
from dexroute.fetchers.meteora.damm_v1.instruction import SWAP
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.chain import AccountFilter

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=False,
    token_2022=False,
    swap_compute_units=190_000,
    swap_calls=7,
    pool_filters=(AccountFilter(offset=0, bytes_=POOL_DISCRIMINATOR),),  # pools have more than one length
    mint_offsets=(40, 72),
    slippage_error_codes=frozenset({6004}),  # ExceededSlippage
)


@dataclass(frozen=True, slots=True)
class MeteoraDammV1:
    """Meteora's first program for dynamic pools. DAMM v2 pools share its pool discriminator; the owner tells them apart."""

    id: ClassVar[str] = "meteora-damm-v1"
    label: ClassVar[str] = "Meteora DAMM v1"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        return required_accounts(address, known)

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> DammV1Pool:
        return decode_damm_v1_pool(address, snapshot)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, (SWAP,), venue=self.id, program_id=self.program_id)
