"""How attempts through each pool ended, read from the events of the journal: dexroute.ports.PoolRecords."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlmodel import col, select

from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import EventRow, OrderRow
from dexroute.types.orders import AttemptOutcome, EventKind, Failure, SwapAmounts
from dexroute.types.records import AttemptRecord, RecordedOutcome

_TELLING: Final = (EventKind.ROUTED, EventKind.ROUTING, EventKind.ATTEMPT_DEAD, EventKind.CONFIRMED, EventKind.FAILED)
_BY_CODE: Final = {
    "LANDED_WITH_ERROR": RecordedOutcome.LANDED_WITH_ERROR,
    "ATTEMPT_EXPIRED": RecordedOutcome.EXPIRED,
    "SIMULATION_FAILED": RecordedOutcome.REFUSED,
}
"""The ends that say something about a route's pools; funds, limits and networks do not."""


@dataclass(slots=True)
class _Routed:
    """What an order last set out to do."""

    pools: tuple[tuple[Pubkey, str], ...]
    quoted: SwapAmounts | None


class SqlRecords:
    """The journal as a witness."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def attempt_records(self, genesis_hash: str, *, most_orders: int = 500) -> tuple[AttemptRecord, ...]:
        recent = select(OrderRow.id).where(col(OrderRow.genesis_hash) == genesis_hash).order_by(col(OrderRow.id).desc())
        wanted = (
            select(EventRow, OrderRow)
            .join(OrderRow, col(OrderRow.id) == col(EventRow.order_id))
            .where(col(EventRow.order_id).in_(recent.limit(most_orders)), col(EventRow.kind).in_([str(kind) for kind in _TELLING]))
            .order_by(col(EventRow.order_id), col(EventRow.seq))
        )
        async with self._sessions.reading() as session:
            rows = [(event, order.failure) for event, order in await session.exec(wanted)]
            return tuple(sorted(_told(rows), key=lambda record: record.at_ms))


def _told(rows: Iterable[tuple[EventRow, Mapping[str, Any] | None]]) -> list[AttemptRecord]:
    found: list[AttemptRecord] = []
    routed: dict[str, _Routed] = {}
    for event, failure in rows:
        facts = event.facts
        if event.kind == EventKind.ROUTED:
            routed[event.order_id] = _Routed(pools=_pools(facts), quoted=_amounts(facts))
            continue
        aim = routed.get(event.order_id)
        ended = _outcome(event.kind, facts)
        if aim is None or not aim.pools or ended is None:
            continue
        found.append(
            AttemptRecord(
                pools=aim.pools,
                outcome=ended,
                at_ms=event.at_ms,
                quoted=aim.quoted,
                executed=_amounts(facts) if ended is RecordedOutcome.LANDED else None,
                failure=_failure(event.kind, facts, failure),
            )
        )
    return found


def _outcome(kind: str, facts: Mapping[str, Any]) -> RecordedOutcome | None:
    if kind == EventKind.CONFIRMED:
        return RecordedOutcome.LANDED
    if kind == EventKind.ATTEMPT_DEAD:
        return RecordedOutcome.EXPIRED if facts.get("proof") == AttemptOutcome.EXPIRED else None
    return _BY_CODE.get(str(facts.get("code" if kind == EventKind.FAILED else "cause")))


def _failure(kind: str, facts: Mapping[str, Any], failure: Mapping[str, Any] | None) -> Failure | None:
    if kind == EventKind.FAILED and failure is not None:
        return Failure(**failure)
    if kind == EventKind.ROUTING:  # a message that failed in simulation and was routed again
        return Failure(code=str(facts["cause"]), message=str(facts.get("message", "")))
    return None


def _pools(facts: Mapping[str, Any]) -> tuple[tuple[Pubkey, str], ...]:
    """The pools of the route that was chosen."""
    chosen = next((candidate for candidate in facts.get("candidates", ()) if candidate.get("chosen")), None)
    if chosen is None:
        return ()
    return tuple((Pubkey.from_string(pool), str(venue)) for pool, venue in zip(chosen["pools"], chosen["venues"], strict=True))


def _amounts(facts: Mapping[str, Any]) -> SwapAmounts | None:
    if "amount_in" not in facts or "amount_out" not in facts:
        return None
    return SwapAmounts(amount_in=int(facts["amount_in"]), amount_out=int(facts["amount_out"]))
