"""dexroute: the self-hosted swap router for Solana.

::

    from dexroute import Dex

    async with Dex(url="mainnet-beta", keypair="~/.config/solana/id.json") as dex:
        quote = await dex.quote("SOL", "USDC", "1.5")
        receipt = await dex.swap(quote, key="monday")

Everything a user needs is here, flat; names load their rooms when they are first used, so that importing this costs nothing. The
errors most often caught are here too; all of them, as a tree, are in `dexroute.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexroute.lazy import loader

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
    from dexroute.errors import (
        AttemptExpired,
        DecodeError,
        DexError,
        GuardRefused,
        IdempotencyConflict,
        InsufficientFunds,
        LandedWithError,
        NetworkError,
        OutcomeUnknown,
        PriceImpactTooHigh,
        QuoteError,
        RouteNotFound,
        SlippageExceeded,
        UsageError,
    )
    from dexroute.fetchers import VENUES, Pool, decode_pool
    from dexroute.fetchers.base import SwapQuote, SwapRequest, Venue
    from dexroute.ports import Signer
    from dexroute.sdk import Dex, Quote, Strategy, SwapTerms, Token
    from dexroute.sdk.depth import MarketDepth
    from dexroute.sdk.playground import make_playground
    from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
    from dexroute.types.orders import Fill, Order, OrderEvent, OrderState, Priority
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
    "dexroute.errors": (
        "AttemptExpired",
        "DecodeError",
        "DexError",
        "GuardRefused",
        "IdempotencyConflict",
        "InsufficientFunds",
        "LandedWithError",
        "NetworkError",
        "OutcomeUnknown",
        "PriceImpactTooHigh",
        "QuoteError",
        "RouteNotFound",
        "SlippageExceeded",
        "UsageError",
    ),
    "dexroute.fetchers": ("VENUES", "Pool", "decode_pool"),
    "dexroute.fetchers.base": ("SwapQuote", "SwapRequest", "Venue"),
    "dexroute.ports": ("Signer",),
    "dexroute.sdk": ("Dex", "Quote", "Strategy", "SwapTerms", "Token"),
    "dexroute.sdk.depth": ("MarketDepth",),
    "dexroute.sdk.playground": ("make_playground",),
    "dexroute.types.accounts": ("AccountData", "AccountSnapshot", "ChainClock"),
    "dexroute.types.orders": ("Fill", "Order", "OrderEvent", "OrderState", "Priority"),
    "dexroute.types.requests": ("QuoteRequest", "SwapMode"),
    "dexroute.types.routes": ("Hop", "Leg", "Route"),
}

__version__ = "0.1.0"

__all__ = [
    "VENUES",
    "AccountData",
    "AccountSnapshot",
    "AttemptExpired",
    "Candidate",
    "Certificate",
    "ChainClock",
    "DecodeError",
    "Dex",
    "DexError",
    "Fill",
    "GuardRefused",
    "Hop",
    "IdempotencyConflict",
    "InsufficientFunds",
    "KeypairSigner",
    "LandedWithError",
    "Leg",
    "LegReport",
    "MarketDepth",
    "NetworkError",
    "Order",
    "OrderEvent",
    "OrderState",
    "OutcomeUnknown",
    "Pool",
    "PriceImpactTooHigh",
    "Priority",
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
    "SlippageExceeded",
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


if not TYPE_CHECKING:  # or a type checker takes any name for one that is here
    __getattr__ = loader(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
