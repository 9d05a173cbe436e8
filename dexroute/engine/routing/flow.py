"""The best flow through pools as real numbers: an interior-point method over the pieces of their curves.

The problem (Diamandis, Resnick, Chitra, Angeris 2023, with each pool's concave curve cut into its pieces): with z_k into piece k
from mint s to mint t and o_k(z) = slope z / (1 + bend z) out of it, maximize what arrives at the reference mint net of what
leaves it, subject to 0 <= z_k <= capacity_k and, at every other mint m, supply_m + sum of arrivals - sum of departures >= 0.
Exact in: the reference is the output mint, the supply the amount at the input mint. Exact out: the reference is the input mint,
the supply minus the amount at the output mint. The multipliers of the mints are the prices of the dual.

Newton steps on the perturbed conditions of optimality (one linear system of the size of the mints per step) neither mind kinks nor
flat pieces, of which bins and ticks are full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_STEPS: Final = 60
_SHY: Final = 0.995  # of the way to a border that one step may go
_SMALLEST: Final = 1e-300
_NEARLY_FULL: Final = 1e-16  # of a capacity: the least room that is left of it


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowProblem:
    """Arrays over pieces, scaled so that amounts and prices are near 1. `supply` is per mint; mint `reference` has price 1."""

    source: Ints
    target: Ints
    capacity: Floats
    slope: Floats
    bend: Floats
    supply: Floats
    reference: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSolution:
    """`flows` per piece, `prices` per mint, `gap` what complementarity still lacks in all, `solved` whether it got there."""

    flows: Floats
    prices: Floats
    gap: float
    unmet: float
    solved: bool


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a step out of all bounds is seen as an error, and not taken
def best_flow(problem: FlowProblem, *, tolerance: float) -> FlowSolution:
    """Solves until the complementarity gap and unmet balances are below `tolerance` (in units of the scaled reference)."""
    capacity, slope, bend = problem.capacity, problem.slope, problem.bend
    pieces, mints = len(capacity), len(problem.supply)
    if not pieces:
        return FlowSolution(flows=np.zeros(0), prices=np.ones(mints), gap=0.0, unmet=1.0, solved=False)
    # The reference goes last, so that all others are the first `free`.
    free = mints - 1
    number = np.arange(mints)
    number[problem.reference] = free
    number[problem.reference + 1 :] -= 1
    source, target = number[problem.source], number[problem.target]
    supply = np.empty(mints)
    supply[number] = problem.supply
    supply = supply[:free]
    ends = np.concatenate((target, source))
    diagonal = (np.arange(free), np.arange(free))
    # Where each piece adds to the system over all pairs of mints.
    corners = np.concatenate((target * mints + target, source * mints + source, target * mints + source, source * mints + target))

    # All that stays positive in one array, and its change in another: a step is a few calls for everything at once.
    state, change, relative = _State(pieces, free), _State(pieces, free), _State(pieces, free)
    z, room, low, high, w, y = state.z, state.room, state.low, state.high, state.w, state.y
    z[:] = np.minimum(capacity * 0.5, 1.0 / pieces)
    np.subtract(capacity, z, out=room)
    low[:] = 0.1  # multiplier of z >= 0
    np.minimum(0.1, 0.1 / capacity, out=high)  # multiplier of z <= capacity
    w[:] = 0.1  # what is left over at a mint
    y[:] = 1.0
    prices, price_changes = np.ones(mints), np.zeros(mints)
    moved, entries = np.empty(2 * pieces), np.empty(4 * pieces)
    arriving, leaving = moved[:pieces], moved[pieces:]
    at_target, at_source, across, back = entries.reshape(4, pieces)
    best: tuple[float, Floats, Floats, float, float] | None = None
    for _ in range(_MOST_STEPS):
        growth = 1.0 + bend * z
        marginal = slope / (growth * growth)
        np.multiply(marginal * growth, z, out=arriving)
        np.negative(z, out=leaving)
        balance = supply + np.bincount(ends, moved, mints)[:free]
        prices[:free] = y
        worth = prices[target] * marginal
        earned = worth - prices[source]
        unmet = float(np.abs(balance - w).max(initial=0.0))
        gap = float(state.primal @ state.dual)
        # Not stationary costs at most what could flow there.
        error = gap + unmet + float(np.abs((earned + low - high) * z).sum())
        if best is None or error < best[0]:
            best = (error, z.copy(), prices.copy(), gap, unmet)
        if error < tolerance:
            break
        barrier = gap / (2 * pieces + free) * (0.1 if unmet < 1e-3 else 0.3)
        stiff_low, stiff_high = low / z, high / room
        force_low, force_high = barrier / z, barrier / room
        yielding = 1.0 / (2.0 * worth * bend / growth + stiff_low + stiff_high)
        push = earned + force_low - force_high
        crossed = marginal * yielding
        np.multiply(marginal, crossed, out=at_target)
        at_source[:] = yielding
        np.negative(crossed, out=across)
        back[:] = across
        left = np.bincount(corners, entries, mints * mints).reshape(mints, mints)[:free, :free].copy()
        slack = w / y
        left[diagonal] = left[diagonal] + slack + 1e-14
        np.multiply(crossed, push, out=arriving)
        np.multiply(-yielding, push, out=leaving)
        force = barrier / y
        right = force - balance - np.bincount(ends, moved, mints)[:free]
        try:
            dy = np.linalg.solve(left, right)
        except np.linalg.LinAlgError:
            break
        price_changes[:free] = dy
        dz = (marginal * price_changes[target] - price_changes[source] + push) * yielding
        change.z[:] = dz
        np.negative(dz, out=change.room)
        np.subtract(force_low - low, stiff_low * dz, out=change.low)
        np.add(force_high - high, stiff_high * dz, out=change.high)
        np.subtract(force - w, slack * dy, out=change.w)
        change.y[:] = dy
        np.divide(change.all, state.all, out=relative.all)
        primal, dual = relative.steepest()
        if not np.isfinite(primal + dual):
            break
        # Flows and multipliers each go as far as they may.
        change.scale(min(1.0, _SHY / -primal) if primal < 0.0 else 1.0, min(1.0, _SHY / -dual) if dual < 0.0 else 1.0)
        np.maximum(state.all + change.all, _SMALLEST, out=state.all)
        np.subtract(capacity, z, out=room)
        np.maximum(room, capacity * _NEARLY_FULL, out=room)
    assert best is not None
    error, z, prices, gap, unmet = best
    return FlowSolution(flows=z, prices=prices[number], gap=gap, unmet=unmet, solved=error < tolerance)


class _State:
    """z, capacity - z, what is left over at each mint; the multipliers of both and prices: side by side."""

    def __init__(self, pieces: int, mints: int) -> None:
        self.all = np.empty(4 * pieces + 2 * mints)
        self.primal, self.dual = self.all.reshape(2, -1)
        parts = (pieces, 2 * pieces)
        self.z, self.room, self.w = np.split(self.primal, parts)
        self.low, self.high, self.y = np.split(self.dual, parts)

    def steepest(self) -> tuple[float, float]:
        """The least of either side."""
        return float(self.primal.min()), float(self.dual.min())

    def scale(self, primal: float, dual: float) -> None:
        self.primal *= primal
        self.dual *= dual
