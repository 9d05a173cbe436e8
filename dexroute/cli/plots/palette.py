"""A colour for every venue, told apart by colour-blind eyes too (after Okabe and Ito), of middle lightness for white and black."""

from __future__ import annotations

from typing import Final

_VENUES: Final = {
    "raydium-amm-v4": "#0072b2",
    "raydium-cpmm": "#56b4e9",
    "raydium-clmm": "#009e73",
    "meteora-damm-v1": "#e69f00",
    "meteora-damm-v2": "#d55e00",
    "meteora-dlmm": "#cc79a7",
    "dexroute-pool": "#8a6fd1",
}


def venue_color(venue_id: str) -> str:
    """Grey for a venue nobody gave a colour."""
    return _VENUES.get(venue_id, "#8c959f")
