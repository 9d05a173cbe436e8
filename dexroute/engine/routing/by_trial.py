"""Two legs by trying, for where curves are no guide: pools a unit deep or at the ends of the number range, orders of a few units.

A flow of real numbers divides what programs only take whole or refuse. Here amounts move from one leg to the other in steps that
halve down to a single unit, and exact quotes say whether that is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Final

from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.types.requests import QuoteRequest, SwapMode

_MOST_PATHS: Final = 6
_PAIRS_REFINED: Final = 3
_MOST_QUOTES: Final = 400
_PRECISION: Final = 1_000  # of what a path takes at most, before it is refined with the other leg


def two_legs_by_trial(market: Market, request: QuoteRequest, options: RouteOptions, paths: Sequence[Path]) -> QuotedRoute | None:
    """The best route of two of these paths, the first few of them, that was found; None where no two carry the order."""
    trial = _Trial(market, request, options)
    most = {path: taken for path in paths[:_MOST_PATHS] if (taken := trial.most(path))}
    starts: list[tuple[int, Path, Path, int]] = []
    for first, second in permutations(most, 2):
        for amount in {most[first], request.amount - most[second], request.amount // 2}:
            if 0 < amount < request.amount:
                worth = trial.worth(first, second, amount)
                if worth is not None:
                    starts.append((-worth, first, second, amount))
    for _, first, second, amount in sorted(starts)[:_PAIRS_REFINED]:
        trial.refine(first, second, amount)
    return trial.best


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
        worth = route.amount_out if self._request.mode is SwapMode.EXACT_IN else -route.amount_in
        if self._best_worth is None or worth > self._best_worth:
            self._best_worth, self.best = worth, route
        return worth

    def _quoted(self, shares: list[Share]) -> QuotedRoute | None:
        if not self._left:
            return None
        self._left -= 1
        quoted = quote_legs(self._market, shares, self._request.mode, self._options.kept_back_bps)
        return None if isinstance(quoted, RefusedLeg) else quoted
