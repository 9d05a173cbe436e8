"""The async SDK: `async with Dex(...) as dex`."""

from __future__ import annotations

from dexroute.sdk.dex import Dex
from dexroute.sdk.quote import Quote, Token
from dexroute.sdk.terms import Strategy, SwapTerms

__all__ = ["Dex", "Quote", "Strategy", "SwapTerms", "Token"]
