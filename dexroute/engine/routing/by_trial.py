"""Two legs by trying, for where curves are no guide: pools a unit deep or at the ends of the number range, orders of a few units.

A flow of real numbers divides what programs only take whole or refuse. Here amounts move from one leg to the other in steps that
halve down to a single unit, and exact quotes say whether that is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from math import inf
from typing import TYPE_CHECKING, Final

from dexroute.engine.routing.in_turn import carried_in_turn
from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.types.requests import QuoteRequest

if TYPE_CHECKING:
    from dexroute.engine.routing.network import Order

_MOST_PATHS: Final = 6
_PAIRS_REFINED: Final = 3
_MOST_QUOTES: Final = 400
_PRECISION: Final = 1_000  # of what a path takes at most, before it is refined with the other leg
# Curves are never below quotes but for rounding: what they promise is out of reach of a route that beats it by so much, in amounts
# of which single units are a small part.
_OUT_OF_REACH: Final = 1e-2
_MANY_UNITS: Final = 1_000_000
_LOOKS: Final = 20
_HALVINGS: Final = 4
_GOLDEN: Final = 0.6180339887498949


def two_legs_by_trial(
    market: Market, order: Order, request: QuoteRequest, options: RouteOptions, paths: Sequence[Path], known: QuotedRoute | None
) -> QuotedRoute | None:
    """The best route of two of these paths, the first few of them, that was found; None where no two carry the order. Pairs whose
    curves promise less than the `known` route is worth are not tried."""
    trial = _Trial(market, request, options)
    pairs = {frozenset(pair) for pair in combinations(paths[:_MOST_PATHS], 2) if not _out_of_reach(market, order, pair, known)}
    most = {path: taken for path in paths[:_MOST_PATHS] if any(path in pair for pair in pairs) and (taken := trial.most(path))}
    starts: list[tuple[int, Path, Path, int]] = []
    for first, second in permutations(most, 2):
        if frozenset((first, second)) not in pairs:
            continue
        for amount in {most[first], request.amount - most[second], request.amount // 2}:
            start = trial.start(first, second, amount) if 0 < amount < request.amount else None
            starts += [] if start is None else [(-start[0], first, second, start[1])]
    for _, first, second, amount in sorted(starts)[:_PAIRS_REFINED]:
        trial.refine(first, second, amount)
    return trial.best


def _out_of_reach(market: Market, order: Order, pair: Sequence[Path], known: QuotedRoute | None) -> bool:
    """Whether the order is more than both paths take, or no two amounts in them come near the known route."""
    if order.amount < _MANY_UNITS:
        return False
    first, second = (_most(market, order, path) for path in pair)
    if (first + second) * (1.0 + _OUT_OF_REACH) < order.amount:
        return True
    low, high = max(0.0, order.amount - second), min(first, order.amount)
    if known is None or min(known.amount_in, known.amount_out) < _MANY_UNITS or low >= high:
        return False
    promised = _most_worth(market, order, pair, low, high)
    if order.exact_in:
        return promised * (1.0 + _OUT_OF_REACH) < known.amount_out
    return promised * (1.0 - _OUT_OF_REACH) > known.amount_in


def _most(market: Market, order: Order, path: Path) -> float:
    """The most that a path takes (exact in) or delivers (exact out), by its curves."""
    most = inf
    for edge in reversed(path) if order.exact_in else path:
        curve = market.curve(edge)
        most = min(curve.capacity_in, curve.amount_in(most / order.keep)) if order.exact_in else curve.amount_out(most)
    return most


def _most_worth(market: Market, order: Order, pair: Sequence[Path], low: float, high: float) -> float:
    """What two paths bring at most (exact in) or cost at least (exact out) by their curves with `low` to `high` in the first, each
    as if the other were not there: a concave function of that amount, so by golden sections."""
    sign = 1.0 if order.exact_in else -1.0

    def worth(amount: float) -> float:
        given = zip(pair, (amount, order.amount - amount), strict=True)
        return sign * sum(carried_in_turn(market, order, [leg])[0] for leg in given)

    best = max(worth(low), worth(high))
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = worth(left), worth(right)
    for _ in range(_LOOKS):
        best = max(best, at_left, at_right)
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = worth(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = worth(right)
    return sign * best


class _Trial:
    """Quotes of two legs, the best of them so far, and how many may still be asked for."""

    def __init__(self, market: Market, request: QuoteRequest, options: RouteOptions) -> None:
        self._market, self._request, self._options = market, request, options
        self._left = _MOST_QUOTES
        self._best_worth: int | None = None
        self.best: QuotedRoute | None = None

    def most(self, path: Path) -> int:
        """About the most of the order that a path takes, 0 for none."""
        taken, refused = self._request.amount, self._request.amount + 1
        while taken and self._quoted([Share(path, taken)]) is None:
            taken, refused = taken // 2, taken
        while taken and refused - taken > max(1, taken // _PRECISION):
            middle = (taken + refused) // 2
            taken, refused = (middle, refused) if self._quoted([Share(path, middle)]) is not None else (taken, middle)
        return taken

    def start(self, first: Path, second: Path, amount: int) -> tuple[int, int] | None:
        """What the order brings with so much of it in the first leg, or with less where the two fill a pool that both pass, and
        that amount; None where all are refused."""
        for _ in range(_HALVINGS):
            if not amount:
                break
            if (worth := self.worth(first, second, amount)) is not None:
                return worth, amount
            amount //= 2
        return None

    def refine(self, first: Path, second: Path, amount: int) -> None:
        """Moves amounts between the legs, `amount` of the order in the first, as long as that is better."""
        best = self.worth(first, second, amount)
        step = self._request.amount // 4 or 1
        while step:
            moved = False
            for other in (amount + step, amount - step):
                worth = self.worth(first, second, other) if 0 < other < self._request.amount else None
                if worth is not None and (best is None or worth > best):
                    best, amount, moved = worth, other, True
                    break
            if not moved:
                step //= 2

    def worth(self, first: Path, second: Path, amount: int) -> int | None:
        """What the order brings (exact in) or minus what it costs with so much of it in the first leg; None where refused."""
        route = self._quoted([Share(first, amount), Share(second, self._request.amount - amount)])
        if route is None:
            return None
        worth = route.worth(self._request.mode)
        if self._best_worth is None or worth > self._best_worth:
            self._best_worth, self.best = worth, route
        return worth

    def _quoted(self, shares: list[Share]) -> QuotedRoute | None:
        if not self._left:
            return None
        self._left -= 1
        quoted = quote_legs(self._market, shares, self._request.mode, self._options.kept_back_bps)
        return None if isinstance(quoted, RefusedLeg) else quoted
