"""The venues of one `Dex`: all there are, as the settings say their programs are on the cluster."""

from __future__ import annotations

from dexroute.config import Settings
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Venue
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm
from dexroute.fetchers.raydium.amm_v4.order_book import OrderBookRule
from dexroute.fetchers.raydium.amm_v4.venue import RaydiumAmmV4
from dexroute.fetchers.registry import VenueRegistry


def venues_for(settings: Settings) -> VenueRegistry:
    """VENUES, with our pool program where the settings say it is deployed and AMM v4 as they say its build is."""
    program_id = settings.pool_program_id
    amm_v4 = RaydiumAmmV4(form=SwapForm(settings.amm_v4_swap_form), order_book=OrderBookRule(settings.amm_v4_order_book))
    if program_id is None and amm_v4 == RaydiumAmmV4():
        return VENUES

    def chosen(venue: Venue) -> Venue:
        if isinstance(venue, RaydiumAmmV4):
            return amm_v4
        return DexroutePools(program_id=program_id) if isinstance(venue, DexroutePools) and program_id is not None else venue

    return VenueRegistry([chosen(venue) for venue in VENUES])
