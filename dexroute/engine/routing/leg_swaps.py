"""Other legs in place of those that a limit left: one more is solved for with them, and what is then cheapest to lose goes.

Legs are dropped one after the other, each by what it is worth to those beside it then. What a path dropped early, or never thought
of, is worth beside the few that are left only shows at their prices.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.fixed_paths import solve_paths
from dexroute.engine.routing.in_turn import carried_beside
from dexroute.engine.routing.leg_worth import leg_losses
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.scope import Scope
from dexroute.engine.routing.short_paths import better_paths, with_edges

_ROUNDS: Final = 3
_TRIED: Final = 3  # paths a round, and more where there are few legs, which are solved for soon
_TRIED_FOR_ALL: Final = 24
_DROPPED: Final = 2
_MOST_LOOKED_AT: Final = 24
# Of the order, what a path is asked about.
_PARTS: Final = (1e-3, 1e-2, 5e-2, 0.2)
_FIRST_SHARE: Final = 1e-2
_TOLERANCE: Final = 1e-6
_WORTH_IT: Final = 3e-7  # of what the flow is worth
_CERTAIN: Final = 0.6  # of what losing a leg seems to cost

Solved = tuple[list[PathShare], NetworkFlow]


def exchanged(market: Market, scope: Scope, solved: Solved, known: Iterable[Path]) -> Solved | None:
    """As many legs that are worth more than those solved for, `known` paths and new ones among them; None where none were found."""
    first = solved if solved[1].at else solve_paths(market, *solved, scope.order, tolerance=_TOLERANCE)
    if first is None:
        return None
    best = first
    for _ in range(_ROUNDS):
        before = best
        for path in _promising(market, scope, before, known)[: max(_TRIED, _TRIED_FOR_ALL // len(before[0]))]:
            best = _better_with(market, scope, before, path, best)
        if best is before:
            break
    return None if best is first else best


def _better_with(market: Market, scope: Scope, solved: Solved, path: Path, best: Solved) -> Solved:
    """The solved legs with this path in place of one of them, where that is worth more than the best so far, or that."""
    order, most = scope.order, len(solved[0])
    sign = 1.0 if order.exact_in else -1.0
    more = [*solved[0], PathShare(path, _FIRST_SHARE)]
    grown = solve_paths(market, more, with_edges(market, solved[1], [path]), order, tolerance=_TOLERANCE)
    if grown is None:
        return best
    shares, flow = grown
    if len(shares) <= most:
        return grown if _ahead(grown, best, sign) else best
    others = sorted((loss, share.path) for loss, share in zip(leg_losses(market, scope, flow, shares), shares, strict=True))
    for loss, other in [one for one in others if one[1] != path][:_DROPPED]:
        # Where pools are flat or full, losing one of its legs costs less or more than its neighbourhood shows.
        if sign * (flow.value - best[1].value) > _CERTAIN * loss:
            stay = [share for share in shares if share.path != other]
            left = solve_paths(market, stay, flow, order, tolerance=_TOLERANCE)
            if left is not None and _ahead(left, best, sign):
                best = left
    return best


def _ahead(solved: Solved, best: Solved, sign: float) -> bool:
    return sign * (solved[1].value - best[1].value) > _WORTH_IT * best[1].value


def _promising(market: Market, scope: Scope, solved: Solved, known: Iterable[Path]) -> list[Path]:
    """Paths that would take over some of the order for more than it fetches now, those that gain most first."""
    shares, flow = solved
    used = {share.path for share in shares}
    candidates = [path for path in dict.fromkeys((*better_paths(market, scope, flow), *known)) if path not in used]
    gains = [(_gain(market, scope, flow, path), path) for path in candidates[:_MOST_LOOKED_AT]]
    return [path for gain, path in sorted(gains, key=lambda one: (-one[0], one[1])) if gain > _WORTH_IT * flow.value]


def _gain(market: Market, scope: Scope, flow: NetworkFlow, path: Path) -> float:
    """What a path fetches at most beyond the marginal price for a part of the order, beside the flow; base units of the ranked
    mint."""
    order = scope.order
    fixed, ranked = (order.input, order.output) if order.exact_in else (order.output, order.input)
    price = flow.prices[fixed] / max(flow.prices[ranked], 1e-300)
    best = 0.0
    for part in _PARTS:
        given = part * order.amount
        gain = order.gain(given, carried_beside(market, order, flow.flows, path, given), price)
        if gain <= best:
            break
        best = gain
    return best
