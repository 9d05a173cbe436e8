"""Compute units of each swap of a plan, read from what a simulation logged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.message import BUDGET_INSTRUCTIONS
from dexroute.engine.planning.swap_plan import SwapPlan

_INVOKED: Final = re.compile(r"^Program (\w+) invoke \[(\d+)\]$")
_CONSUMED: Final = re.compile(r"^Program (\w+) consumed (\d+) of \d+ compute units$")


def units_by_pool(plan: SwapPlan, logs: Sequence[str]) -> Mapping[Pubkey, int]:
    """The most units one swap of each pool took. Logs that were cut short, or are not this plan's, tell nothing beyond where they
    still agree with its instructions."""
    found: dict[Pubkey, int] = {}
    hops = plan.quote.route.hops
    for step, (program, units) in zip(plan.steps, _instructions(logs)[BUDGET_INSTRUCTIONS:], strict=False):
        if program != str(step.instruction.program_id):
            break
        if step.hop is not None and units is not None:
            pool = hops[step.hop].pool
            found[pool] = max(units, found.get(pool, 0))
    return found


def _instructions(logs: Sequence[str]) -> list[tuple[str, int | None]]:
    """(program, units) of each top-level instruction; builtins log no units."""
    seen: list[tuple[str, int | None]] = []
    depth = 0
    for line in logs:
        if match := _INVOKED.match(line):
            depth = int(match[2])
            if depth == 1:
                seen.append((match[1], None))
        elif (match := _CONSUMED.match(line)) and depth == 1 and seen and seen[-1][0] == match[1]:
            seen[-1] = (match[1], int(match[2]))
        elif line.endswith(" success"):
            depth -= 1
    return seen
