"""Why pools that lie between the two mints are on no candidate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.findings import Findings
from dexroute.engine.routing.hops import RefusedHop, quote_hop
from dexroute.engine.routing.legs import RefusedLeg, quote_leg
from dexroute.engine.routing.market import Market, Steps
from dexroute.engine.routing.options import RouteOptions
from dexroute.fetchers.base import Pool
from dexroute.types.requests import QuoteRequest, SwapMode

_MOST_ASKED: Final = 64
_MOST_EDGES: Final = 400
_MOST_STUCK: Final = 24


@dataclass(frozen=True, slots=True)
class LostPath:
    """A path that was given up before its end. `pools` holds the pools looked at, `mints` the mints they join."""

    pools: tuple[Pool, ...]
    mints: tuple[Pubkey, ...]
    reason: str
    refused: RefusedHop | None = None


def lost_path(market: Market, leg: RefusedLeg) -> LostPath:
    """A refused leg as it is listed."""
    mints = (market.mints[market.source[leg.path[0]]], *(market.mints[market.target[edge]] for edge in leg.path))
    pools = tuple(market.edge_pool[edge] for edge in leg.path)
    return LostPath(pools, mints, leg.refused.error.message, leg.refused)


def lost_paths(findings: Findings, listed: Collection[Pubkey]) -> list[LostPath]:
    """One entry for each pool between the mints that is on no listed candidate, refusals first; in a large market only for those
    that join the two mints directly or cannot carry the amount."""
    market, request, options = findings.market, findings.request, findings.options
    covered = set(listed)
    lost: list[LostPath] = []

    def add(entry: LostPath) -> None:
        if any(pool.address not in covered for pool in entry.pools):
            covered.update(pool.address for pool in entry.pools)
            lost.append(entry)

    incomplete_first = sorted(findings.stuck, key=lambda path: (_end(market, path, request).complete, len(path), path))
    for path in incomplete_first[:_MOST_STUCK]:
        if all(market.edge_pool[edge].address in covered for edge in path):
            continue
        again = quote_leg(market, path, request.amount, request.mode, options.kept_back_bps, {})
        if isinstance(again, RefusedLeg):
            add(lost_path(market, again))
    for refused in findings.refused:
        add(lost_path(market, refused))
    asked = 0
    for edge in _edges_between(market, request, options):
        pool = market.edge_pool[edge]
        if pool.address in covered or asked >= _MOST_ASKED:
            continue
        mints = market.mints[market.source[edge]], market.mints[market.target[edge]]
        excluded = options.refusal(pool.venue_id, pool.address)
        if excluded is not None:
            if set(mints) == {request.input_mint, request.output_mint}:
                add(LostPath((pool,), mints, excluded))
            continue
        asked += 1
        quoted = quote_hop(pool, *mints, request.amount, request.mode)
        if isinstance(quoted, RefusedHop):
            add(LostPath((pool,), mints, quoted.error.message, quoted))
        elif findings.ranked:
            add(LostPath((pool,), mints, "every path through it is beaten by those listed"))
    for address in sorted(options.cooled, key=bytes):
        if address in market.pools:
            pool = market.pools[address]
            add(LostPath((pool,), tuple(mint.address for mint in pool.mints), str(options.refusal(pool.venue_id, address))))
    return lost


def _end(market: Market, path: tuple[int, ...], request: QuoteRequest) -> Steps:
    return market.curve(path[-1] if request.mode is SwapMode.EXACT_IN else path[0])


def _edges_between(market: Market, request: QuoteRequest, options: RouteOptions) -> list[int]:
    """Edges on paths of few enough hops whatever their pools say, in the order of pools; in a large market the direct ones."""
    direct = market.between(request.input_mint, request.output_mint)
    if len(market.source) > _MOST_EDGES or not market.holds(request.input_mint) or not market.holds(request.output_mint):
        return direct
    start, goal = market.number_of[request.input_mint], market.number_of[request.output_mint]
    ahead = _distances(market, start, options, forward=True)
    behind = _distances(market, goal, options, forward=False)
    far = options.max_hops + 1
    return [
        edge
        for edge in range(len(market.source))
        if market.target[edge] != start
        and market.source[edge] != goal
        and ahead.get(market.source[edge], far) + 1 + behind.get(market.target[edge], far) <= options.max_hops
    ]


def _distances(market: Market, start: int, options: RouteOptions, *, forward: bool) -> dict[int, int]:
    near, far = (market.source, market.target) if forward else (market.target, market.source)
    distance = {start: 0}
    allowed = options.intermediate_mints
    for hops in range(1, options.max_hops):
        for edge in range(len(near)):
            there = far[edge]
            if distance.get(near[edge]) != hops - 1 or there in distance:
                continue
            pool = market.edge_pool[edge]
            is_open = allowed is None or market.mints[there] in allowed
            if is_open and options.refusal(pool.venue_id, pool.address) is None:
                distance[there] = hops
    return distance
