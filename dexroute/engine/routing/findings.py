"""What one search came across, from which answer and explanation are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.ranking import RankedRoute, rank
from dexroute.engine.routing.room import TransactionRoom
from dexroute.engine.routing.solution import Certificate
from dexroute.types.requests import QuoteRequest

if TYPE_CHECKING:
    from dexroute.engine.routing.filling import Filling


@dataclass(slots=True)
class Findings:
    """`ranked`: quoted routes, best first, the first of them fits. `unfit`: routes and leg sets the transaction has no room for.
    `refused`: legs an exact quote refused. `stuck`: partial paths whose last pool cannot carry the amount, not quoted.
    `besides`: single paths that no route comes of, quoted only to be listed; `singles`: the single paths that promise most.
    `promised`: how many single paths there were; `connected`: whether any path of open pools joins the mints; `most`: of an amount
    beyond all liquidity, what can be filled; `unsolved`: whether no flow was found to split the order by; `filling`: where nothing
    else carried the order, legs that take all they can."""

    market: Market
    request: QuoteRequest
    options: RouteOptions
    routes: list[QuotedRoute] = field(default_factory=list)
    ranked: list[RankedRoute] = field(default_factory=list)
    unfit: list[tuple[tuple[Path, ...], str]] = field(default_factory=list)
    unfit_ranked: list[tuple[RankedRoute, str]] = field(default_factory=list)
    refused: list[RefusedLeg] = field(default_factory=list)
    stuck: list[Path] = field(default_factory=list)
    besides: list[QuotedRoute] = field(default_factory=list)
    singles: list[Path] = field(default_factory=list)
    promised: int = 0
    certificate: Certificate | None = None
    connected: bool = False
    most: int | None = None
    unsolved: bool = False
    small: bool = False
    filling: Filling | None = None

    @property
    def bound(self) -> int | None:
        return None if self.certificate is None else self.certificate.bound

    @property
    def crowded(self) -> bool:
        """Whether the transaction's room kept anything better out."""
        return bool(self.unfit or self.unfit_ranked)

    def take(self, shorter: Findings) -> None:
        """Adds what a search for shorter paths found."""
        known = {route.shares for route in self.routes}
        self.routes += [route for route in shorter.routes if route.shares not in known]
        paths = {leg.path for leg in self.refused}
        self.refused += [leg for leg in shorter.refused if leg.path not in paths]
        self.unfit += [legs for legs in shorter.unfit if legs not in self.unfit]
        self.besides += shorter.besides

    def list_besides(self, rooms: Sequence[TransactionRoom]) -> None:
        """Ranks what was quoted to be listed behind the route that was found without it."""
        best, known = self.ranked[:1], {route.shares for route in self.routes}
        self.routes += [route for route in self.besides if route.shares not in known]
        self.settle(rooms)
        self.ranked = [*best, *(entry for entry in self.ranked if entry.route.shares != best[0].route.shares)] if best else []

    def settle(self, rooms: Sequence[TransactionRoom]) -> None:
        """Ranks the routes and sets aside the best ones as long as they do not fit the first room; where nothing fits it, the
        next room decides."""
        for room in rooms:
            self.unfit_ranked = []
            self.ranked = rank(self.routes, self.request, self.options)
            while self.ranked:
                best = self.ranked[0]
                reason = room.refusal([leg.leg for leg in best.route.legs], self.market.pools)
                if reason is None:
                    return
                self.unfit_ranked.append((best, reason))
                left = self.ranked[1:]
                # Which of those near the best is the smallest is another question without it.
                is_settled = not self.options.prefer_small
                self.ranked = left if is_settled else rank([entry.route for entry in left], self.request, self.options)
