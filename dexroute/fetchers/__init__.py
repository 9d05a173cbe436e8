"""Everything that knows a venue's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexroute.lazy import loader

if TYPE_CHECKING:
    from dexroute.fetchers.base import Pool
    from dexroute.fetchers.registry import VenueRegistry
    from dexroute.fetchers.venues import VENUES, decode_pool
else:
    __getattr__ = loader(
        __name__,
        {
            "dexroute.fetchers.base": ("Pool",),
            "dexroute.fetchers.registry": ("VenueRegistry",),
            "dexroute.fetchers.venues": ("VENUES", "decode_pool"),
        },
    )

__all__ = ["VENUES", "Pool", "VenueRegistry", "decode_pool"]
