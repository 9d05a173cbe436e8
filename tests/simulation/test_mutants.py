"""A simulation that finds nothing may be blind: each known wrong rule, put into the executor, must be found out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count, islice
from random import Random

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.weather import Weather, draw
from tests.simulation.world import simulate

_MOST_SEEDS = 500
# A rule about what a liar says can only be broken where one says it, which is one seed in twenty; and so with what is forgotten.
_WHERE: dict[str, Callable[[Weather], bool]] = {
    "death by one silence": lambda weather: weather.lie == "knows_nothing",
    "final by one node's word": lambda weather: weather.lie in ("wrong_transaction", "final_too_soon"),
    "death by forgetting": lambda weather: weather.nodes == 1 and weather.outages > 0 and weather.chance("forgot") > 0.3,
    "death by a gap": lambda weather: weather.nodes == 1 and weather.outages > 0 and weather.chance("missed") > 0.3,
}


def _seeds(name: str) -> Iterator[int]:
    matters = _WHERE.get(name)
    telling = (seed for seed in count() if matters is None or matters(draw(Random(seed))))
    return islice(telling, _MOST_SEEDS)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_rule_is_found_out(name: str) -> None:
    mutant, rule = MUTANTS[name]
    for seed in _seeds(name):
        broken = {violation.rule for violation in simulate(seed, mutant=mutant).violations}
        if rule in broken:
            assert not simulate(seed).violations, "the executor as it is keeps the rule on that seed"
            return
    pytest.fail(f"{_MOST_SEEDS} seeds did not notice")


def test_a_broken_seed_is_told_and_replayed() -> None:
    name = "re-sign on timeout"
    mutant, rule = MUTANTS[name]
    seed = next(n for n in _seeds(name) if any(found.rule is rule for found in simulate(n, mutant=mutant).violations))
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--mutant", name]
    told = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2)]
    assert [one.returncode for one in told] == [1, 1] and told[0].stdout == told[1].stdout
    assert f"seed {seed}: " in told[0].stdout and str(rule) in told[0].stdout and "attempt_dead" in told[0].stdout
