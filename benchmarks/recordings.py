"""What is quoted: executed swaps of the recordings in this repository, a spread of each state's."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dexroute.fetchers.recorded import PACKAGED, RecordedState, RecordedSwap, read_recorded

SWAPS_OF_A_STATE = 16
_ROOTS = (PACKAGED, Path(__file__).parents[1] / "tests" / "vectors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A state and the executed swaps chosen of it; `document` is the recording for the other side, with these swaps only."""

    state: RecordedState
    swaps: tuple[RecordedSwap, ...]
    document: dict[str, Any]

    @property
    def raw_bytes(self) -> int:
        """What the accounts hold on chain."""
        return sum(len(account.data) for account in self.state.accounts.values())


def chosen(venue: str) -> list[Chosen]:
    """The states of a venue in which anything was executed."""
    found: dict[str, Chosen] = {}
    for path in (path for root in _ROOTS for path in sorted((root / venue).glob("*.json.gz"))):
        state = read_recorded(path)
        executed = [number for number, swap in enumerate(state.swaps) if swap.succeeded]
        if not executed or state.name in found:
            continue
        step = max(1, len(executed) // SWAPS_OF_A_STATE)
        numbers = executed[::step][:SWAPS_OF_A_STATE]
        document = json.loads(gzip.decompress(path.read_bytes()))
        document["swaps"] = [document["swaps"][number] for number in numbers]
        found[state.name] = Chosen(state=state, swaps=tuple(state.swaps[number] for number in numbers), document=document)
    return list(found.values())
