"""The last step of a split: amounts move between its legs until the next unit is worth the same in each.

A solver stops where its tolerance ends, and the legs it solved for divided shared pools as a flow does, not in turn. Here the
curves are followed leg after leg, as the legs execute, and derivatives are taken backwards through the same steps, so that what a
leg takes from those behind it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import isfinite
from typing import Final

from dexroute.engine.routing.legs import Path, QuotedLeg, QuotedRoute, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import Order
from dexroute.engine.routing.options import RouteOptions
from dexroute.types.requests import QuoteRequest

# Of the route's worth, what there must be to gain: a two-hundredth of a basis point.
_WORTH_IT: Final = 5e-7
_MOST_LOOKS: Final = 60
# So many legs are tried in every order; in a small market, where few legs are most of what can be found, more.
_TWO: Final = 2
_FEW: Final = 3
_LOOKS_A_STEP: Final = 7
# Curves bend at their bins and ticks: the next unit and the last one are looked at that far to either side.
_ASIDE: Final = 1e-7


def polished(
    market: Market, order: Order, request: QuoteRequest, options: RouteOptions, route: QuotedRoute, *, small: bool = False
) -> QuotedRoute | None:
    """The same legs with better amounts, or in a better order, by exact quotes; None where there is nothing to gain, or pools are
    worth less than they quote (handicaps)."""
    if len(route.legs) < 2 or order.handicap:
        return None
    best = route
    for legs in _orders(route.legs, _FEW if small else _TWO):
        found = _balanced(market, order, request, options, legs)
        if found is not None and found.worth(request.mode) > best.worth(request.mode):
            best = found
    return None if best is route else best


def _orders(legs: tuple[QuotedLeg, ...], few: int) -> list[tuple[QuotedLeg, ...]]:
    """The legs as they are, and a few that share pools in other orders: a fee left in a pool is the next one's gain."""
    pools = [hop.pool.address for leg in legs for hop in leg.hops]
    if len(legs) > few or len(set(pools)) == len(pools):
        return [legs]
    return list(permutations(legs))


def _balanced(
    market: Market, order: Order, request: QuoteRequest, options: RouteOptions, legs: Sequence[QuotedLeg]
) -> QuotedRoute | None:
    given = [float(leg.amount_in if order.exact_in else leg.amount_out) for leg in legs]
    parts = [int(amount) for amount in _Turns(market, order, [leg.path for leg in legs]).balanced(given) or given]
    largest = max(range(len(parts)), key=lambda place: (parts[place], -place))
    parts[largest] += request.amount - sum(parts)
    shares = [Share(leg.path, part) for leg, part in zip(legs, parts, strict=True) if part > 0]
    quoted = quote_legs(market, shares, request.mode, options.kept_back_bps)
    return quoted if isinstance(quoted, QuotedRoute) else None


@dataclass(slots=True)
class _Turns:
    """Paths that carry amounts one after the other, and what that is worth: what arrives (exact in), or minus what it costs."""

    market: Market
    order: Order
    paths: Sequence[Path]
    looks: int = 0

    def balanced(self, given: list[float]) -> list[float] | None:
        """Amounts with which the legs are worth more, from some on; None where that is next to nothing."""
        first = last = list(given)
        worth = abs(self._worths(given)[0])
        while self.looks < _MOST_LOOKS:
            more = self._worths([amount * (1.0 + _ASIDE) for amount in last])[1]
            less = self._worths([amount * (1.0 - _ASIDE) for amount in last])[1]
            if not all(map(isfinite, (*more, *less))):
                break
            to = max(range(len(last)), key=lambda place: (more[place], -place))
            gains = [(more[to] - less[place]) * last[place] for place in range(len(last))]
            giving = max((place for place in range(len(last)) if place != to), key=lambda place: (gains[place], -place))
            if not gains[giving] > _WORTH_IT * worth:
                break
            moved = self._moved(last, giving, to)
            if moved is None:
                break
            last = moved
        return None if last is first else last

    def _moved(self, given: list[float], giving: int, to: int) -> list[float] | None:
        """As much moved from one leg to the other as makes the next unit worth the same in both, by regula falsi and halving."""
        low, high = 0.0, given[giving]
        best: list[float] | None = None
        for look in range(_LOOKS_A_STEP):
            # Most of it is where the first steps are small: quarters before halves.
            moved = low + (high - low) * (0.25 if look < 2 else 0.5)
            trial = list(given)
            trial[giving] -= moved
            trial[to] += moved
            _, worths = self._worths(trial)
            if isfinite(worths[to]) and worths[to] > worths[giving]:
                low, best = moved, trial
            else:
                high = moved
        return best

    def _worths(self, given: Sequence[float]) -> tuple[float, list[float]]:
        """What the legs are worth in all, and the next unit in each."""
        self.looks += 1
        exact_in, source = self.order.exact_in, self.order.input
        passed: dict[int, float] = {}
        steps: list[list[tuple[int, float, float]]] = []
        total = 0.0
        for path, amount in zip(self.paths, given, strict=True):
            leg = []
            for edge in path if exact_in else path[::-1]:
                curve, before = self.market.curve(edge), passed.get(edge, 0.0)
                keep = 1.0 if self.market.source[edge] == source else self.order.keep
                at = curve.marginal(before * keep)
                if exact_in:
                    after = before + amount
                    amount = curve.amount_out(after * keep) - curve.amount_out(before * keep)
                else:
                    after = curve.amount_in(curve.amount_out(before * keep) + amount) / keep
                    amount = after - before
                passed[edge] = after
                leg.append((edge, at * keep, curve.marginal(after * keep) * keep))
            steps.append(leg)
            total += amount if exact_in else -amount
        # Backwards: what a unit more in the pool behind a step is worth to the later ones.
        behind: dict[int, float] = {}
        worths = [0.0] * len(steps)
        for place in range(len(steps) - 1, -1, -1):
            worth = 1.0 if exact_in else -1.0
            for edge, before_it, after_it in reversed(steps[place]):
                later = behind.get(edge, 0.0)
                if exact_in:
                    behind[edge] = later + worth * (after_it - before_it)
                    worth = worth * after_it + later
                else:
                    whole = worth + later
                    behind[edge] = later + whole * (before_it / after_it - 1.0) if after_it > 0.0 else -float("inf")
                    worth = whole / after_it if after_it > 0.0 else -float("inf")
            worths[place] = worth
        return total, worths
