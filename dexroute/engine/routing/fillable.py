"""How much of an order beyond all liquidity can be filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dexroute.engine.routing.filling import fill, filled_route, filling_of
from dexroute.engine.routing.legs import QuotedRoute
from dexroute.engine.routing.room import TransactionRoom
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.engine.routing.findings import Findings
    from dexroute.engine.routing.scope import Scope

_FILL_PRECISION: Final = 1_000
# Of what was filled, how much more is tried.
_BEYOND: Final = (1e-3, 3e-3, 1e-2, 0.1, 1.0, 9.0, 99.0)
# Of what is asked for, how much such legs carry at least for others to be looked for, and how much more those carry.
_NEARLY: Final = 0.5
_MORE: Final = (1e-5, 1e-3, 1e-2, 0.1)


Carried = Callable[[int], QuotedRoute | None]
"""The route that a search finds for another amount of the same order."""
Bought = Callable[[], QuotedRoute | None]
"""The route that a search finds for all the input there can be, by pools that swap exact out."""


def fill_up(findings: Findings, scope: Scope, rooms: Sequence[TransactionRoom], carried: Carried, bought: Bought) -> None:
    """Adds to what a search found legs that take all they can, and with them the order where they carry it; or, where they nearly
    do, the legs that carry a little more."""
    market, request, options = findings.market, findings.request, findings.options
    for room in rooms:
        findings.filling = fill(market, scope, request, options, room)
        if findings.filling.shares:
            break
    assert findings.filling is not None
    if findings.filling.spent and request.mode is SwapMode.EXACT_OUT and (best := bought()) is not None:
        # Drained to its last unit the first pool costs what several cost for most of theirs.
        filling = filling_of(best, request.mode)
        whole = replace(request, amount=filling.most)
        if filling.most > findings.filling.most and filled_route(market, filling, whole, options) is not None:
            findings.filling = filling
    route = filled_route(market, findings.filling, request, options)
    if route is None and findings.filling.most > _NEARLY * request.amount:
        for step in _MORE:
            amount = request.amount + int(request.amount * step)
            wider = carried(amount) if amount <= U64_MAX else None
            if wider is not None:
                route = filled_route(market, filling_of(wider, request.mode), request, options)
                break
    findings.routes += [route] if route else []
    findings.settle(rooms)


def most_fillable(findings: Findings, carried: Carried) -> int | None:
    """Where an amount found no route although paths are there: the most of it that does find one, to about a thousandth, by trying
    others. None where a route was found, or nothing of it finds one."""
    request = findings.request
    if findings.ranked or not findings.connected or request.amount < 2:
        return None
    refused, amount = request.amount, findings.filling.most if findings.filling else 0
    if not amount:
        # In large steps first. Where none of them finds a route, small amounts may be too small for any, and what fits is between.
        for divisor in (8, 2):
            refused, amount = request.amount, request.amount // 2
            while amount and carried(amount) is None:
                refused, amount = amount, amount // divisor
            if amount:
                break
    first, taken = amount, False
    for step in _BEYOND if first else ():
        # What a search refuses it may find again with more.
        more = first + max(1, int(first * step))
        if more >= request.amount or (step >= 1.0 and not taken):
            break
        if taken := carried(more) is not None:
            refused, amount = request.amount, more
        else:
            refused = min(refused, more)
    while amount and refused - amount > max(1, amount // _FILL_PRECISION):
        middle = (refused + amount) // 2
        refused, amount = (middle, amount) if carried(middle) is None else (refused, middle)
    return amount or None
