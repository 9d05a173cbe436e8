"""Swaps executed by the venues' real programs, recorded in format 1 (one gzipped JSON file per pool state).

Some ship with the package (dexroute/fetchers/recorded), the others stand beside this file. `DEXROUTE_VECTORS`, or
`../shared/vectors` beside the repository when it is there, names a further folder: its states are read too, those of public pools
(`mainnet-*`) included, which are not ours to copy.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from dexroute.fetchers.recorded import PACKAGED, RecordedState, RecordedSwap, read_recorded

__all__ = ["RecordedState", "RecordedSwap", "load_states", "state_named"]

_HERE = Path(__file__).parent
_SHARED = _HERE.parents[2] / "shared" / "vectors"


@cache
def load_states(venue: str) -> tuple[RecordedState, ...]:
    """Every recorded state of a venue, our own first. Raises LookupError when there is none: a venue without proof is a defect."""
    states: dict[bytes, RecordedState] = {}
    for root in _roots():
        for path in sorted((root / venue).glob("*.json.gz")):
            content = path.read_bytes()
            # The same recording may lie in several folders; another one of the same name counts beside it.
            if content not in states:
                states[content] = read_recorded(path)
    if not states:
        raise LookupError(f"no recorded states for {venue} under {', '.join(map(str, _roots()))}")
    return tuple(states.values())


def state_named(venue: str, name: str) -> RecordedState:
    """One recorded state. Raises LookupError."""
    for state in load_states(venue):
        if state.name == name:
            return state
    raise LookupError(f"no recorded state {name} of {venue}")


def _roots() -> list[Path]:
    named = os.environ.get("DEXROUTE_VECTORS")
    return [PACKAGED, _HERE, Path(named) if named else _SHARED]
