"""How old a slot is, in slots, when nobody tells which slot it is now.

Asking a node would cost the round trip that a cache is to save. So the slots passed since the last one observed are estimated from
elapsed time at a pace no public cluster reaches: elapsed time can make accounts older than they are, never younger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FASTEST_SLOT_MS: Final = 200  # clusters make one in about 400


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotObserved:
    """A slot the cluster had reached at `at_ms` of some clock."""

    slot: int
    at_ms: int


def age_slots(slot: int, tip: SlotObserved, now_ms: int) -> int:
    """At most how many slots have passed since `slot`, `tip` being the newest observed by the same clock."""
    passed = -(-max(0, now_ms - tip.at_ms) // FASTEST_SLOT_MS)
    return max(0, tip.slot - slot) + passed
