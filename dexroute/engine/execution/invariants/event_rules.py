"""An order's events: replayed, they give the order as it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.types.orders import EventKind, OrderHistory, OrderState, is_legal_move

_LEADS_TO: Final = {
    EventKind.PLACED: {OrderState.PENDING},
    EventKind.ROUTING: {OrderState.ROUTING},
    EventKind.ROUTED: {OrderState.BUILDING},
    EventKind.INTENT: {OrderState.BUILDING},
    EventKind.SIGNED: {OrderState.SUBMITTED},
    EventKind.ATTEMPT_DEAD: {OrderState.ROUTING},
    EventKind.CONFIRMED: {OrderState.CONFIRMED},
    EventKind.FAILED: {OrderState.FAILED},
    EventKind.CANCEL_REQUESTED: {OrderState.SUBMITTED},
    EventKind.CANCELLED: {OrderState.CANCELLED},
    EventKind.FINALIZED: {OrderState.CONFIRMED, OrderState.FAILED},
    EventKind.REGRESSED: {OrderState.SUBMITTED},
}
_STAYS: Final = (EventKind.CLAIMED, EventKind.INTENT, EventKind.CANCEL_REQUESTED, EventKind.FINALIZED)


def check_events(history: OrderHistory) -> Iterator[Violation]:
    order, events = history.order, history.events

    def broken(rule: Rule, detail: str) -> Violation:
        return Violation(rule=rule, order_id=order.id, detail=detail)

    numbers = [event.seq for event in events]
    if numbers != list(range(1, order.event_seq + 1)):
        missing = sorted(set(range(1, order.event_seq + 1)) - set(numbers))
        extra = sorted(set(numbers) - set(range(1, order.event_seq + 1)))
        what = [f"missing {missing}"] * bool(missing) + [f"beyond the last {extra}"] * bool(extra)
        yield broken(Rule.EVENTS, f"{len(events)} events of {order.event_seq}: {', '.join(what)}")
        return  # what follows would only say it again
    if not events:
        yield broken(Rule.EVENTS, "it has no events at all")
        return
    if events[0].kind is not EventKind.PLACED or events[0].before is not None:
        yield broken(Rule.EVENTS, f"its first event is {events[0].kind}, not placed")
    for earlier, later in pairwise(events):
        if later.before is not earlier.after:
            yield broken(Rule.EVENTS, f"event {later.seq} starts from {later.before}, the one before left it {earlier.after}")
    for event in events:
        stays = event.before in (None, event.after)
        if not stays and event.before is not None and not is_legal_move(event.before, event.after):
            yield broken(Rule.STATES, f"event {event.seq} ({event.kind}) moves it from {event.before} to {event.after}: not legal")
        elif event.after not in _LEADS_TO.get(event.kind, {event.after}) or (event.kind in _STAYS and not stays):
            yield broken(Rule.STATES, f"event {event.seq} ({event.kind}) leaves it {event.after}")
    if events[-1].after is not order.state:
        yield broken(Rule.STATES, f"its events leave it {events[-1].after}, the order is {order.state}")
    yield from _fencing(history)


def _fencing(history: OrderHistory) -> Iterator[Violation]:
    """A claim raises the number by one, nothing else does; attempts carry that of the claim that made them."""
    order = history.order
    for earlier, later in pairwise(history.events):
        if later.fencing != earlier.fencing + (later.kind is EventKind.CLAIMED):
            yield Violation(
                rule=Rule.FENCING,
                order_id=order.id,
                detail=f"event {later.seq} ({later.kind}) has fencing {later.fencing} after {earlier.fencing}",
            )
    if history.events[-1].fencing != order.fencing:
        yield Violation(
            rule=Rule.FENCING,
            order_id=order.id,
            detail=f"fencing is {order.fencing}, its events end with {history.events[-1].fencing}",
        )
    highest = 0
    for attempt in history.attempts:
        if not highest <= attempt.fencing <= order.fencing:
            yield Violation(
                rule=Rule.FENCING,
                order_id=order.id,
                attempt=attempt.number,
                detail=f"attempt {attempt.number} has fencing {attempt.fencing}; before it {highest}, the order {order.fencing}",
            )
        highest = max(highest, attempt.fencing)
