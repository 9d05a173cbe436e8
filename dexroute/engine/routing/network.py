"""Some edges of a market as a flow problem in natural units, and what its solution says about each edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from dexroute.engine.routing.flow import FlowProblem, best_flow
from dexroute.engine.routing.market import Steps
from dexroute.engine.routing.newton import Floats

# Pieces beyond so many times the order's worth are not looked at in a first solve; nor is more than this ever sent.
_ENOUGH: Final = 2.5
_MOST: Final = 1e7
_LEAST: Final = 1e-12
_FAR: Final = 16.0
_RESCALED: Final = 3
_MOST_UNITS: Final = 2.0**64
# Programs refuse the last unit of what a curve of real numbers still gives.
_SHY_OF_CAPACITY: Final = 1.0 - 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What flows: mints by number, amount in base units at the fixed side. `keep` is the part of a hop's output the next hop may
    spend (1 without hop slippage); `handicap` multiplies an edge's output in the search's eyes only."""

    input: int
    output: int
    amount: float
    exact_in: bool
    keep: float
    handicap: Mapping[int, float]


class Edges(Protocol):
    """What a flow needs of a market. An edge and a mint are numbers."""

    @property
    def source(self) -> Sequence[int]: ...
    @property
    def target(self) -> Sequence[int]: ...

    def curve(self, edge: int) -> Steps: ...

    def part(self, edge: int) -> float:
        """How much of that curve the edge is, 0 to 1: all of its amounts in that proportion."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFlow:
    """`flows`: by edge, base units into it (before hop slippage takes its part). `prices`: by mint number, worth in units of the
    ranked mint. `value`: what arrives in all (exact in) or is spent in all (exact out). `at`: prices before and behind edges where
    tokens of one mint are kept apart, and those of the mints are not theirs."""

    flows: dict[int, float]
    arrivals: dict[int, float]
    prices: dict[int, float]
    value: float
    solved: bool
    at: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def solve_network(
    market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], *, tolerance: float
) -> NetworkFlow:
    """The best flow through these edges. `prices` are rough worths of every mint the edges touch (they only scale)."""
    flow = _solved(market, edges, order, prices, tolerance)
    for _ in range(_RESCALED):
        expected = order.amount * prices[order.input] / prices[order.output]
        expected = expected if order.exact_in else order.amount**2 / expected
        if not flow.value > 0.0 or expected / _FAR < flow.value < expected * _FAR:
            break
        # The pools are drained: they pay a small part of what they promise, and what the solver took for noise was all of it.
        prices = _by_throughput(market, flow, order)
        flow = _solved(market, edges, order, prices, tolerance)
    return flow


def _solved(market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], tolerance: float) -> NetworkFlow:
    flow, cut = _solve(market, edges, order, prices, tolerance, _ENOUGH)
    if cut:
        flow, _ = _solve(market, edges, order, prices, tolerance, _MOST)
    return flow


def _by_throughput(market: Edges, flow: NetworkFlow, order: Order) -> dict[int, float]:
    """Worths by which what passes through any mint is worth the same; of mints hardly used, what the whole would buy."""
    passed = dict.fromkeys(flow.prices, 0.0)
    for edge, into in flow.flows.items():
        passed[market.source[edge]] += into
    arrived = dict.fromkeys(flow.prices, 0.0)
    for edge, arriving in flow.arrivals.items():
        arrived[market.target[edge]] += arriving
    amounts = {
        mint: max(passed[mint], arrived[mint], min(flow.value / max(price, 1e-300), _MOST_UNITS))
        for mint, price in flow.prices.items()
    }
    fixed, ranked = (order.input, order.output) if order.exact_in else (order.output, order.input)
    amounts |= {fixed: order.amount, ranked: flow.value}
    return {mint: 1.0 / amount for mint, amount in amounts.items()}


def _solve(
    market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], tolerance: float, enough: float
) -> tuple[NetworkFlow, bool]:
    numbers: dict[int, int] = {order.input: 0, order.output: 1}
    unit = order.amount * prices[order.input if order.exact_in else order.output]
    here: list[int] = []
    there: list[int] = []
    cut: list[bool] = []
    scale: list[float] = []
    reach: list[float] = []
    gains: list[float] = []
    columns: list[Floats] = []
    for edge in edges:
        a, b = market.source[edge], market.target[edge]
        worth_a = prices[a]
        keep = 1.0 if a == order.input else order.keep
        here.append(numbers.setdefault(a, len(numbers)))
        there.append(numbers.setdefault(b, len(numbers)))
        scale.append(unit / worth_a)
        # Of the whole curve's input, what it takes when the edge's part of it takes one.
        reach.append(keep * scale[-1] / market.part(edge))
        gains.append(keep * (prices[b] / worth_a) * order.handicap.get(edge, 1.0))
        curve = market.curve(edge)
        columns.append(curve.columns_until(enough * reach[-1] / _SHY_OF_CAPACITY))
        cut.append(columns[-1].shape[1] < len(curve.pieces))
    amounts, slopes, bends = np.concatenate(columns, axis=1) if columns else np.zeros((3, 0))
    owner = np.repeat(np.arange(len(columns)), [column.shape[1] for column in columns])
    bending = np.array(reach)[owner]
    capacity = np.minimum(amounts / bending * _SHY_OF_CAPACITY, _MOST)
    worthwhile = capacity > _LEAST
    owner = owner[worthwhile]
    reference, supplied = (1, 0) if order.exact_in else (0, 1)
    supply = np.zeros(len(numbers))
    supply[supplied] = 1.0 if order.exact_in else -1.0
    problem = FlowProblem(
        source=np.array(here, dtype=np.int64)[owner],
        target=np.array(there, dtype=np.int64)[owner],
        capacity=capacity[worthwhile],
        slope=slopes[worthwhile] * np.array(gains)[owner],
        bend=(bends * bending)[worthwhile],
        supply=supply,
        reference=reference,
    )
    solution = best_flow(problem, tolerance=tolerance)
    z = solution.flows
    per_edge = np.bincount(owner, z, len(edges))
    arrived = problem.slope * z / (1.0 + problem.bend * z)
    arrived_per_edge = np.bincount(owner, arrived, len(edges)) * unit
    flows = dict(zip(edges, (per_edge * np.array(scale)).tolist(), strict=True))
    arrivals = {
        edge: arriving / prices[market.target[edge]] for edge, arriving in zip(edges, arrived_per_edge.tolist(), strict=True)
    }
    missed = bool((np.array(cut, dtype=np.bool_) & (per_edge > 0.98 * np.bincount(owner, problem.capacity, len(edges)))).any())
    reference_mint = order.output if order.exact_in else order.input
    side = 1.0 if order.exact_in else -1.0
    net = arrived[problem.target == reference].sum() - z[problem.source == reference].sum()
    return (
        NetworkFlow(
            flows=flows,
            arrivals=arrivals,
            prices={
                mint: float(solution.prices[number]) * prices[mint] / prices[reference_mint] for mint, number in numbers.items()
            },
            value=side * float(net) * unit / prices[reference_mint],
            solved=solution.solved,
        ),
        missed,
    )
