"""Which pools deserve trust, by how attempts through them ended. Pure.

A pool's penalty is what a failure costs times how likely one is. The likelihood is the share of failures among the pool's attempts,
an attempt that merely expired counting a quarter (the network is its usual reason), drawn towards the venue's share by as much
as two attempts would weigh, and the venue's towards one in eight likewise: a pool nobody has used is trusted as its venue is. What
landed below its quote adds by how much. So a good record is worth a few basis points of price, and a bad one never much more than
it costs to fail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.registry import VenueRegistry
from dexroute.math.rounding import PPM
from dexroute.types.orders import Failure
from dexroute.types.program_errors import ErrorClass
from dexroute.types.records import AttemptRecord, RecordedOutcome

FAILURE_COSTS_PPM: Final = 10_000
"""What a certain failure would be worth avoiding: 1 % of the amount."""
COOLING_MS: Final = 15 * 60 * 1000
_IN_A_ROW: Final = 2
_WEIGHT: Final = 4  # of an attempt; an expired one weighs one against it
_PRIOR: Final = 2 * _WEIGHT
_UNKNOWN: Final = Fraction(1, 8)
# Failures that are the request's or the cluster's and not the pool's.
_NOT_THE_POOLS: Final = frozenset({ErrorClass.PERMANENT, ErrorClass.TRANSIENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """One pool's part in our journal. `shortfall_ppm` sums what landed below its quotes (millionths of the quote), `in_a_row` are
    the failures since the last attempt that landed well, `excluded_ms` is when its program last said to leave it alone."""

    pool: Pubkey
    venue_id: str
    landed: int = 0
    landed_with_error: int = 0
    refused: int = 0
    expired: int = 0
    shortfall_ppm: int = 0
    in_a_row: int = 0
    last_failure_ms: int | None = None
    last_failure: str | None = None
    excluded_ms: int | None = None

    @property
    def attempts(self) -> int:
        return self.landed + self.landed_with_error + self.refused + self.expired

    @property
    def average_shortfall_ppm(self) -> int:
        """Rounded up; 0 when nothing landed."""
        return -(-self.shortfall_ppm // self.landed) if self.landed else 0

    def cooling(self, now_ms: int) -> str | None:
        """Why the pool is left out for now, in words, or None."""
        if self.excluded_ms is not None and 0 <= now_ms - self.excluded_ms < COOLING_MS:
            return (
                f"{self.last_failure} {_minutes(now_ms - self.excluded_ms)} ago; tried again in {_left(now_ms, self.excluded_ms)}"
            )
        last = self.last_failure_ms
        if self.in_a_row >= _IN_A_ROW and last is not None and 0 <= now_ms - last < COOLING_MS:
            return (
                f"{self.in_a_row} failures in a row, the last {_minutes(now_ms - last)} ago ({self.last_failure}); tried again in "
                f"{_left(now_ms, last)}"
            )
        return None


def pool_records(attempts: Iterable[AttemptRecord], venues: VenueRegistry) -> dict[Pubkey, PoolRecord]:
    """The record of every pool, from attempts in the order of their ends. A failure counts against the pools whose program failed,
    or against all of the route where that is not known."""
    records: dict[Pubkey, PoolRecord] = {}
    for attempt in attempts:
        blamed = _blamed(attempt, venues)
        for pool, venue_id in dict(attempt.pools).items():
            record = records[pool] if pool in records else PoolRecord(pool=pool, venue_id=venue_id)
            if attempt.outcome is RecordedOutcome.LANDED:
                record = replace(
                    record, landed=record.landed + 1, shortfall_ppm=record.shortfall_ppm + _shortfall_ppm(attempt), in_a_row=0
                )
            elif attempt.outcome is RecordedOutcome.EXPIRED:
                record = replace(record, expired=record.expired + 1)
            elif pool in blamed:
                record = _failed(record, attempt)
            records[pool] = record
    return records


def penalties_ppm(pools: Iterable[tuple[Pubkey, str]], records: Mapping[Pubkey, PoolRecord]) -> dict[Pubkey, int]:
    """For each pool (address, venue id), what its record is worth in millionths of the amount."""
    by_venue: dict[str, list[PoolRecord]] = defaultdict(list)
    for record in records.values():
        by_venue[record.venue_id].append(record)
    shares = {venue: _failing_share(its, _UNKNOWN) for venue, its in by_venue.items()}
    found = {}
    for pool, venue_id in pools:
        known = records.get(pool)
        share = _failing_share([known] if known else (), shares.get(venue_id, _UNKNOWN))
        shortfall = known.average_shortfall_ppm if known else 0
        found[pool] = min(int(share * FAILURE_COSTS_PPM) + shortfall, PPM - 1)
    return found


def _failing_share(records: Sequence[PoolRecord], prior: Fraction) -> Fraction:
    bad = sum(_WEIGHT * (record.landed_with_error + record.refused) + record.expired for record in records)
    return (bad + prior * _PRIOR) / (sum(_WEIGHT * record.attempts for record in records) + _PRIOR)


def _failed(record: PoolRecord, attempt: AttemptRecord) -> PoolRecord:
    refused = attempt.outcome is RecordedOutcome.REFUSED
    excluded = _class_of(attempt.failure) is ErrorClass.EXCLUDE_POOL
    return replace(
        record,
        refused=record.refused + refused,
        landed_with_error=record.landed_with_error + (not refused),
        in_a_row=record.in_a_row + 1,
        last_failure_ms=attempt.at_ms,
        last_failure=_cause(attempt),
        excluded_ms=attempt.at_ms if excluded else record.excluded_ms,
    )


def _blamed(attempt: AttemptRecord, venues: VenueRegistry) -> frozenset[Pubkey]:
    failure = attempt.failure
    if failure is not None and _class_of(failure) in _NOT_THE_POOLS:
        return frozenset()
    context = failure.context if failure else {}
    program, logs = context.get("program"), " ".join(map(str, context.get("logs", ())))
    named = {venue.id for venue in venues if program == str(venue.program_id) or f"{venue.program_id} failed" in logs}
    guilty = frozenset(pool for pool, venue_id in attempt.pools if venue_id in named)
    return guilty or frozenset(pool for pool, _ in attempt.pools)


def _class_of(failure: Failure | None) -> ErrorClass | None:
    said = failure.context.get("error_class") if failure else None
    return ErrorClass(said) if said in set(ErrorClass) else None


def _cause(attempt: AttemptRecord) -> str:
    """Who failed and how, short enough for a column: `raydium-cpmm: ExceededSlippage (6005)`."""
    where = "refused in simulation" if attempt.outcome is RecordedOutcome.REFUSED else "failed on chain"
    cause = str(attempt.failure.context.get("cause", "")) if attempt.failure else ""
    head = ":".join(cause.split(":")[:2]).strip()
    return f"{where}: {head}" if head and head != "None" else where


def _shortfall_ppm(attempt: AttemptRecord) -> int:
    quoted, executed = attempt.quoted, attempt.executed
    if quoted is None or executed is None or not quoted.amount_out or not quoted.amount_in:
        return 0
    less = (quoted.amount_out - executed.amount_out) * PPM // quoted.amount_out
    more = (executed.amount_in - quoted.amount_in) * PPM // quoted.amount_in
    return max(0, less, more)


def _minutes(duration_ms: int) -> str:
    return f"{duration_ms // 60_000} min"


def _left(now_ms: int, since_ms: int) -> str:
    return f"{-(-(since_ms + COOLING_MS - now_ms) // 60_000)} min"
