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
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_STEPS: Final = 60
_SHY: Final = 0.995  # of the way to a border that one step may go
_SMALLEST: Final = 1e-300


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


@np.errstate(over="ignore", invalid="ignore")  # a step out of all bounds is seen as an error that is not finite, and not taken
def best_flow(problem: FlowProblem, *, tolerance: float) -> FlowSolution:
    """Solves until the complementarity gap and unmet balances are below `tolerance` (in units of the scaled reference)."""
    source, target, capacity, bend = problem.source, problem.target, problem.capacity, problem.bend
    pieces, mints = len(source), len(problem.supply)
    if not pieces:
        return FlowSolution(flows=np.zeros(0), prices=np.ones(mints), gap=0.0, unmet=1.0, solved=False)
    kept = np.arange(mints) != problem.reference
    # Where each piece adds to the system over all pairs of mints.
    corners = np.concatenate((target * mints + target, source * mints + source, target * mints + source, source * mints + target))

    z = np.minimum(capacity * 0.5, 1.0 / max(pieces, 1))
    y = np.ones(mints)
    low = np.full(pieces, 0.1)  # multiplier of z >= 0
    high = np.minimum(0.1, 0.1 / capacity)  # multiplier of z <= capacity
    w = np.full(mints, 0.1)  # what is left over at a mint
    w[problem.reference] = 0.0
    best: tuple[float, Floats, Floats, float, float] | None = None
    for _ in range(_MOST_STEPS):
        room = capacity - z
        growth = 1.0 + bend * z
        marginal = problem.slope / (growth * growth)
        arrived = problem.slope * z / growth
        balance = problem.supply + np.bincount(target, arrived, mints) - np.bincount(source, z, mints)
        unmet = float(np.abs((balance - w)[kept]).max(initial=0.0))
        stationary = y[target] * marginal - y[source] + low - high
        gap = float(low @ z + high @ room + (y * w)[kept].sum())
        # Not stationary costs at most what could flow there.
        error = gap + unmet + float(np.abs(stationary * z).sum())
        if best is None or error < best[0]:
            best = (error, z.copy(), y.copy(), gap, unmet)
        if error < tolerance:
            break
        barrier = gap / (2 * pieces + mints - 1) * (0.1 if unmet < 1e-3 else 0.3)
        curvature = 2.0 * y[target] * marginal * bend / growth
        stiff = curvature + low / z + high / room
        push = y[target] * marginal - y[source] + barrier / z - barrier / room
        yielding = 1.0 / stiff
        crossed = marginal * yielding
        entries = np.concatenate((marginal * crossed, yielding, -crossed, -crossed))
        left = np.bincount(corners, entries, mints * mints).reshape(mints, mints)[np.ix_(kept, kept)]
        slack = w[kept] / y[kept]
        left[np.diag_indices_from(left)] += slack + 1e-14
        pushed = np.bincount(target, crossed * push, mints) - np.bincount(source, yielding * push, mints)
        right = -balance[kept] + barrier / y[kept] - pushed[kept]
        try:
            dy_kept: Any = np.linalg.solve(left, right)
        except np.linalg.LinAlgError:
            break
        dy = np.zeros(mints)
        dy[kept] = dy_kept
        dz = (marginal * dy[target] - dy[source] + push) * yielding
        dlow = barrier / z - low - low / z * dz
        dhigh = barrier / room - high + high / room * dz
        dw = np.zeros(mints)
        dw[kept] = barrier / y[kept] - w[kept] - slack * dy_kept
        primal = min(_step(z, dz), _step(room, -dz), _step(w[kept], dw[kept]))
        dual = min(_step(y[kept], dy_kept), _step(low, dlow), _step(high, dhigh))
        if not np.isfinite(primal + dual):
            break
        primal = dual = min(primal, dual)
        z = np.maximum(z + primal * dz, _SMALLEST)
        w = w + primal * dw
        y = y + dual * dy
        low = np.maximum(low + dual * dlow, _SMALLEST)
        high = np.maximum(high + dual * dhigh, _SMALLEST)
        z = np.minimum(z, np.nextafter(capacity, 0.0))
    assert best is not None
    error, z, y, gap, unmet = best
    return FlowSolution(flows=z, prices=y, gap=gap, unmet=unmet, solved=error < tolerance)


def _step(value: Floats, change: Floats) -> float:
    """How far along `change` positive values stay positive, at most 1."""
    falling = change < 0.0
    if not falling.any():
        return 1.0
    return min(1.0, _SHY * float((value[falling] / -change[falling]).min()))
