"""The most that a few legs carry of an order: each takes all it can, one after the other, the one that can take most first.

A flow near the end of all liquidity has prices beyond any scale, and what it gives a leg an exact quote may refuse. Here nothing is
priced: curves say how much a path could take, and exact quotes, on the pools as the legs before left them, how much it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.legs import Path, QuotedLeg, QuotedRoute, RefusedLeg, Share, quote_leg, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.room import TransactionRoom
from dexroute.engine.routing.widest import carried_at_most, widest_paths
from dexroute.fetchers.base import Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.engine.routing.network import Order
    from dexroute.engine.routing.scope import Scope

_LOOKS_A_LEG: Final = 4
_MOST_CROWDED: Final = 4
# What a leg takes is looked for among numbers of so many binary digits, whatever was asked for: the same most each time.
_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Filling:
    """Legs that all took what they could, in the order in which they did, and how much of the order that is: base units of the
    input (exact in) or of the output (exact out), more than the order where the last leg takes more than was left for it. `spent`
    says whether a leg was kept from more by what those before it cost: no account holds more than 2^64 - 1."""

    shares: tuple[Share, ...]
    spent: bool = False

    @property
    def most(self) -> int:
        return sum(share.amount for share in self.shares)


def fill(market: Market, scope: Scope, request: QuoteRequest, options: RouteOptions, room: TransactionRoom) -> Filling:
    """Legs for as much of the order as they are found to carry, without a share where no path takes any of it."""
    return _Filler(market, scope.order, request, options, room).filled(widest_paths(market, scope))


def filling_of(route: QuotedRoute, mode: SwapMode) -> Filling:
    """The legs of a route as if they could take no more."""
    forward = mode is SwapMode.EXACT_IN
    return Filling(tuple(Share(leg.path, leg.amount_in if forward else leg.amount_out) for leg in route.legs))


def filled_route(market: Market, filling: Filling, request: QuoteRequest, options: RouteOptions) -> QuotedRoute | None:
    """The order along these legs, each as full as the others, or where that is refused one filled after the other; None where they
    do not carry it."""
    most = filling.most
    if most < request.amount:
        return None
    even = [share.amount * request.amount // most for share in filling.shares]
    left, in_turn = request.amount, []
    for share in filling.shares:
        in_turn.append(min(share.amount, left))
        left -= in_turn[-1]
    for place, share in enumerate(filling.shares):
        more = min(share.amount - even[place], request.amount - sum(even))
        even[place] += more
    for amounts in (even, in_turn):
        shares = [Share(share.path, amount) for share, amount in zip(filling.shares, amounts, strict=True) if amount]
        route = quote_legs(market, shares, request.mode, options.kept_back_bps)
        if isinstance(route, QuotedRoute) and route.amount_in <= U64_MAX:
            return route
    return None


class _Filler:
    """Legs so far, the pools as they left them, and what went into each edge."""

    def __init__(self, market: Market, order: Order, request: QuoteRequest, options: RouteOptions, room: TransactionRoom) -> None:
        self._market, self._order, self._request, self._options, self._room = market, order, request, options, room
        self._legs: list[QuotedLeg] = []
        self._states: dict[Pubkey, Pool] = {}
        self._passed: dict[int, float] = {}
        self._spent = False

    def filled(self, paths: Sequence[tuple[float, Path]]) -> Filling:
        shares: list[Share] = []
        # By what each takes at most, which only falls as legs are added; with the number of legs that it was quoted beside.
        heap: list[tuple[float, int, Path, int]] = [(-most, len(path), path, -1) for most, path in paths]
        heapify(heap)
        looks, crowded = _LOOKS_A_LEG * self._options.max_splits, 0
        while heap and len(shares) < self._options.max_splits and sum(one.amount for one in shares) < self._request.amount:
            most, hops, path, beside = heappop(heap)
            if beside == len(shares):
                if self._take(path, int(-most)):
                    shares.append(Share(path, int(-most)))
                elif (crowded := crowded + 1) == _MOST_CROWDED:
                    break
                continue
            promised = self._promised(path)
            if heap and promised < -heap[0][0]:
                if promised >= 1.0:
                    heappush(heap, (-promised, hops, path, beside))
                continue
            if not looks:
                break
            looks -= 1
            if taken := self._most(path, promised):
                heappush(heap, (-taken, hops, path, len(shares)))
        return Filling(tuple(shares), self._spent)

    def _promised(self, path: Path) -> float:
        """What curves say that a path takes at most beside the legs so far."""
        amount = float(U64_MAX)
        for edge in reversed(path) if self._order.exact_in else path:
            amount = carried_at_most(self._market, self._order, edge, self._passed.get(edge, 0.0), amount)
        return amount

    def _most(self, path: Path, promised: float) -> int:
        """What it does take, all of the order or a number of few digits; 0 for nothing."""
        amount = self._request.amount
        if promised >= amount and self._quoted(path, amount) is not None:
            return amount
        high = _place(min(amount, int(promised))) + 1
        step, low = 1, high - 1
        while low > 0 and self._quoted(path, _number(low)) is None:
            high, low, step = low, low - step, 2 * step
        low = max(low, 0)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._quoted(path, _number(middle)) is None else (middle, high)
        return _number(low)

    def _quoted(self, path: Path, amount: int) -> QuotedLeg | None:
        leg = quote_leg(self._market, path, amount, self._request.mode, self._options.kept_back_bps, self._states)
        if isinstance(leg, RefusedLeg):
            return None
        if self._legs and sum(one.amount_in for one in self._legs) + leg.amount_in > U64_MAX:
            self._spent = True
            return None
        return leg

    def _take(self, path: Path, amount: int) -> bool:
        leg = self._quoted(path, amount)
        if leg is None or self._room.refusal([one.leg for one in (*self._legs, leg)], self._market.pools) is not None:
            return False
        self._legs.append(leg)
        for edge, hop in zip(leg.path, leg.hops, strict=True):
            self._states[hop.hop.pool] = hop.quote.next_pool
            self._passed[edge] = self._passed.get(edge, 0.0) + hop.hop.amount_in
        return True


def _number(place: int) -> int:
    """The numbers of `_DIGITS` binary digits in their order: all up to 2^_DIGITS, then every second, every fourth."""
    half = 1 << (_DIGITS - 1)
    if place < 2 * half:
        return place
    doublings = place // half - 1
    return (half + place % half) << doublings


def _place(number: int) -> int:
    """The place of the largest of them that is no more than `number`."""
    half = 1 << (_DIGITS - 1)
    doublings = max(number.bit_length() - _DIGITS, 0)
    return (number >> doublings) + doublings * half
