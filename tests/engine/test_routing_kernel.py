"""The compiled solver of flows against the one in numpy, and what becomes of routes without it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.routing_markets import generated_market
from dexroute.engine.routing import RouteOptions, find_route, flow
from dexroute.engine.routing.flow import FlowProblem, FlowSolution, best_flow, best_flow_in_numpy
from dexroute.engine.routing.flow_kernel import FlowKernel
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.types.requests import QuoteRequest, SwapMode
from kernels.__main__ import differences

TOLERANCE = 1e-8


def _problem(rng: random.Random, mints: int, pieces: int) -> FlowProblem:
    """Pieces in both directions around prices of one, half of them on a few mints, a third of them straight as bins are."""
    numbers = list(range(mints))
    reference, supplied = rng.sample(numbers, 2)
    hubs = numbers[: max(2, mints // 8)]
    drawn = [(rng.choice(numbers), rng.choice(numbers if rng.random() < 0.5 else hubs)) for _ in range(pieces)]
    ends = [(one, other) for one, other in drawn if one != other] + [(supplied, reference)]
    supply = np.zeros(mints)
    supply[supplied] = rng.choice((1.0, -1.0))
    if supply[supplied] < 0.0:
        ends.append((reference, supplied))
    count = len(ends)
    return FlowProblem(
        source=np.array([one for one, _ in ends], dtype=np.int64),
        target=np.array([other for _, other in ends], dtype=np.int64),
        capacity=np.array([10.0 ** rng.uniform(-4.0, 2.0) for _ in range(count - 1)] + [1e3]),
        slope=np.array([rng.uniform(0.9, 0.999) for _ in range(count)]),
        bend=np.array([rng.choice((0.0, 10.0 ** rng.uniform(-3.0, 0.0), 10.0 ** rng.uniform(-3.0, 0.0))) for _ in range(count)]),
        supply=supply,
        reference=reference,
    )


def _value(problem: FlowProblem, solution: FlowSolution) -> float:
    z = solution.flows
    arrived = problem.slope * z / (1.0 + problem.bend * z)
    return float(arrived[problem.target == problem.reference].sum() - z[problem.source == problem.reference].sum())


@pytest.mark.parametrize(("mints", "pieces"), [(2, 1), (2, 40), (5, 60), (30, 300), (63, 400), (90, 300), (200, 1_500)])
def test_both_solvers_find_the_same_flow(mints: int, pieces: int) -> None:
    rng, solved = random.Random(mints), 0
    for _ in range(6):
        problem = _problem(rng, mints, pieces)
        compiled, plain = best_flow(problem, tolerance=TOLERANCE), best_flow_in_numpy(problem, tolerance=TOLERANCE)
        assert compiled.solved == plain.solved
        solved += compiled.solved
        if compiled.solved:
            assert _value(problem, compiled) == pytest.approx(_value(problem, plain), abs=3 * TOLERANCE)
            assert compiled.prices[problem.reference] == plain.prices[problem.reference] == 1.0
            assert np.all(compiled.flows <= problem.capacity * (1 + 1e-12)) and np.all(compiled.flows > 0.0)
            assert compiled.gap + compiled.unmet < TOLERANCE
    assert solved >= 4


def test_the_kernel_is_what_solves_and_remembers_nothing() -> None:
    kernel, rng = FlowKernel(), random.Random(4)
    small, large = _problem(rng, 6, 40), _problem(rng, 120, 30_000)
    first = kernel.best_flow(small, TOLERANCE)
    kernel.best_flow(large, TOLERANCE)  # its memory grows, and may move
    again = kernel.best_flow(small, TOLERANCE)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1]) and first[2] == again[2]
    taken = best_flow(small, tolerance=TOLERANCE)
    assert np.array_equal(taken.flows, first[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("absurd", [0.0, 1e300, float("inf"), float("nan")])
def test_absurd_numbers_are_no_solution_and_no_crash(absurd: float) -> None:
    rng, looked_at = random.Random(9), 0
    for name in ("capacity", "slope", "bend", "supply"):
        problem = _problem(rng, 8, 50)
        getattr(problem, name)[:3] = absurd
        compiled, plain = best_flow(problem, tolerance=TOLERANCE), best_flow_in_numpy(problem, tolerance=TOLERANCE)
        assert compiled.solved == plain.solved
        looked_at += 1
    assert looked_at == 4
    assert not best_flow(_problem(rng, 8, 50), tolerance=0.0).solved


def test_threads_have_a_kernel_each() -> None:
    rng = random.Random(2)
    problems = [_problem(rng, 40, 400) for _ in range(24)]
    alone = [best_flow(problem, tolerance=TOLERANCE).flows for problem in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda problem: best_flow(problem, tolerance=TOLERANCE).flows, problems))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_without_the_kernel_routes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = generated_market(200, 30, seed=5)
    market, rng, compared = Market(made.pools), random.Random(8), 0
    for number in range(12):
        source, target = rng.sample(range(30), 2)
        mode = SwapMode.EXACT_IN if number % 2 else SwapMode.EXACT_OUT
        request = QuoteRequest(
            input_mint=made.mints[source].address,
            output_mint=made.mints[target].address,
            amount=made.amount(source if mode is SwapMode.EXACT_IN else target, 1e10),
            mode=mode,
        )
        compiled = find_route(market, request, RouteOptions(room=AnyRoom()))
        with monkeypatch.context() as patched:
            patched.setattr(flow, "kernel", lambda: None)
            plain = find_route(market, request, RouteOptions(room=AnyRoom()))
        assert compiled.amount_in == pytest.approx(plain.amount_in, rel=1e-6)
        assert compiled.amount_out == pytest.approx(plain.amount_out, rel=1e-6)
        compared += len(compiled.route.legs) > 1
    assert compared >= 6


def test_the_committed_kernel_comes_from_the_sources_here() -> None:
    assert differences() == [], "run: make kernels, and commit what it writes"
