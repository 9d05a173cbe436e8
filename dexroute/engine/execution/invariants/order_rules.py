"""One order held against everything the journal holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dexroute.engine.execution.intake import body_hash
from dexroute.engine.execution.invariants.attempt_rules import check_attempts
from dexroute.engine.execution.invariants.event_rules import check_events
from dexroute.engine.execution.invariants.fill_rules import check_fills
from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.types.orders import EventKind, OrderHistory, OrderState

_TIME_DIGITS: Final = 12
_REASONED: Final = (OrderState.FAILED,)


def check_order(history: OrderHistory) -> tuple[Violation, ...]:
    """Every rule one order breaks. An order at any moment, open or ended, breaks none."""
    return (*_order(history), *check_events(history), *check_attempts(history), *check_fills(history))


def _order(history: OrderHistory) -> Iterator[Violation]:
    order = history.order

    def broken(rule: Rule, detail: str) -> Violation:
        return Violation(rule=rule, order_id=order.id, detail=detail)

    if order.id[:_TIME_DIGITS] != f"{order.created_ms & 0xFFFF_FFFF_FFFF:012x}":
        yield broken(Rule.IDENTITY, f"its id does not begin with the time it was created at ({order.created_ms} ms)")
    asked = body_hash(
        order.request,
        wallet=order.wallet,
        genesis_hash=order.genesis_hash,
        slippage_bps=order.slippage_bps,
        options=order.options,
    )
    if asked != order.body_hash:
        yield broken(Rule.BODY, f"what it says was asked hashes to {asked}, recorded is {order.body_hash}")
    if order.state in _REASONED and order.failure is None:
        yield broken(Rule.STATES, f"it is {order.state} without a reason")
    yield from _settled(history)


def _settled(history: OrderHistory) -> Iterator[Violation]:
    """Final is what never landed, and what an event says is final."""
    order = history.order
    kinds = [event.kind for event in history.events]
    ended_by = next((event.kind for event in reversed(history.events) if event.kind is not EventKind.FINALIZED), None)
    landed = any(attempt.slot is not None for attempt in history.attempts)
    final = not order.is_open and (not landed or kinds[-1:] == [EventKind.FINALIZED])
    if ended_by is not None and order.settled != final:
        yield Violation(
            rule=Rule.SETTLED,
            order_id=order.id,
            detail=f"it is {order.state} and {'' if order.settled else 'not '}settled, its history says otherwise",
        )
    if order.regressed != (EventKind.REGRESSED in kinds):
        yield Violation(
            rule=Rule.SETTLED,
            order_id=order.id,
            detail="it is marked as taken back by a fork, no event says so"
            if order.regressed
            else "an event says a fork took it back, the order does not",
        )
    if EventKind.REGRESSED in kinds and EventKind.SIGNED in kinds[kinds.index(EventKind.REGRESSED) :]:
        yield Violation(
            rule=Rule.PROOF, order_id=order.id, detail="another transaction was signed after a fork took back one that had landed"
        )
    if (order.cancel_requested_ms is not None) != (EventKind.CANCEL_REQUESTED in kinds):
        yield Violation(
            rule=Rule.EVENTS, order_id=order.id, detail="the request to cancel is in the order or its events, not in both"
        )
