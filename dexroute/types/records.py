"""What the journal tells about pools: how attempts through them ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solders.pubkey import Pubkey

from dexroute.types.orders import Failure, SwapAmounts


class RecordedOutcome(StrEnum):
    LANDED = "landed"
    LANDED_WITH_ERROR = "landed_with_error"
    EXPIRED = "expired"
    REFUSED = "refused"  # failed in simulation: nothing was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try to carry out a route: the pools it went through, as (address, venue id) from input to output, and how it ended.
    `executed` is what landed moved; `failure` is what a failed one ended with. `at_ms` is the host's time of the end."""

    pools: tuple[tuple[Pubkey, str], ...]
    outcome: RecordedOutcome
    at_ms: int
    quoted: SwapAmounts | None = None
    executed: SwapAmounts | None = None
    failure: Failure | None = None
