"""Compute units per instruction are a checked-in file; this is where drift shows."""

from __future__ import annotations

import os

import pytest

from tests.programs.compute_units import Units, measure, recorded
from tests.programs.world import Outcome

# Another compiler's program costs what it costs; the file is the recorded compiler's.
pytestmark = pytest.mark.skipif(bool(os.environ.get("DEXROUTE_POOL_PROGRAM")), reason="the program is not the committed one")


def test_every_instruction_costs_what_is_recorded() -> None:
    now, before = measure(), recorded()
    drift = [
        f"{case}: {before.get(case)} recorded, {now.get(case)} now"
        for case in {**before, **now}
        if before.get(case) != now.get(case)
    ]
    assert not drift, "compute units changed; if they may: python -m tests.programs.compute_units --update\n" + "\n".join(drift)
    assert len(now) > 15


def test_own_units_are_those_without_other_programs() -> None:
    pool, token = "dexF9oMdp9VqCYTe5k1EdprE8efsUr5y98pZXG1xMhL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
    lines = (
        f"Program {token} consumed 4645 of 195000 compute units",
        f"Program {token} consumed 4400 of 190000 compute units",
        f"Program {pool} consumed 12000 of 200000 compute units",
    )
    outcome = Outcome(ok=True, code=None, error="", logs=lines, units=12_150)
    assert Units.of(outcome) == Units(total=12_000, own=2_955)
