"""Shares of a split as the legs need them one after the other.

A flow divides a pool's output evenly: every unit into it fetches the same. Legs come in turn, and the first to pass a pool gets its
best price. Legs that part behind a pool they share would arrive there with other amounts than the flow sent, and in a pool that is
drained the later ones with nothing. So the first asks for less, and the later ones for more, by what the pool's curve says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market

if TYPE_CHECKING:
    from dexroute.engine.routing.network import NetworkFlow, Order


def in_turn(market: Market, flow: NetworkFlow, order: Order, shares: Sequence[PathShare]) -> list[PathShare]:
    """The shares, in the order in which the legs execute, with which each carries behind the pools it shares what the flow sends
    there. Exact out, legs are quoted from their end, and it is the pools before that are to see the flow's amounts."""
    chains = [share.path if order.exact_in else share.path[::-1] for share in shares]
    following: dict[int, set[int]] = {}
    for chain in chains:
        for edge, after in pairwise(chain):
            following.setdefault(edge, set()).add(after)
    if all(len(after) == 1 for after in following.values()):
        return list(shares)
    passed = dict.fromkeys((edge for chain in chains for edge in chain), 0.0)
    adjusted = []
    for share, chain in zip(shares, chains, strict=True):
        parting = max((place for place, edge in enumerate(chain[:-1]) if len(following[edge]) > 1), default=-1)
        amount = share.share * order.amount
        for edge in chain[: parting + 1]:
            ratio = flow.arrivals[edge] / flow.flows[edge]
            amount = amount * ratio if order.exact_in else amount / ratio
        for edge in reversed(chain[: parting + 1]):
            amount = _asked(market, order, edge, passed[edge], amount)
        if not 0.0 < amount < inf:
            return list(shares)
        adjusted.append(replace(share, share=amount / order.amount))
        for edge in chain:
            carried = _carried(market, order, edge, passed[edge], amount)
            passed[edge] += amount if order.exact_in else carried
            amount = carried
    return adjusted


def carried_in_turn(market: Market, order: Order, legs: Sequence[tuple[Path, float]]) -> list[float]:
    """What legs bring (exact in) or cost (exact out) one after the other by their pools' curves, given what goes into each or is
    asked of it; infinity where a curve ends before that."""
    return _in_turn(market, order, legs)[0]


def passed_in_turn(market: Market, order: Order, legs: Sequence[tuple[Path, float]]) -> dict[int, float]:
    """What such legs put into each edge: what one more path finds there, see `carried_beside`."""
    return _in_turn(market, order, legs)[1]


def _in_turn(market: Market, order: Order, legs: Sequence[tuple[Path, float]]) -> tuple[list[float], dict[int, float]]:
    passed: dict[int, float] = {}
    ends = []
    for path, given in legs:
        amount = given
        for edge in path if order.exact_in else path[::-1]:
            before = passed.get(edge, 0.0)
            carried = _carried(market, order, edge, before, amount)
            passed[edge] = before + (amount if order.exact_in else carried)
            amount = carried
        ends.append(amount)
    return ends, passed


def carried_beside(market: Market, order: Order, flows: Mapping[int, float], path: Path, given: float) -> float:
    """The same of one more path beside a flow over edges."""
    amount = given
    for edge in path if order.exact_in else path[::-1]:
        amount = _carried(market, order, edge, flows.get(edge, 0.0), amount)
    return amount


def widest_behind(shares: Sequence[PathShare], taking: Sequence[bool]) -> int:
    """The place of the largest share of those that take more and have nobody behind them in a pool, so that more through it is no
    other's loss."""
    last = {edge: place for place, share in enumerate(shares) for edge in share.path}
    return max(
        range(len(shares)),
        key=lambda place: (taking[place], all(last[edge] == place for edge in shares[place].path), shares[place].share, -place),
    )


def _carried(market: Market, order: Order, edge: int, before: float, amount: float) -> float:
    """What a leg carries on when it brings `amount` to an edge that took `before` already: what arrives (exact in), or what has to
    be put in (exact out)."""
    curve, keep = market.curve(edge), _keep(market, order, edge)
    given = curve.amount_out(before * keep) if before else 0.0
    if order.exact_in:
        return curve.amount_out((before + amount) * keep) - given
    return curve.amount_in(given + amount) / keep - before


def _asked(market: Market, order: Order, edge: int, before: float, carried: float) -> float:
    """The way back: what a leg has to bring to carry so much on."""
    curve, keep = market.curve(edge), _keep(market, order, edge)
    if order.exact_in:
        return curve.amount_in(curve.amount_out(before * keep) + carried) / keep - before
    return curve.amount_out((before + carried) * keep) - curve.amount_out(before * keep)


def _keep(market: Market, order: Order, edge: int) -> float:
    return 1.0 if market.source[edge] == order.input else order.keep
