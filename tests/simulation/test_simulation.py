"""Five hundred seeds of the real executor in bad weather: no order twice, none lost, and every lamport explained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.memory_store import MemoryStore
from tests.simulation.report import Summary, explain
from tests.simulation.sqlite_store import sqlite_store
from tests.simulation.world import simulate

_AT_ONCE = 250


@pytest.mark.parametrize("first", [0, _AT_ONCE])
def test_nothing_is_doubled_lost_or_unexplained(first: int) -> None:
    summary = Summary()
    for seed in range(first, first + _AT_ONCE):
        summary.add(simulate(seed))
        if summary.broken:
            pytest.fail(explain(summary.broken[0]), pytrace=False)
    assert summary.seeds == _AT_ONCE and summary.orders > _AT_ONCE
    assert not summary.missing, "these seeds never tried what they are there to try"


@pytest.mark.parametrize("seeds", [range(0, 6), range(6, 12)], ids=str)
def test_the_journal_on_sqlite_makes_the_same_run_as_the_one_in_memory(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        with sqlite_store(tmp_path / f"{seed}.db") as store:
            real = simulate(seed, store=store, keep_trace=True)
        assert not real.violations, real.violations
        modelled = simulate(seed, store=MemoryStore(), keep_trace=True)
        assert real.lines == modelled.lines and real.digest == modelled.digest and real.steps


def test_a_seed_is_the_same_run_in_every_process() -> None:
    script = "from tests.simulation.world import simulate; print([simulate(seed).digest for seed in range(40, 50)])"
    told = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True
        ).stdout
        for salt in ("1", "2")
    }
    assert told == {f"{[simulate(seed).digest for seed in range(40, 50)]}\n"}


def test_many_seeds_run_on_several_processes() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "12", "--jobs", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0 and "12 seeds" in ran.stdout and "0 with a violation" in ran.stdout, ran.stderr
