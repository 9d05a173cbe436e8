"""Public HTTP APIs of venues, asked which pools exist. On mainnet-beta only: they know no other cluster."""

from __future__ import annotations

from dexroute.chain.apis.meteora import METEORA_APIS, MeteoraApi
from dexroute.chain.apis.meteora_damm_v1 import MeteoraDammV1Api
from dexroute.chain.apis.raydium import RaydiumApi

__all__ = ["METEORA_APIS", "MeteoraApi", "MeteoraDammV1Api", "RaydiumApi"]
