"""The venues dexroute knows."""

from __future__ import annotations

from solders.pubkey import Pubkey

from dexroute.fetchers.base import Pool
from dexroute.fetchers.meteora.damm_v1.venue import MeteoraDammV1
from dexroute.fetchers.meteora.damm_v2.venue import MeteoraDammV2
from dexroute.fetchers.meteora.dlmm.venue import MeteoraDlmm
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.fetchers.raydium.amm_v4.venue import RaydiumAmmV4
from dexroute.fetchers.raydium.clmm.venue import RaydiumClmm
from dexroute.fetchers.raydium.cpmm.venue import RaydiumCpmm
from dexroute.fetchers.registry import VenueRegistry
from dexroute.types.accounts import AccountSnapshot

VENUES = VenueRegistry(
    [
        RaydiumAmmV4(),
        RaydiumCpmm(),
        RaydiumClmm(),
        MeteoraDammV1(),
        MeteoraDammV2(),
        MeteoraDlmm(),
        DexroutePools(),
    ]
)


def decode_pool(address: Pubkey, snapshot: AccountSnapshot) -> Pool:
    """The pool at `address`, dispatched on the owning program. Raises DecodeError."""
    return VENUES.decode_pool(address, snapshot)
