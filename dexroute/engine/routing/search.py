"""The router: the best route over a set of pools, its proof, and what became of every candidate. Pure; amounts are exact integers.

Floats find candidates: single paths by what their curves promise, splits by the best flow. Exact quotes decide between them, so
the route is never worse than the best single path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from dexroute.engine.routing.candidates import listed_candidates, solution_of
from dexroute.engine.routing.findings import Findings
from dexroute.engine.routing.landing import lamport_price
from dexroute.engine.routing.legs import QuotedRoute
from dexroute.engine.routing.market import market_of, offers_exact_out
from dexroute.engine.routing.one_thread import load_numpy
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.quote import Candidate, RouteQuote
from dexroute.engine.routing.room import CautiousRoom, TransactionRoom
from dexroute.engine.routing.singles import BEST_SINGLES, MOST_QUOTED, net_promises, quote_single_paths
from dexroute.engine.routing.solution import Solution
from dexroute.errors import InvalidAmount, UsageError
from dexroute.fetchers.base import Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.engine.routing.scope import Scope
    from dexroute.engine.routing.split import SplitFound

_DEFAULTS = RouteOptions()
_SMALL_MARKET: Final = 40
# Base units that exact outputs of a few legs may cost more than the exact inputs that bought as much.
_ROUNDING: Final = 10**6
_WIDTH: Final = 4
# What splitting may still add to a single path without being looked for: a fiftieth of a basis point.
_NOT_WORTH_SPLITTING: Final = 2e-6
# How far from a flow's value the quotes of its legs are where curves are no guide; how little a flow may leave to longer paths.
_SHORT: Final = 1e-2
_CARRIED: Final = 1e-4
# Of an order, the part by which paths are found that cannot take the whole; and how many of either are tried in twos.
_SMALL_PART: Final = 1e-3
_TRIED_WHOLE: Final = 4
_TRIED_IN_PART: Final = 2
# Of a flow's worth, what its legs may fall short of it before others are looked for; how many routes those are taken from besides.
_EXCHANGED: Final = 1e-4
# Of more legs than so many there is more to exchange for less.
_FEW_LEGS: Final = 4
_FEWER_LEGS: Final = (5, 3, 2)
_EXCHANGED_OF_MANY: Final = 1e-3
_QUOTED: Final = 8


def find_route(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> RouteQuote:
    """The best route: highest net output (exact in) or lowest net input (exact out) over paths of up to `options.max_hops` hops and
    splits over up to `options.max_splits` of them, as far as one transaction has room. `bound` in the answer is what no split over
    these pools can beat. Hand in a `Market` to keep what is worked out about pools from one search to the next.

    Ties are broken as `ranking` says; equal inputs give equal routes whatever order the pools come in. Within a leg a later hop
    spends what the one before delivers less `options.hop_slippage_bps`; the difference is residual and visible in the hops'
    amounts.

    Raises RouteNotFound, whose context["candidates"] says why candidates lost; InvalidAmount for an amount that is not 1 to
    2^64-1; UsageError when both mints are the same.
    """
    findings = _search(pools, request, options, explain=False)
    findings.most = _most_fillable(findings)
    return solution_of(findings, explain=False).quote


def solve_route(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> Solution:
    """The route of `find_route` with everything that explains it: certificate, legs, candidates. Raises as `find_route` does."""
    findings = _search(pools, request, options, explain=True)
    findings.most = _most_fillable(findings)
    return solution_of(findings, explain=True)


def rank_candidates(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> tuple[Candidate, ...]:
    """The best candidates, the route of `find_route` first, then by rank, then those that were given up with their reason.

    Empty when no pool connects the pair. Raises as `find_route` does for requests that cannot be meant, never RouteNotFound.
    """
    return listed_candidates(_search(pools, request, options, explain=True))[0]


def _search(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions, *, explain: bool, prove: bool = True) -> Findings:
    _check(request)
    market = market_of(pools)
    findings = Findings(market, request, options)
    if market.holds(request.input_mint) and market.holds(request.output_mint):
        _fill(findings, explain, prove)
    return findings


def _fill(findings: Findings, explain: bool, prove: bool) -> None:
    # numpy is imported when a route is looked for, not when a command starts.
    load_numpy()
    from dexroute.engine.routing.certificate import certify
    from dexroute.engine.routing.fillable import fill_up
    from dexroute.engine.routing.polish import polished
    from dexroute.engine.routing.scope import scope_of

    market, request, options = findings.market, findings.request, findings.options
    scope = scope_of(market, request, options)
    findings.connected = bool(scope.edges)
    rooms: list[TransactionRoom] = [options.room] if options.room else _guessed_rooms(options.max_accounts)
    split = _look(findings, scope, rooms[0], explain, prove)
    findings.settle(rooms[:1])
    if findings.ranked and not prove:
        return  # that there is a route was the question
    hops = _hops_to_try(findings, split)
    while hops:
        shorter = Findings(market, request, replace(options, max_hops=hops))
        tried = _look(shorter, scope_of(market, request, shorter.options), rooms[0], explain, prove)
        shorter.settle(rooms[:1])
        findings.take(shorter)
        hops = _hops_to_try(shorter, tried)
    findings.settle(rooms)
    if not findings.ranked and prove:
        fill_up(findings, scope, rooms, partial(_carried, findings), partial(_bought, findings))
    if findings.ranked and prove:
        if options.max_splits > 1 and (split is not None or findings.unsolved):
            _exchange_legs(findings, scope, split, rooms)
        if split is not None and findings.small:
            _look_for_fewer_legs(findings, scope, split, rooms, explain)
        better = polished(market, scope.order, request, options, findings.ranked[0].route, small=findings.small)
        if better is not None:
            findings.routes.append(better)
            findings.settle(rooms)
        findings.certificate = certify(market, scope, request, findings.ranked[0].route, split)
    if explain:
        findings.list_besides(rooms)


def _apart(findings: Findings, split: SplitFound) -> float:
    """How far the best route is from the best flow within the limit on hops, of that."""
    reached = abs(findings.ranked[0].route.worth(findings.request.mode))
    return abs(split.flow.value - reached) / max(split.flow.value, 1e-300)


def _look_for_fewer_legs(
    findings: Findings, scope: Scope, split: SplitFound, rooms: Sequence[TransactionRoom], explain: bool
) -> None:
    """Quotes that refuse legs, or fall short of the curves of each, may leave worse ones than fewer legs would have."""
    for most in _FEWER_LEGS:
        if most < findings.options.max_splits and _apart(findings, split) > _NOT_WORTH_SPLITTING:
            fewer = Findings(findings.market, findings.request, replace(findings.options, max_splits=most))
            tried = _look(fewer, scope, rooms[0], explain, prove=True)
            fewer.settle(rooms)
            if tried is not None and fewer.ranked:
                _exchange_legs(fewer, scope, tried, rooms)
            findings.take(fewer)
            findings.settle(rooms)


def _exchange_legs(findings: Findings, scope: Scope, split: SplitFound | None, rooms: Sequence[TransactionRoom]) -> None:
    """Where the best route is far from the best flow without a limit on legs, or none was found: looks whether other legs do
    better."""
    from dexroute.engine.routing.decomposition import paths_of
    from dexroute.engine.routing.exchange import Exchange

    market, request, options = findings.market, findings.request, findings.options
    route = findings.ranked[0].route
    if split is not None and _apart(findings, split) <= (_EXCHANGED if len(route.legs) <= _FEW_LEGS else _EXCHANGED_OF_MANY):
        return
    legs = [leg.leg for leg in route.legs]
    room = next(room for room in rooms if room.refusal(legs, market.pools) is None)
    carried = [] if split is None else paths_of(market, split.flow, scope.order, scope.max_hops)[0]
    quoted_paths = [leg.path for entry in findings.ranked[:_QUOTED] for leg in entry.route.legs]
    others = [*(share.path for share in carried), *quoted_paths, *(findings.singles if findings.small else ())]
    better = Exchange(market, scope, request, options, room).better(route, others)
    if better:
        findings.routes += better
        findings.settle(rooms)


def _hops_to_try(findings: Findings, split: SplitFound | None) -> int:
    """Up to how many hops to look again, 0 for not at all. Long paths that the transaction has no room for, that exact quotes
    refuse, that cost more to land than they bring, or by which circles pay hide shorter ones, and more of them side by side; where
    some of the best flow only circles or longer paths carry, that is looked for in small markets only."""
    hidden = not findings.ranked and findings.promised > MOST_QUOTED
    if findings.crowded or hidden or (findings.unsolved and findings.options.max_splits > 1):
        return findings.options.max_hops - 1
    if split is None or not findings.ranked:
        return 0
    left = abs(split.unlimited.value - split.flow.value)
    if findings.small and findings.options.max_splits > 1 and left > _CARRIED * split.unlimited.value:
        return findings.options.max_hops - 1
    if lamport_price(findings.request, findings.options.costs) is None:
        return 0
    best = max(len(leg.hops) for leg in findings.ranked[0].route.legs)
    return best if best < split.longest else 0


def _look(findings: Findings, scope: Scope, room: TransactionRoom, explain: bool, prove: bool) -> SplitFound | None:
    """Quotes the best single paths of a scope, and splits where they promise more (without a proof, where none of them will do)."""
    from dexroute.engine.routing.by_trial import two_legs_by_trial
    from dexroute.engine.routing.paths import PathSearch, promised_paths
    from dexroute.engine.routing.split import find_split

    market, request, options, order = findings.market, findings.request, findings.options, scope.order
    small = findings.small = scope.whole and len(scope.edges) <= _SMALL_MARKET
    search = PathSearch(
        input=order.input,
        output=order.output,
        amount=order.amount,
        exact_in=order.exact_in,
        max_hops=options.max_hops,
        keep=order.keep,
        width=len(scope.edges) ** 2 if small else _WIDTH,
    )
    promised, findings.stuck = promised_paths(market, scope.edges, search)
    findings.promised = len(promised)
    quote_single_paths(findings, net_promises(findings, promised), room, explain)
    if not prove:
        findings.settle([room])
        if findings.ranked:
            return None
    best = promised[0].amount if promised else None
    if _single_is_enough(best, order.amount, float(scope.through.max(initial=0.0)), order.exact_in):
        return None
    split = find_split(market, scope, request, options, room, [path.path for path in promised[:3]])
    findings.unsolved = prove and split is None
    if split is not None:
        findings.routes += split.routes
        findings.refused += split.refused
        findings.unfit += split.unfit
    best_so_far = max(findings.routes, key=lambda route: route.worth(request.mode), default=None)
    if prove and options.max_splits > 1 and _falls_short(best_so_far, request.mode, split):
        few = promised_paths(market, scope.edges, replace(search, amount=order.amount * _SMALL_PART))[0]
        known = [leg.path for leg in best_so_far.legs] if best_so_far else []
        by_promise = [path.path for path in (*promised[:_TRIED_WHOLE], *few[:_TRIED_IN_PART], *promised, *few)]
        paths = dict.fromkeys([*known[:2], *by_promise])
        findings.singles += [path.path for path in few[:BEST_SINGLES]]
        route = two_legs_by_trial(market, order, request, options, list(paths), best_so_far)
        findings.routes += [route] if route else []
    return split


def _falls_short(best: QuotedRoute | None, mode: SwapMode, split: SplitFound | None) -> bool:
    """Whether exact quotes of the best route are far from what curves promise, or nothing was promised."""
    if split is None or best is None or split.missed > _CARRIED:
        return True
    return abs(abs(best.worth(mode)) - split.flow.value) > _SHORT * split.flow.value


def _guessed_rooms(max_accounts: int) -> list[TransactionRoom]:
    """Nobody said what fits: the worst case, and where nothing fits that, the best, of which planning has the last word."""
    return [CautiousRoom(max_accounts=max_accounts), CautiousRoom(max_accounts=max_accounts, opened=True)]


def _most_fillable(findings: Findings) -> int | None:
    from dexroute.engine.routing.fillable import most_fillable

    return most_fillable(findings, partial(_carried, findings))


def _bought(findings: Findings) -> QuotedRoute | None:
    """A route for all the input there can be, by venues that swap exact out."""
    options = findings.options
    without = {pool.venue_id for pool in findings.market if not offers_exact_out(pool.venue_id)}
    allowed = None if options.venues is None else options.venues - without
    options = replace(options, venues=allowed, exclude_venues=options.exclude_venues | without)
    request = replace(findings.request, amount=U64_MAX - _ROUNDING, mode=SwapMode.EXACT_IN)
    ranked = _search(findings.market, request, options, explain=False).ranked
    return ranked[0].route if ranked else None


def _carried(findings: Findings, amount: int) -> QuotedRoute | None:
    """A route for another amount of the same order, if one is easily found."""
    request = replace(findings.request, amount=amount)
    ranked = _search(findings.market, request, findings.options, explain=False, prove=False).ranked
    return ranked[0].route if ranked else None


def _single_is_enough(promised: float | None, amount: float, best_rate: float, exact_in: bool) -> bool:
    """Whether the best single path already does what the best price at no flow would do to the whole amount."""
    if promised is None or promised <= 0.0:
        return False
    unbeatable = amount * best_rate if exact_in else amount / best_rate
    return abs(promised - unbeatable) <= _NOT_WORTH_SPLITTING * unbeatable


def _check(request: QuoteRequest) -> None:
    if not 0 < request.amount <= U64_MAX:
        raise InvalidAmount(
            f"amount {request.amount} is not between 1 and {U64_MAX} base units", amount=str(request.amount), maximum=str(U64_MAX)
        )
    if request.input_mint == request.output_mint:
        raise UsageError(
            f"input and output are the same mint {request.input_mint}; name two different tokens", mint=str(request.input_mint)
        )
