"""The legs of a split in exact quotes: what a pool filled to the brim refuses goes to other legs before the pool is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.in_turn import in_turn, widest_behind
from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, Order
from dexroute.engine.routing.options import RouteOptions
from dexroute.errors import AmountTooSmall
from dexroute.types.requests import QuoteRequest

_TRIMS: Final = (1e-6, 1e-4, 1e-2, 0.1, 0.5, 0.8)
_MOST_TRIMS: Final = 24


def quoted_split(
    market: Market, flow: NetworkFlow, order: Order, kept: list[PathShare], request: QuoteRequest, options: RouteOptions
) -> QuotedRoute | RefusedLeg:
    """The legs in exact quotes. What a pool filled to the brim refuses goes to the other legs before the pool is given up."""
    kept = sorted(kept, key=lambda share: (-share.share, share.path))
    used = sum(into for edge, into in flow.flows.items() if market.source[edge] == order.input) / order.amount
    # Where pools are drained the flow leaves input lying.
    idle = max(0.0, 1.0 - used) if order.exact_in and used > 0.0 else 0.0
    # By pools that are full, and by legs where no other is left but through the pool that is.
    full: dict[Pubkey | Path, int] = {}
    for _ in range(_MOST_TRIMS):
        passed = [{market.edge_pool[edge].address for edge in share.path} for share in kept]
        taking = [share.path not in full and full.keys().isdisjoint(pools) for share, pools in zip(kept, passed, strict=True)]
        turns = in_turn(market, flow, order, kept)
        place = widest_behind(turns, taking)
        quoted = quote_legs(market, _whole(turns, request.amount, idle, place), request.mode, options.kept_back_bps)
        if isinstance(quoted, QuotedRoute) or isinstance(quoted.refused.error, AmountTooSmall):
            break
        pool = market.edge_pool[quoted.path[-1] if order.exact_in else quoted.path[0]].address
        refusing: Pubkey | Path = pool
        gives = [pool in pools for pools in passed]
        if all(giving or not takes for giving, takes in zip(gives, taking, strict=True)):
            refusing = next(share.path for share in reversed(kept) if _is_of(quoted.path, share.path, order.exact_in))
            gives = [share.path == refusing for share in kept]
        trims = full.get(refusing, 0)
        if trims == len(_TRIMS) or all(giving or not takes for giving, takes in zip(gives, taking, strict=True)):
            break
        full[refusing] = trims + 1
        idle += _TRIMS[trims] * sum(share.share for share, giving in zip(kept, gives, strict=True) if giving)
        kept = [
            replace(share, share=share.share * (1.0 - _TRIMS[trims])) if giving else share
            for share, giving in zip(kept, gives, strict=True)
        ]
    return quoted


def _is_of(looked_at: Path, path: Path, exact_in: bool) -> bool:
    """Whether a path that was quoted up to a refusal is the part of another."""
    return path[: len(looked_at)] == looked_at if exact_in else path[-len(looked_at) :] == looked_at


def _whole(shares: Sequence[PathShare], amount: int, idle: float, place: int) -> list[Share]:
    """Whole amounts that sum to the order's; the share at `place` gets what is `idle` of it besides, and what rounding leaves."""
    total = sum(share.share for share in shares)
    parts = [int(share.share / total * (1.0 - idle) * amount) for share in shares]
    parts[place] += amount - sum(parts)
    return [Share(share.path, part) for share, part in zip(shares, parts, strict=True) if part > 0]
