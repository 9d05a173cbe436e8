"""Some edges of a market as a flow problem in natural units, and what its solution says about each edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from dexroute.engine.routing.flow import FlowProblem, best_flow
from dexroute.engine.routing.newton import Floats, Ints

if TYPE_CHECKING:
    from dexroute.engine.routing.market import Market

# Pieces beyond so many times the order's worth are not looked at in a first solve; nor is more than this ever sent.
_ENOUGH: Final = 2.5
_MOST: Final = 1e7
_LEAST: Final = 1e-12
_MANY_PIECES: Final = 1_500
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

    def gain(self, given: float, ending: float, price: float) -> float:
        """By how much a part of the order that is `given` and ends as `ending` is better than at a price; base units of the ranked
        mint."""
        return ending - price * given if self.exact_in else price * given - ending


class Edges(Protocol):
    """What a flow needs of a market. An edge and a mint are numbers."""

    @property
    def source(self) -> Sequence[int]: ...
    @property
    def target(self) -> Sequence[int]: ...

    @property
    def parts(self) -> Sequence[float] | None:
        """How much of its curve an edge is, 0 to 1, all amounts in that proportion; None where all are whole."""
        ...

    def pieces_until(
        self, edges: Sequence[int], inputs: Floats, *, rough: bool = False
    ) -> tuple[Ints, Floats, Floats, Floats, Ints]:
        """`PieceTable.until`, of whole curves."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFlow:
    """`flows`: by edge, base units into it (before hop slippage takes its part). `prices`: by mint number, worth in units of the
    ranked mint. `value`: what arrives in all (exact in) or is spent in all (exact out). `rough`: solved over merged pieces, and
    about a basis point off. `at`: prices before and behind edges where tokens of one mint are kept apart, and those of the mints
    are not theirs."""

    flows: dict[int, float]
    arrivals: dict[int, float]
    prices: dict[int, float]
    value: float
    solved: bool
    rough: bool = False
    at: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def many_pieces(market: Market, edges: Iterable[int]) -> bool:
    """Whether so many pieces belong to these edges that a rough solution saves more than it costs to have it first."""
    return market.piece_count(list(edges)) > _MANY_PIECES


def solve_network(
    market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], *, tolerance: float, rough: bool = False
) -> NetworkFlow:
    """The best flow through these edges. `prices` are rough worths of every mint the edges touch (they only scale). `rough`: merged
    pieces will do (`Market.rough_pieces`)."""
    flow = _solved(market, edges, order, prices, tolerance, rough)
    for _ in range(_RESCALED):
        expected = order.amount * prices[order.input] / prices[order.output]
        expected = expected if order.exact_in else order.amount**2 / expected
        if not flow.value > 0.0 or expected / _FAR < flow.value < expected * _FAR:
            break
        # The pools are drained: they pay a small part of what they promise, and what the solver took for noise was all of it.
        prices = _by_throughput(market, flow, order)
        flow = _solved(market, edges, order, prices, tolerance, rough)
    return flow


def _solved(
    market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], tolerance: float, rough: bool
) -> NetworkFlow:
    flow, cut = _solve(market, edges, order, prices, tolerance, _ENOUGH, rough)
    if cut:
        flow, _ = _solve(market, edges, order, prices, tolerance, _MOST, rough)
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


def _numbered(mints: Ints) -> tuple[Ints, Ints]:
    """The different ones, ascending, and the place of each among them."""
    present = np.zeros(int(mints.max()) + 1, dtype=np.bool_)
    present[mints] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[mints]


@np.errstate(over="ignore", invalid="ignore")  # hostile prices may be beyond all numbers; no flow is found at them then
def _solve(
    market: Edges, edges: Sequence[int], order: Order, prices: Mapping[int, float], tolerance: float, enough: float, rough: bool
) -> tuple[NetworkFlow, bool]:
    unit = order.amount * prices[order.input if order.exact_in else order.output]
    source, target = ([ends[edge] for edge in edges] for ends in (market.source, market.target))
    mints, number = _numbered(np.array([order.input, order.output, *source, *target], dtype=np.int64))
    worth = np.array([prices[mint] for mint in mints.tolist()])
    here, there = number[2:].reshape(2, -1)
    scale = unit / worth[here]
    keep = np.where(here == number[0], 1.0, order.keep)
    gains = keep * (worth[there] / worth[here])
    if order.handicap:
        gains *= [order.handicap.get(edge, 1.0) for edge in edges]
    # Of the whole curve's input, what it takes when the edge's part of it takes one.
    reach = keep * scale
    if market.parts is not None:
        reach /= [market.parts[edge] for edge in edges]
    owner, amounts, slopes, bends, cut = market.pieces_until(edges, enough / _SHY_OF_CAPACITY * reach, rough=rough)
    capacity = np.minimum(amounts / reach[owner] * _SHY_OF_CAPACITY, _MOST)
    worthwhile = np.flatnonzero(capacity > _LEAST)
    if len(worthwhile) < len(owner):
        owner, capacity, slopes, bends = owner[worthwhile], capacity[worthwhile], slopes[worthwhile], bends[worthwhile]
    reference, supplied = (number[1], number[0]) if order.exact_in else (number[0], number[1])
    supply = np.zeros(len(mints))
    supply[supplied] = 1.0 if order.exact_in else -1.0
    problem = FlowProblem(
        source=here[owner],
        target=there[owner],
        capacity=capacity,
        slope=slopes * gains[owner],
        bend=bends * reach[owner],
        supply=supply,
        reference=int(reference),
    )
    solution = best_flow(problem, tolerance=tolerance)
    z = solution.flows
    per_edge = np.bincount(owner, z, len(edges))
    arrived = problem.slope * z / (1.0 + problem.bend * z)
    arrivals = np.bincount(owner, arrived, len(edges)) * unit / worth[there]
    missed = len(cut) > 0 and bool((per_edge > 0.98 * np.bincount(owner, problem.capacity, len(edges)))[cut].any())
    reference_worth = prices[order.output if order.exact_in else order.input]
    side = 1.0 if order.exact_in else -1.0
    net = arrived[problem.target == reference].sum() - z[problem.source == reference].sum()
    return (
        NetworkFlow(
            flows=dict(zip(edges, (per_edge * scale).tolist(), strict=True)),
            arrivals=dict(zip(edges, arrivals.tolist(), strict=True)),
            prices=dict(zip(mints.tolist(), (solution.prices * worth / reference_worth).tolist(), strict=True)),
            value=side * float(net) * unit / reference_worth,
            solved=solution.solved,
            rough=rough,
        ),
        missed,
    )
