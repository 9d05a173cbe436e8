"""Other legs in place of those a split ended with, where a limit kept better ones out.

Legs are dropped one by one at the prices of a flow that has them all. What is left may take less than the order, or fill a
transaction with one large leg where two small ones had room. Here single legs are added or exchanged for others, those first that
promise most at the prices of the legs at hand, as long as that pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import inf, isfinite
from typing import Final, NamedTuple

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.fixed_paths import solve_paths
from dexroute.engine.routing.in_turn import carried_beside, carried_in_turn, passed_in_turn
from dexroute.engine.routing.legs import Path, QuotedRoute
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.provisional import provisional_leg
from dexroute.engine.routing.room import TransactionRoom
from dexroute.engine.routing.scope import Scope
from dexroute.engine.routing.split_quotes import quoted_split
from dexroute.engine.routing.unlimited import TOLERANCE
from dexroute.types.requests import QuoteRequest

_ROUNDS: Final = 4
_MOST_OTHERS: Final = 16
_SOLVED_A_ROUND: Final = 6
# Of the order, what another leg is tried with.
_PARTS: Final = (0.01, 0.03, 0.1, 0.3, 0.6)
# At the price at hand legs promise about what they bring at most; so many times that must be more than what is left out brings.
_UNSURE: Final = 1.5
_FIRST: Final = 5
_BESIDES: Final = 7
_TWO_OUT_OF: Final = 4
# Of a route's worth, what an exchange must bring.
_WORTH_IT: Final = 5e-6


class _Way(NamedTuple):
    """`promise`: about what the exchange brings, base units of the ranked mint."""

    promise: float
    shares: tuple[PathShare, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Of one order, with the room its transaction has."""

    market: Market
    scope: Scope
    request: QuoteRequest
    options: RouteOptions
    room: TransactionRoom

    def better(self, route: QuotedRoute, paths: Iterable[Path]) -> list[QuotedRoute]:
        """Routes with other legs out of `paths`, each better than the one before it, before what landing them costs."""
        others = list(dict.fromkeys(paths))[:_MOST_OTHERS]
        found: list[QuotedRoute] = []
        last: QuotedRoute | None = route
        while last is not None and len(found) < _ROUNDS:
            last = self._once(last, others)
            found += [] if last is None else [last]
        return found

    def _once(self, route: QuotedRoute, others: Sequence[Path]) -> QuotedRoute | None:
        order, worth = self.scope.order, route.worth(self.request.mode)
        solved = []
        for way in self._ways(route, others)[:_SOLVED_A_ROUND]:
            best = solve_paths(self.market, way.shares, self._carrying(way.shares), order, tolerance=TOLERANCE)
            if best is not None:
                solved.append((best[1].value if order.exact_in else -best[1].value, best))
        for value, (shares, flow) in sorted(solved, key=lambda one: -one[0]):
            if value < worth + _WORTH_IT * abs(worth):
                break
            if self._refused(shares, flow):
                continue
            quoted = quoted_split(self.market, flow, order, shares, self.request, self.options)
            if isinstance(quoted, QuotedRoute) and quoted.worth(self.request.mode) > worth + _WORTH_IT * abs(worth):
                return quoted
        return None

    def _ways(self, route: QuotedRoute, others: Sequence[Path]) -> list[_Way]:
        """Sets of legs that may fit: with more of them, or others in place of one, of few legs of two; what promises most first."""
        order, legs = self.scope.order, route.legs
        given = [float(leg.amount_in if order.exact_in else leg.amount_out) for leg in legs]
        ending = [float(leg.amount_out if order.exact_in else leg.amount_in) for leg in legs]
        shares = [PathShare(leg.path, amount / order.amount) for leg, amount in zip(legs, given, strict=True)]
        price = self._price(route, given)
        ways: dict[frozenset[Path], _Way] = {}
        most_out = 2 if len(legs) <= _TWO_OUT_OF else 1
        for without in chain.from_iterable(combinations(range(len(legs)), out) for out in range(most_out + 1)):
            left = [share for place, share in enumerate(shares) if place not in without]
            free = sum(shares[place].share for place in without)
            lost = sum(order.gain(given[place], ending[place], price) for place in without)
            passed = passed_in_turn(self.market, order, [(share.path, share.share * order.amount) for share in left])
            more = [
                (gain, PathShare(path, max(part, free)))
                for path in others
                if all(share.path != path for share in shares)
                for gain, part in (self._promised(passed, path, price),)
            ]
            more.sort(key=lambda one: (-one[0], one[1].path))
            for first in range(min(_FIRST, len(more))):
                these = more[first : first + _BESIDES]
                if _UNSURE * sum(gain for gain, _ in these if gain > 0.0) <= lost:
                    break
                for way in self._filled(left, these, -lost):
                    ways.setdefault(frozenset(share.path for share in way.shares), way)
        return sorted(ways.values(), key=lambda way: (-way.promise, [share.path for share in way.shares]))

    def _filled(self, left: list[PathShare], more: Sequence[tuple[float, PathShare]], promise: float) -> Iterator[_Way]:
        """The legs with the first of `more`, and with as many of the rest as fit besides."""
        shares = list(left)
        for place, (gain, share) in enumerate(more):
            if len(shares) == self.options.max_splits:
                break
            if not self._fits((*shares, share)):
                if not place:
                    break
                continue
            shares.append(share)
            promise += gain
            if not place:
                yield _Way(promise, tuple(shares))
        if len(shares) > len(left) + 1:
            yield _Way(promise, tuple(shares))

    def _promised(self, passed: Mapping[int, float], path: Path, price: float) -> tuple[float, float]:
        """What a path brings beside what passed edges already more than the price at hand, and with what part of the order."""
        order = self.scope.order
        best = -inf, _PARTS[0]
        for part in _PARTS:
            amount = part * order.amount
            ending = carried_beside(self.market, order, passed, path, amount)
            best = max(best, (order.gain(amount, ending, price), part))
        return best

    def _price(self, route: QuotedRoute, given: Sequence[float]) -> float:
        """What the next unit of the order brings or the last one costs, in the leg where that is most: others are full."""
        order = self.scope.order
        paths = [leg.path for leg in route.legs]
        step = 1e-4 if order.exact_in else -1e-4
        before = carried_in_turn(self.market, order, list(zip(paths, given, strict=True)))
        prices = []
        for place, amount in enumerate(given):
            moved = [one * (1.0 + step) if at == place else one for at, one in enumerate(given)]
            after = carried_in_turn(self.market, order, list(zip(paths, moved, strict=True)))
            prices.append((sum(after) - sum(before)) / (step * amount))
        return max((price for price in prices if isfinite(price)), default=0.0)

    def _carrying(self, shares: Sequence[PathShare]) -> NetworkFlow:
        """What these shares make of their edges, each alone: where a solver may start from."""
        order = self.scope.order
        flows: dict[int, float] = {}
        arrivals: dict[int, float] = {}
        for share in shares:
            amount = share.share * order.amount
            for edge in share.path if order.exact_in else reversed(share.path):
                curve = self.market.curve(edge)
                if order.exact_in:
                    into, amount = amount, max(curve.amount_out(amount), 1e-300)
                    arriving = amount
                else:
                    arriving, amount = amount, min(curve.amount_in(amount), max(curve.capacity_in, 1.0))
                    into = amount
                flows[edge] = flows.get(edge, 0.0) + into
                arrivals[edge] = arrivals.get(edge, 0.0) + arriving
        return NetworkFlow(flows=flows, arrivals=arrivals, prices={}, value=0.0, solved=False)

    def _fits(self, shares: Sequence[PathShare]) -> bool:
        return not self._refused(shares, self._carrying(shares))

    def _refused(self, shares: Sequence[PathShare], flow: NetworkFlow) -> bool:
        legs = [provisional_leg(self.market, self.scope, flow, share) for share in shares]
        return self.room.refusal(legs, self.market.pools) is not None
