"""The venues of one `Dex`: all there are, with our pool program where the settings say it is deployed."""

from __future__ import annotations

from dexroute.config import Settings
from dexroute.fetchers import VENUES
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.fetchers.registry import VenueRegistry


def venues_for(settings: Settings) -> VenueRegistry:
    """VENUES, or the same with `pool_program_id` in place of the program id dexroute ships with."""
    program_id = settings.pool_program_id
    if program_id is None:
        return VENUES
    return VenueRegistry([DexroutePools(program_id=program_id) if isinstance(venue, DexroutePools) else venue for venue in VENUES])
