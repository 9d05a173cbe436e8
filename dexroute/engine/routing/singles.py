"""The single paths of an order in exact quotes, those first that promise most net of what landing them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dexroute.engine.routing.findings import Findings
from dexroute.engine.routing.landing import lamport_price, landing_lamports, rent_lamports, transaction_units, valued
from dexroute.engine.routing.legs import Path, QuotedRoute, RefusedLeg, quote_leg
from dexroute.engine.routing.market import swap_compute_units
from dexroute.engine.routing.ranking import rank
from dexroute.engine.routing.room import TransactionRoom
from dexroute.math.rounding import BPS
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.engine.routing.paths import PromisedPath

# Enough to settle ties, and to show what else there was.
MOST_QUOTED: Final = 48
_LISTED: Final = 24
# That other legs are looked for among.
BEST_SINGLES: Final = 8


def net_promises(findings: Findings, promised: list[PromisedPath]) -> list[tuple[Path, float]]:
    """The promises less what landing each path costs, best first: cheap paths are not to be crowded out by dear ones."""
    market, request, costs = findings.market, findings.request, findings.options.costs
    price = lamport_price(request, costs)
    if price is None:
        return [(one.path, one.amount) for one in promised]
    sign = -1 if request.mode is SwapMode.EXACT_IN else 1
    net = []
    for one in promised:
        received = [market.mints[market.target[edge]] for edge in one.path]
        pools = [market.edge_pool[edge] for edge in one.path]
        swaps = ((pool.address, swap_compute_units(pool.venue_id)) for pool in pools)
        units = transaction_units(swaps, request.input_mint, received, costs)
        rent = rent_lamports(received[:-1], costs)
        net.append((one.path, one.amount + sign * valued(landing_lamports(units, costs) + rent, price)))
    return sorted(net, key=lambda entry: (sign * entry[1], len(entry[0]), entry[0]))


def quote_single_paths(
    findings: Findings, promised: list[tuple[tuple[int, ...], float]], room: TransactionRoom, explain: bool
) -> None:
    """Quotes single paths exactly, best net promise first, until no further one can beat the best that fits. With `explain` a few
    of those are quoted too, aside: what is shown of a search must not change what it finds."""
    market, request, options = findings.market, findings.request, findings.options
    findings.singles = [path for path, _ in promised[:BEST_SINGLES]]
    # Of the best one, within which a smaller route goes first.
    near = options.small_tolerance_bps / BPS if options.prefer_small else 0.0
    forward = request.mode is SwapMode.EXACT_IN
    price = lamport_price(request, options.costs)
    best: int | None = None
    hopeless = False
    for number, (path, promise) in enumerate(promised[:MOST_QUOTED]):
        if best is not None and not hopeless:
            # A promise is kept but for rounding: a billionth and a few units.
            slack = abs(best) * near + 4
            hopeless = promise * (1 + 1e-9) + slack < best if forward else promise * (1 - 1e-9) - slack > best
        if hopeless and (number >= _LISTED or not explain):
            break
        quoted = quote_leg(market, path, request.amount, request.mode, options.kept_back_bps, {})
        if isinstance(quoted, RefusedLeg):
            findings.refused.append(quoted)
            continue
        route = QuotedRoute((quoted,))
        if hopeless:
            findings.besides.append(route)
            continue
        findings.routes.append(route)
        if price is None and not options.pool_penalty_ppm:
            net = quoted.amount_out if forward else quoted.amount_in
        else:
            net = rank([route], request, options)[0].net
        if best is None or (net > best if forward else net < best):
            best = net if room.refusal([quoted.leg], market.pools) is None else best
