"""The async SDK: `async with Dex(...) as dex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexroute.lazy import loader

if TYPE_CHECKING:
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.quote import Quote
    from dexroute.sdk.terms import Strategy, SwapTerms
    from dexroute.sdk.token import Token
else:
    __getattr__ = loader(
        __name__,
        {
            "dexroute.sdk.dex": ("Dex",),
            "dexroute.sdk.quote": ("Quote",),
            "dexroute.sdk.terms": ("Strategy", "SwapTerms"),
            "dexroute.sdk.token": ("Token",),
        },
    )

__all__ = ["Dex", "Quote", "Strategy", "SwapTerms", "Token"]
