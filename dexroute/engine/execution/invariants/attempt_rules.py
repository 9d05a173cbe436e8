"""An order's attempts: one alive, one landed, none replaced before it was proven dead, and bytes that are what was signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from solders.message import from_bytes_versioned
from solders.signature import Signature

from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, OrderEvent, OrderHistory, OrderState

_LANDED: Final = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
_WITHOUT_ATTEMPT: Final = (OrderState.PENDING, OrderState.ROUTING, OrderState.FAILED, OrderState.CANCELLED)
_ONE_SIGNATURE: Final = b"\x01"
# outcome: (signed, dead, has a slot, has an error)
_FACTS: Final = {
    AttemptOutcome.LANDED: (True, False, True, False),
    AttemptOutcome.LANDED_WITH_ERROR: (True, True, True, True),
    AttemptOutcome.NEVER_SIGNED: (False, True, False, False),
    AttemptOutcome.EXPIRED: (True, True, False, False),
}


def check_attempts(history: OrderHistory) -> Iterator[Violation]:
    numbers = [attempt.number for attempt in history.attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        yield Violation(rule=Rule.IDENTITY, order_id=history.order.id, detail=f"its attempts are numbered {numbers}")
    yield from _alive(history)
    yield from _replaced(history)
    for attempt in history.attempts:
        for rule, detail in (*_identity(attempt), *_outcome(attempt), *_bytes(history, attempt), *_recorded(history, attempt)):
            yield Violation(
                rule=rule, order_id=history.order.id, attempt=attempt.number, detail=f"attempt {attempt.number}: {detail}"
            )


def _alive(history: OrderHistory) -> Iterator[Violation]:
    order = history.order
    alive = [attempt for attempt in history.attempts if attempt.is_live]
    landed = [attempt for attempt in history.attempts if attempt.outcome in _LANDED]
    if len(alive) > 1:
        numbers = ", ".join(str(attempt.number) for attempt in alive)
        yield Violation(rule=Rule.ALIVE, order_id=order.id, detail=f"attempts {numbers} are alive at once")
    if len(landed) > 1:
        yield Violation(rule=Rule.LANDED, order_id=order.id, detail=f"{len(landed)} attempts landed")
    following = [attempt for attempt in alive if attempt.outcome is None]
    wrong = None
    if order.state is OrderState.SUBMITTED and not any(attempt.wire is not None for attempt in following):
        wrong = "no signed attempt of it is alive"
    elif order.state is OrderState.BUILDING and any(attempt.wire is not None for attempt in following):
        wrong = "a signed attempt of it is alive"
    elif order.state in _WITHOUT_ATTEMPT and alive:
        wrong = f"attempt {alive[0].number} is alive"
    elif order.state is OrderState.CONFIRMED and following:
        wrong = f"attempt {following[0].number} is alive beside it"
    if wrong:
        yield Violation(rule=Rule.ALIVE, order_id=order.id, detail=f"it is {order.state}, but {wrong}")


def _replaced(history: OrderHistory) -> Iterator[Violation]:
    """By the events: no intent while another attempt is not dead."""
    alive: int | None = None
    for event in history.events:
        number = event.facts.get("attempt")
        if event.kind is EventKind.INTENT:
            if alive is not None:
                detail = f"attempt {number} was begun at event {event.seq} while attempt {alive} was not proven dead"
                yield Violation(rule=Rule.PROOF, order_id=history.order.id, attempt=number, detail=detail)
            alive = number
        elif event.kind is EventKind.ATTEMPT_DEAD and number == alive:
            alive = None


def _identity(attempt: Attempt) -> Iterator[tuple[Rule, str]]:
    if attempt.id != f"{attempt.order_id}-{attempt.number}":
        yield Rule.IDENTITY, f"its id is {attempt.id}"


def _outcome(attempt: Attempt) -> Iterator[tuple[Rule, str]]:
    facts = (attempt.signature is not None, not attempt.is_live, attempt.slot is not None, attempt.error is not None)
    if attempt.outcome is None:
        if facts[1:] != (False, False, False):
            yield Rule.OUTCOME, "it is dead, or has a slot or an error, without an outcome"
    elif facts != _FACTS[attempt.outcome]:
        names = ("signed", "dead", "in a slot", "with an error")
        said = ", ".join(f"{'' if fact else 'not '}{name}" for name, fact in zip(names, facts, strict=True))
        yield Rule.OUTCOME, f"{attempt.outcome}, but {said}"


def _bytes(history: OrderHistory, attempt: Attempt) -> Iterator[tuple[Rule, str]]:
    """The message is the order's wallet's alone, on the blockhash recorded; the wire is it under its one signature."""
    wallet = history.order.wallet
    try:
        message = from_bytes_versioned(attempt.message)
    except Exception as error:  # solders raises several kinds
        yield Rule.SIGNATURE, f"its message does not parse ({error})"
        return
    if message.header.num_required_signatures != 1 or message.account_keys[0] != wallet:
        yield Rule.SIGNATURE, f"its message is not paid and signed by {wallet} alone"
    if str(message.recent_blockhash) != attempt.blockhash:
        yield Rule.SIGNATURE, f"its message is on blockhash {message.recent_blockhash}, recorded is {attempt.blockhash}"
    if (attempt.signature is None) != (attempt.wire is None):
        yield Rule.SIGNATURE, "it has a signature or bytes to send, not both"
    if attempt.signature is None or attempt.wire is None:
        return
    try:
        signature = Signature.from_string(attempt.signature)
    except ValueError:
        yield Rule.SIGNATURE, f"{attempt.signature!r} is no signature"
        return
    if attempt.wire != _ONE_SIGNATURE + bytes(signature) + attempt.message:
        yield Rule.SIGNATURE, "its bytes to send are not its signature and its message"
    if not signature.verify(wallet, attempt.message):
        yield Rule.SIGNATURE, f"its signature is not one of {wallet} over its message"


def _recorded(history: OrderHistory, attempt: Attempt) -> Iterator[tuple[Rule, str]]:
    """What the events tell of it: begun once, signed once with that signature, dead by what proof."""
    of_it = [event for event in history.events if event.facts.get("attempt") == attempt.number]
    begun = sum(event.kind is EventKind.INTENT for event in of_it)
    if begun != 1:
        yield Rule.EVENTS, f"{begun} events say it was begun"
    signed = [event.facts.get("signature") for event in of_it if event.kind is EventKind.SIGNED]
    if signed != [attempt.signature] * (attempt.signature is not None):
        yield Rule.EVENTS, f"it has signature {attempt.signature}, its events say {', '.join(map(str, signed)) or 'none'}"
    if attempt.outcome is AttemptOutcome.EXPIRED and not any(_proves(event, attempt) for event in of_it):
        yield Rule.PROOF, f"no event proves that it expired past block height {attempt.last_valid_block_height}"


def _proves(event: OrderEvent, attempt: Attempt) -> bool:
    facts = event.facts
    height = str(facts.get("finalized_height", ""))
    return facts.get("proof") == AttemptOutcome.EXPIRED and height.isdecimal() and int(height) > attempt.last_valid_block_height
