"""Values: mints, amounts, accounts, requests, routes, orders. The names at the borders are here, flat; they load when they are
first used, because amounts are wanted where solders (slow to load) is not."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
    from dexroute.types.fees import Fee, FeeKind
    from dexroute.types.mints import Mint, TransferFee
    from dexroute.types.prices import Price
    from dexroute.types.requests import QuoteRequest, SwapMode
    from dexroute.types.routes import Hop, Leg, Route

_HOME_OF = {
    "AccountData": "accounts",
    "AccountSnapshot": "accounts",
    "ChainClock": "accounts",
    "Fee": "fees",
    "FeeKind": "fees",
    "Hop": "routes",
    "Leg": "routes",
    "Mint": "mints",
    "Price": "prices",
    "QuoteRequest": "requests",
    "Route": "routes",
    "SwapMode": "requests",
    "TransferFee": "mints",
}

__all__ = [
    "AccountData",
    "AccountSnapshot",
    "ChainClock",
    "Fee",
    "FeeKind",
    "Hop",
    "Leg",
    "Mint",
    "Price",
    "QuoteRequest",
    "Route",
    "SwapMode",
    "TransferFee",
]


if not TYPE_CHECKING:  # or a type checker takes any name for one that is here

    def __getattr__(name: str) -> Any:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)
