"""The venue `raydium-amm-v4`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.raydium.amm_v4.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.amm_v4.decode import POOL_LAYOUT, decode_amm_v4_pool, required_accounts
from dexroute.fetchers.raydium.amm_v4.instruction import SWAPS, SwapForm
from dexroute.fetchers.raydium.amm_v4.order_book import OrderBookRule
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.fetchers.raydium.amm_v4.program_errors import EXCEEDED_SLIPPAGE
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=False,
    swap_compute_units=60_000,
    swap_calls=2,
    pool_filters=POOL_LAYOUT.filters,
    mint_offsets=POOL_LAYOUT.mint_offsets,
    slippage_error_codes=frozenset({EXCEEDED_SLIPPAGE}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaydiumAmmV4:
    """Raydium's first program. Its pools have no discriminator; owner and length tell them apart.

    Two facts about a cluster's build are not in its accounts. `form`: the 17-account instruction works on every build, the
    8-account one saves 9 accounts where the program has it. `order_book`: whether funds in open orders count; by default
    pools where it would matter are refused by name.
    """

    form: SwapForm = SwapForm.EVERY_BUILD
    order_book: OrderBookRule = OrderBookRule.UNKNOWN

    id: ClassVar[str] = "raydium-amm-v4"
    label: ClassVar[str] = "Raydium AMM v4"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        return required_accounts(address, known, self.order_book)

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> AmmV4Pool:
        return decode_amm_v4_pool(address, snapshot, self.order_book, self.form)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, SWAPS.values(), venue=self.id, program_id=self.program_id)
