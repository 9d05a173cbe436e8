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
from math import isfinite
from typing import Final

import numpy as np

from dexroute.engine.routing.flow_kernel import KernelUnavailable, kernel
from dexroute.engine.routing.newton import Floats, Ints, NewtonSystem

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


def best_flow(problem: FlowProblem, *, tolerance: float) -> FlowSolution:
    """Solves until the complementarity gap and unmet balances are below `tolerance` (in units of the scaled reference)."""
    if not len(problem.capacity):
        return FlowSolution(flows=np.zeros(0), prices=np.ones(len(problem.supply)), gap=0.0, unmet=1.0, solved=False)
    compiled = kernel()
    if compiled is not None:
        try:
            flows, prices, (gap, unmet, error) = compiled.best_flow(problem, tolerance)
        except KernelUnavailable:
            return best_flow_in_numpy(problem, tolerance=tolerance)
        return FlowSolution(flows=flows, prices=prices, gap=gap, unmet=unmet, solved=error < tolerance)
    return best_flow_in_numpy(problem, tolerance=tolerance)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a step out of all bounds is seen as an error, and not taken
def best_flow_in_numpy(problem: FlowProblem, *, tolerance: float) -> FlowSolution:
    """The same without the compiled kernel, of a problem with pieces."""
    capacity, slope, bend = problem.capacity, problem.slope, problem.bend
    pieces, mints = len(capacity), len(problem.supply)
    # The reference goes last, so that all others are the first `free`.
    free = mints - 1
    system = NewtonSystem(problem.source, problem.target, mints, problem.reference)
    number, source, target = system.number, system.source, system.target
    supply = np.empty(mints)
    supply[number] = problem.supply
    supply = supply[:free]
    ends = np.concatenate((target, source))

    # All that stays positive in one array, and its change in another: a step is a few calls for everything at once.
    state, change, relative = _State(pieces, free), _State(pieces, free), _State(pieces, free)
    z, room, low, high, w, y = state.z, state.room, state.low, state.high, state.w, state.y
    least_room = capacity * _NEARLY_FULL
    z[:] = np.minimum(capacity * 0.5, 1.0 / pieces)
    np.subtract(capacity, z, out=room)
    low[:] = 0.1  # multiplier of z >= 0
    np.minimum(0.1, 0.1 / capacity, out=high)  # multiplier of z <= capacity
    w[:] = 0.1  # what is left over at a mint
    y[:] = 1.0
    prices, price_changes = np.ones(mints), np.zeros(mints)
    moved = np.empty(2 * pieces)
    arriving, leaving = moved[:pieces], moved[pieces:]
    best: tuple[float, Floats, Floats, float, float] | None = None
    for _ in range(_MOST_STEPS):
        growth = 1.0 + bend * z
        average = slope / growth
        marginal = average / growth
        np.multiply(average, z, out=arriving)
        np.negative(z, out=leaving)
        balance = supply + np.bincount(ends, moved, mints)[:free]
        prices[:free] = y
        behind, before = prices[ends].reshape(2, -1)
        worth = behind * marginal
        earned = worth - before
        unmet = float(np.abs(balance - w).max())
        gap = float(state.slack @ state.held)
        # Not stationary costs at most what could flow there.
        error = gap + unmet + float(np.abs(earned + low - high) @ z)
        if best is None or error < best[0]:
            best = (error, z.copy(), prices.copy(), gap, unmet)
        if error < tolerance:
            break
        barrier = gap / (2 * pieces + free) * (0.1 if unmet < 1e-3 else 0.3)
        stiff, force = state.slack / state.held, barrier / state.held
        stiff_y, stiff_low, stiff_high = state.parts(stiff)
        force_y, force_low, force_high = state.parts(force)
        yielding = 1.0 / (2.0 * worth * bend / growth + stiff_low + stiff_high)
        push = earned + force_low - force_high
        np.multiply(-yielding, push, out=leaving)
        np.multiply(-marginal, leaving, out=arriving)
        right = force_y - balance - np.bincount(ends, moved, mints)[:free]
        try:
            change.y[:] = system.solved(marginal, yielding, stiff_y, right)
        except np.linalg.LinAlgError:
            break
        price_changes[:free] = change.y
        behind, before = price_changes[ends].reshape(2, -1)
        np.multiply(marginal * behind - before + push, yielding, out=change.z)
        np.negative(change.z, out=change.room)
        np.subtract(force - state.slack, stiff * change.held, out=change.slack)
        np.divide(change.all, state.all, out=relative.all)
        primal, dual = float(min(relative.flows.min(), relative.w.min())), float(relative.multipliers.min())
        if not isfinite(primal + dual):
            break
        # Flows and multipliers each go as far as they may.
        flows, multipliers = min(1.0, _SHY / max(-primal, _SHY)), min(1.0, _SHY / max(-dual, _SHY))
        change.flows *= flows
        change.w *= flows
        change.multipliers *= multipliers
        np.maximum(state.all + change.all, _SMALLEST, out=state.all)
        np.subtract(capacity, z, out=room)
        np.maximum(room, least_room, out=room)
    assert best is not None
    error, z, prices, gap, unmet = best
    return FlowSolution(flows=z, prices=prices[number], gap=gap, unmet=unmet, solved=error < tolerance)


class _State:
    """z, capacity - z, what is left over at each mint; the multipliers of both and prices: side by side, so that what belongs
    together is one array. `held` and `slack` are the two sides whose products vanish: prices, z, capacity - z, and what is left
    over, the multipliers. `flows` and `multipliers` go as far as they may together, the former with `w`."""

    def __init__(self, pieces: int, mints: int) -> None:
        self.all = np.empty(4 * pieces + 2 * mints)
        self.slack, self.held = self.all.reshape(2, -1)
        self._ends = (mints, mints + pieces)
        self.w, self.low, self.high = self.parts(self.slack)
        self.y, self.z, self.room = self.parts(self.held)
        self.multipliers, self.flows = np.split(self.all[mints:], (2 * pieces + mints,))

    def parts(self, side: Floats) -> tuple[Floats, Floats, Floats]:
        """Of `held`, `slack`, or what is worked out for one of them: per mint, per piece, per piece."""
        first, second = self._ends
        return side[:first], side[first:second], side[second:]
