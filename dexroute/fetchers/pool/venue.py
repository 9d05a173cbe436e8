"""The venue `dexroute-pool`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.pool.decode import (
    MINT_OFFSETS,
    POOL_DISCRIMINATOR,
    POOL_LENGTH,
    decode_dexroute_pool,
    pool_reader,
)
from dexroute.fetchers.pool.instructions import swap_layouts
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.chain import AccountFilter

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=True,
    swap_compute_units=40_000,
    swap_calls=2,
    pool_filters=(AccountFilter(data_size=POOL_LENGTH), AccountFilter(offset=0, bytes_=POOL_DISCRIMINATOR)),
    mint_offsets=MINT_OFFSETS,
    slippage_error_codes=frozenset({6018}),  # SlippageExceeded
)


@dataclass(frozen=True, slots=True)
class DexroutePools:
    """dexroute's own program, under the id it is deployed at (DEXROUTE_POOL_PROGRAM_ID on public clusters).

    A quote needs the pool account and its two mints. The vaults are not read: the pool counts its reserves itself, and neither a
    donation to a vault nor the fees it keeps for the admin belong to the price.
    """

    program_id: Pubkey = DEFAULT_PROGRAM_ID
    id: ClassVar[str] = "dexroute-pool"
    label: ClassVar[str] = "dexroute pool"
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        """The pool first, then its mints. Raises DecodeError when the pool's bytes are wrong."""
        if address not in known.accounts:
            return frozenset({address})
        reader = pool_reader(address, known, self.program_id)
        return frozenset(reader.pubkey(offset) for offset in MINT_OFFSETS) - known.accounts.keys()

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> DexroutePool:
        return decode_dexroute_pool(address, snapshot, self.program_id)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, swap_layouts(), venue=self.id, program_id=self.program_id)
