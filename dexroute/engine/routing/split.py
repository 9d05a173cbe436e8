"""Splitting an order: from the best flow to a few legs that pay for themselves and fit one transaction.

The flow over all good edges is solved without a limit on legs. Cut into paths, each leg is worth what its pools would be missed for
at the prices of that flow. The least of too many legs, and legs worth less than they cost to land, are dropped; what is left is
solved again, until nothing is to be dropped. Exact quotes decide afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dexroute.engine.routing.decomposition import PathShare, paths_of
from dexroute.engine.routing.fixed_paths import solve_paths
from dexroute.engine.routing.leftover import with_leftover
from dexroute.engine.routing.leg_swaps import exchanged
from dexroute.engine.routing.leg_worth import by_loss, leg_gains
from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, many_pieces, solve_network
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.provisional import provisional_leg
from dexroute.engine.routing.room import TransactionRoom
from dexroute.engine.routing.scope import Scope
from dexroute.engine.routing.short_paths import best_short_paths
from dexroute.engine.routing.split_quotes import quoted_split
from dexroute.engine.routing.unlimited import TOLERANCE, RoughWorth, UnlimitedFlow, unlimited_flows
from dexroute.errors import AmountTooSmall
from dexroute.types.requests import QuoteRequest

_ROUNDS: Final = 4
# Flows solved over more and more edges at most, and where the legs that come of those are refused.
_MOST_FLOWS: Final = 8
_FEW_FLOWS: Final = 4
_TRIES: Final = 8
_LAST_DROPPED: Final = 12
_LAST_TRIES: Final = 3
_MISSED: Final = 1e-6
# Of a flow, for the loss of which to paths of few enough hops others are looked for.
_LOST: Final = 1e-4
# Of the order, by shares: what any one leg carries others may take over at the same price, but not what all of them carry.
_MOST_LET_GO: Final = 0.25


@dataclass(slots=True)
class SplitFound:
    """`flow` is the best flow within the hop limit with any number of legs, `unlimited` the best
    whatever its hops, `missed` the part of `flow` that took longer paths, `edges`
    those it was solved over, `paths` how many paths it runs along and `longest` the hops of the longest. `routes` are quoted
    splits; `refused` legs that an exact quote refused; `unfit` routes (as legs) that the transaction has no room for, with the
    reason."""

    flow: NetworkFlow
    unlimited: NetworkFlow
    edges: list[int]
    missed: float
    paths: int
    longest: int
    routes: list[QuotedRoute] = field(default_factory=list)
    refused: list[RefusedLeg] = field(default_factory=list)
    unfit: list[tuple[tuple[Path, ...], str]] = field(default_factory=list)


def find_split(
    market: Market,
    scope: Scope,
    request: QuoteRequest,
    options: RouteOptions,
    room: TransactionRoom,
    singles: Sequence[Path],
) -> SplitFound | None:
    """Splits worth ranking. `singles` are the best single paths, to be looked at whatever their price. None when no flow satisfies
    the request."""
    also = {edge for path in singles for edge in path}
    *few, solved = unlimited_flows(market, scope, also, few=_FEW_FLOWS, most=_MOST_FLOWS)
    if solved is None:
        return None
    found = _split_along(market, scope, request, options, room, singles, also, solved)
    if options.max_splits > 1 and (found.refused or not found.routes):
        # The legs that are worth most of many may take too little of an order that drains them: of fewer, then.
        for fewer in filter(None, few):
            other = _split_along(market, scope, request, options, room, singles, also, fewer)
            found.routes += other.routes
            found.refused += other.refused
            found.unfit += other.unfit
    return found


def _split_along(
    market: Market,
    scope: Scope,
    request: QuoteRequest,
    options: RouteOptions,
    room: TransactionRoom,
    singles: Sequence[Path],
    also: set[int],
    solved: UnlimitedFlow,
) -> SplitFound:
    flow, edges = solved.flow, solved.edges
    unlimited = flow.value
    shares, missed = paths_of(market, flow, scope.order, scope.max_hops)
    for _ in range(_ROUNDS):
        if missed < _MISSED or not shares:
            break
        # Some of it took longer paths than allowed: without the edges only those need.
        shorter = sorted({*also, *(edge for share in shares for edge in share.path)})
        if len(shorter) == len(edges):
            break
        rough = many_pieces(market, shorter)
        again = solve_network(market, shorter, scope.order, RoughWorth(scope), tolerance=TOLERANCE, rough=rough)
        if not again.solved:
            break
        flow, edges = again, shorter
        shares, missed = paths_of(market, flow, scope.order, scope.max_hops)
    if flow.rough and missed < _MISSED:
        again = solve_network(market, edges, scope.order, RoughWorth(scope), tolerance=TOLERANCE)
        if again.solved:
            flow = again
            shares, missed = paths_of(market, flow, scope.order, scope.max_hops)
    fixed = False
    completed = _completed(shares, missed, singles)
    if completed and (missed >= _MISSED or abs(flow.value - unlimited) > _LOST * unlimited):
        most = unlimited if solved.settled else None
        short = best_short_paths(market, scope, flow, completed, most=most, tolerance=TOLERANCE)
        better = short is not None and (short[1].value > flow.value) is scope.order.exact_in
        if short is not None and (missed >= _MISSED or better):
            (shares, flow), missed = short, 0.0
            edges = sorted(flow.flows)
            fixed = True
    longest = max((len(share.path) for share in shares), default=0)
    found = SplitFound(flow, solved.flow, edges, missed, len(shares), longest)
    if options.max_splits > 1 and shares:
        if scope.order.exact_in and sum(share.share for share in shares) < 1.0 - _MISSED:
            found.routes += with_leftover(market, request, options, shares, singles)
        _reduce(market, scope, request, options, room, found, shares, fixed=fixed)
    return found


def _completed(shares: list[PathShare], missed: float, singles: Sequence[Path]) -> list[PathShare]:
    """What a flow took along longer paths than allowed goes along the best single path instead."""
    if not singles or missed < _MISSED:
        return shares
    carried = {share.path: share.share for share in shares}
    carried[singles[0]] = carried.get(singles[0], 0.0) + missed
    return [PathShare(path, share) for path, share in carried.items()]


def _reduce(
    market: Market,
    scope: Scope,
    request: QuoteRequest,
    options: RouteOptions,
    room: TransactionRoom,
    found: SplitFound,
    shares: list[PathShare],
    *,
    fixed: bool,
) -> None:
    flow, edges = found.flow, found.edges
    worth = RoughWorth(scope)
    exchange, dropped = False, list[Path]()
    for tries_left in reversed(range(_TRIES)):
        if len(shares) < 2:
            return
        if (excess := len(shares) - options.max_splits) > 0:
            # Many go in two steps: what the first leave changes what the others are worth.
            most = options.max_splits + (excess // 3 if excess > 4 and tries_left >= _LAST_TRIES else 0)
            let_go = _MOST_LET_GO if tries_left >= _LAST_TRIES else 1.0
            kept, gone = by_loss(market, scope, flow, shares, most=most, let_go=let_go)
            dropped += [share.path for share in gone]
        else:
            kept = _fitting(market, scope, room, found, flow, shares)
        if len(kept) < 2:
            return
        if len(kept) == len(shares):
            quoted = quoted_split(market, flow, scope.order, kept, request, options)
            if isinstance(quoted, QuotedRoute):
                found.routes.append(quoted)
                limited = bool(dropped or found.unfit) and _leaves(flow, found.flow)
                others = exchanged(market, scope, (kept, flow), dropped[-_LAST_DROPPED:]) if limited and not exchange else None
                exchange = exchange or limited
                if others is not None:
                    shares, flow = others
                    continue
                kept = _paying(market, scope, request, options, flow, kept)
                if len(kept) == len(shares):
                    return
            else:
                # The exact quote knows better than the curve: without that pool, then.
                found.refused.append(quoted)
                kept = _without_refused(market, kept, quoted, exact_in=scope.order.exact_in)
        if not kept or not tries_left:
            return
        # The legs dropped have edges of their own, or those of the rest would make new ones again and again.
        fixed = fixed or tries_left <= _LAST_TRIES or {edge for share in kept for edge in share.path} == set(edges)
        if fixed:
            best = solve_paths(market, kept, flow, scope.order, tolerance=TOLERANCE)
        else:
            edges = sorted({edge for share in kept for edge in share.path})
            fewer = solve_network(market, edges, scope.order, worth, tolerance=TOLERANCE)
            best = (paths_of(market, fewer, scope.order, scope.max_hops)[0], fewer) if fewer.solved else None
        if best is None:
            # They may carry it all the same, at the shares of the last flow that was found.
            quoted = quoted_split(market, flow, scope.order, kept[: options.max_splits], request, options)
            found.routes += [quoted] if isinstance(quoted, QuotedRoute) else []
            return
        shares, flow = best


def _leaves(flow: NetworkFlow, best: NetworkFlow) -> bool:
    """Whether the limit on legs costs anything."""
    return abs(flow.value - best.value) > _MISSED * best.value


def _without_refused(market: Market, kept: Sequence[PathShare], refused: RefusedLeg, *, exact_in: bool) -> list[PathShare]:
    """The legs that do not pass through a pool that refused its part; where that was too small, all but the smallest of those."""
    culprit = market.edge_pool[refused.path[-1] if exact_in else refused.path[0]].address
    through = [share for share in kept if any(market.edge_pool[edge].address == culprit for edge in share.path)]
    if isinstance(refused.refused.error, AmountTooSmall):
        through = [min(through, key=lambda share: (share.share, share.path))]
    return [share for share in kept if share not in through]


def _paying(
    market: Market, scope: Scope, request: QuoteRequest, options: RouteOptions, flow: NetworkFlow, shares: list[PathShare]
) -> list[PathShare]:
    """The legs less the half of those that are not worth their costs which fall furthest short of them. What they are worth is a
    first guess; the route with them is quoted already, and the ranking decides."""
    gains = leg_gains(market, scope, request, options, flow, shares)
    short = sorted(
        (place for place in range(len(shares)) if gains[place] < 0.0), key=lambda place: (gains[place], shares[place].path)
    )
    dropped = short[: (len(short) + 1) // 2]
    return [share for place, share in enumerate(shares) if place not in dropped]


def _fitting(
    market: Market,
    scope: Scope,
    room: TransactionRoom,
    found: SplitFound,
    flow: NetworkFlow,
    shares: Sequence[PathShare],
) -> list[PathShare]:
    """The legs that fit one transaction, those taken in first that are dearest to lose."""
    pools = market.pools
    legs = {share: provisional_leg(market, scope, flow, share) for share in shares}
    reason = room.refusal([legs[share] for share in shares], pools)
    if reason is None:
        return list(shares)
    found.unfit.append((tuple(share.path for share in shares), reason))
    kept: list[PathShare] = []
    stay, go = by_loss(market, scope, flow, shares)
    for share in (*stay, *reversed(go)):
        if room.refusal([legs[one] for one in (*kept, share)], pools) is None:
            kept.append(share)
    return kept
