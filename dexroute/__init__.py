"""dexroute: the self-hosted swap router for Solana.

::

    from dexroute import Dex

    async with Dex(url="mainnet-beta", keypair="~/.config/solana/id.json") as dex:
        quote = await dex.quote("SOL", "USDC", "1.5")
        receipt = await dex.swap(quote, key="monday")

Everything a user needs is here, flat; names load their rooms when they are first used, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dexroute.chain.signers import KeypairSigner
    from dexroute.config import Settings, load_settings
    from dexroute.engine.execution.receipt import Receipt
    from dexroute.engine.planning import PriorityFeePolicy
    from dexroute.engine.routing import (
        Candidate,
        Certificate,
        LegReport,
        RouteOptions,
        RouteQuote,
        Solution,
        find_route,
        rank_candidates,
        solve_route,
    )
    from dexroute.errors import DexError, GuardRefused, NetworkError, QuoteError, RouteNotFound, UsageError
    from dexroute.fetchers import VENUES, Pool, decode_pool
    from dexroute.fetchers.base import SwapQuote, SwapRequest, Venue
    from dexroute.ports import Signer
    from dexroute.sdk import Dex, Quote, Strategy, SwapTerms, Token
    from dexroute.sdk.depth import MarketDepth
    from dexroute.sdk.playground import make_playground
    from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
    from dexroute.types.orders import Order, OrderState
    from dexroute.types.requests import QuoteRequest, SwapMode
    from dexroute.types.routes import Hop, Leg, Route

_HOMES = {
    "dexroute.chain.signers": ("KeypairSigner",),
    "dexroute.config": ("Settings", "load_settings"),
    "dexroute.engine.execution.receipt": ("Receipt",),
    "dexroute.engine.planning": ("PriorityFeePolicy",),
    "dexroute.engine.routing": (
        "Candidate",
        "Certificate",
        "LegReport",
        "RouteOptions",
        "RouteQuote",
        "Solution",
        "find_route",
        "rank_candidates",
        "solve_route",
    ),
    "dexroute.errors": ("DexError", "GuardRefused", "NetworkError", "QuoteError", "RouteNotFound", "UsageError"),
    "dexroute.fetchers": ("VENUES", "Pool", "decode_pool"),
    "dexroute.fetchers.base": ("SwapQuote", "SwapRequest", "Venue"),
    "dexroute.ports": ("Signer",),
    "dexroute.sdk": ("Dex", "Quote", "Strategy", "SwapTerms", "Token"),
    "dexroute.sdk.depth": ("MarketDepth",),
    "dexroute.sdk.playground": ("make_playground",),
    "dexroute.types.accounts": ("AccountData", "AccountSnapshot", "ChainClock"),
    "dexroute.types.orders": ("Order", "OrderState"),
    "dexroute.types.requests": ("QuoteRequest", "SwapMode"),
    "dexroute.types.routes": ("Hop", "Leg", "Route"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"

__all__ = [
    "VENUES",
    "AccountData",
    "AccountSnapshot",
    "Candidate",
    "Certificate",
    "ChainClock",
    "Dex",
    "DexError",
    "GuardRefused",
    "Hop",
    "KeypairSigner",
    "Leg",
    "LegReport",
    "MarketDepth",
    "NetworkError",
    "Order",
    "OrderState",
    "Pool",
    "PriorityFeePolicy",
    "Quote",
    "QuoteError",
    "QuoteRequest",
    "Receipt",
    "Route",
    "RouteNotFound",
    "RouteOptions",
    "RouteQuote",
    "Settings",
    "Signer",
    "Solution",
    "Strategy",
    "SwapMode",
    "SwapQuote",
    "SwapRequest",
    "SwapTerms",
    "Token",
    "UsageError",
    "Venue",
    "decode_pool",
    "find_route",
    "load_settings",
    "make_playground",
    "rank_candidates",
    "solve_route",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
