"""Values: mints, amounts, accounts, requests, routes, orders. The names at the borders are here, flat."""

from __future__ import annotations

from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.fees import Fee, FeeKind
from dexroute.types.mints import Mint, TransferFee
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop, Leg, Route

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
