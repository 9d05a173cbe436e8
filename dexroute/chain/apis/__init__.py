"""Public HTTP APIs of venues, asked which pools exist. On mainnet-beta only: they know no other cluster."""

from __future__ import annotations

from dexroute.chain.apis.meteora import MeteoraApi
from dexroute.chain.apis.raydium import RaydiumApi

__all__ = ["MeteoraApi", "RaydiumApi"]
