"""What a strategy makes of a search: which pools it prefers, which it leaves out for now, how fresh it must read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteOptions
from dexroute.engine.routing.reliability import PoolRecord, penalties_ppm, pool_records
from dexroute.fetchers.base import Pool
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import PoolRecords
from dexroute.sdk.terms import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A strategy with what it rests on. `records` are of our own journal (reliability only); `notes` say what there was not."""

    strategy: Strategy
    now_ms: int
    records: Mapping[Pubkey, PoolRecord] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def applied(self, options: RouteOptions, pools: Mapping[Pubkey, Pool]) -> RouteOptions:
        """The options of a search over these pools."""
        if self.strategy is Strategy.SPEED:
            return replace(options, prefer_small=True)
        if self.strategy is not Strategy.RELIABILITY:
            return options
        cooled = {pool: reason for pool, record in self.records.items() if (reason := record.cooling(self.now_ms)) is not None}
        penalties = penalties_ppm(((pool.address, pool.venue_id) for pool in pools.values()), self.records)
        return replace(options, pool_penalty_ppm=penalties, cooled=cooled)

    def remarks(self, pools: Mapping[Pubkey, Pool]) -> tuple[str, ...]:
        """What a person should know: which of these pools are left out for now, and why."""
        left_out = [
            f"pool {address} is left out for now: {reason}"
            for address in sorted(pools, key=bytes)
            if (record := self.records.get(address)) and (reason := record.cooling(self.now_ms))
        ]
        return (*self.notes, *left_out)


async def preference(
    strategy: Strategy, journal: PoolRecords | None, genesis_hash: str, venues: VenueRegistry, now_ms: int
) -> Preference:
    """The preference of a strategy now: for reliability, one read of the journal. Raises what the journal raises."""
    if strategy is not Strategy.RELIABILITY:
        return Preference(strategy=strategy, now_ms=now_ms)
    if journal is None:
        note = "another process holds the journal, so there is no record to tell reliable pools by: all count as unknown"
        return Preference(strategy=strategy, now_ms=now_ms, notes=(note,))
    records = pool_records(await journal.attempt_records(genesis_hash), venues)
    notes = () if records else ("the journal knows no attempt on this cluster yet: all pools count as unknown",)
    return Preference(strategy=strategy, now_ms=now_ms, records=records, notes=notes)
