"""What must be true when the dust has settled, whatever the weather was: counted from the chain, held against the journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from solders.signature import Signature

from dexroute.engine.execution.invariants import Rule as JournalRule
from dexroute.engine.execution.invariants import check_order
from dexroute.ports import OrderStore
from dexroute.types.orders import (
    Attempt,
    AttemptOutcome,
    EventKind,
    Fill,
    Order,
    OrderEvent,
    OrderHistory,
    OrderState,
    is_legal_move,
)
from tests.simulation.chain import Chain, Executed, Holdings


class Rule(StrEnum):
    DOUBLE = "an order was carried out twice"
    LOST = "an order was lost"
    LIE = "the journal does not say what the chain did"
    UNCOMMITTED = "bytes were sent that are not in the journal"
    BALANCE = "a change of balance is not explained"
    JOURNAL = "the journal is not legal"
    KEY = "one key is two orders"
    BUG = "an error nobody expects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    rule: Rule
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One order's whole journal and what the canonical chain holds of it."""

    order: Order
    attempts: tuple[Attempt, ...]
    events: tuple[OrderEvent, ...]
    fills: tuple[Fill, ...]
    landed: tuple[tuple[Signature, Executed], ...]

    @property
    def swaps(self) -> int:
        return sum(executed.refused is None for _, executed in self.landed)


async def read_books(store: OrderStore, chain: Chain) -> list[Books]:
    landed: defaultdict[str, list[tuple[Signature, Executed]]] = defaultdict(list)
    for block in chain.tip.chain():
        for signature, executed in block.executed.items():
            landed[executed.order_id].append((signature, executed))
    return [
        Books(
            order=order,
            attempts=await store.attempts(order.id),
            events=await store.events(order.id),
            fills=await store.fills(order.id),
            landed=tuple(landed[order.id]),
        )
        for order in await store.orders()
    ]


async def violations(
    store: OrderStore, chain: Chain, *, committed: Collection[bytes], acknowledged: Collection[str], cancelled: Collection[str]
) -> list[Violation]:
    """Every rule that is broken. `acknowledged` are the orders some caller was told of, `cancelled` those somebody gave up."""
    books = await read_books(store, chain)
    found: list[Violation] = []
    known = {one.order.id for one in books}
    found += [Violation(rule=Rule.LOST, what=f"order {lost} is not in the journal") for lost in sorted(set(acknowledged) - known)]
    keys = Counter(one.order.key for one in books)
    found += [Violation(rule=Rule.KEY, what=key) for key, count in keys.items() if count > 1]
    unknown = set(chain.received) - set(committed)
    found += [Violation(rule=Rule.UNCOMMITTED, what=f"{len(wire)} bytes, {bytes(wire[1:9]).hex()}") for wire in sorted(unknown)]
    for one in books:
        found += [replace(v, what=f"order {one.order.key}: {v.what}") for v in _of_order(one, one.order.id in cancelled)]
    return found + _of_balances(books, chain.start, chain.tip.holdings)


def _of_order(books: Books, given_up: bool) -> Iterable[Violation]:
    order = books.order
    if books.swaps > 1:
        yield Violation(rule=Rule.DOUBLE, what=f"{books.swaps} swaps landed")
    if order.is_open:
        yield Violation(rule=Rule.LOST, what=f"still {order.state}")
    elif not order.settled:
        yield Violation(rule=Rule.LOST, what=f"{order.state}, and never final")
    if (order.state is OrderState.CONFIRMED) != (books.swaps > 0):
        yield Violation(rule=Rule.LIE, what=f"{order.state}, but {books.swaps} swaps landed")
    if order.state is OrderState.FAILED and order.failure is None:
        yield Violation(rule=Rule.LIE, what="FAILED for no reason")
    if order.state is OrderState.CANCELLED and not given_up:
        yield Violation(rule=Rule.LIE, what="CANCELLED though nobody asked")
    yield from _of_attempts(books)
    yield from _of_events(books)
    history = OrderHistory(order=order, attempts=books.attempts, events=books.events, fills=books.fills)
    for broken in check_order(history):
        if broken.rule is not JournalRule.IDENTITY:  # ids of the simulation are made from its seed, not from a time
            yield Violation(rule=Rule.JOURNAL, what=f"{broken.rule}: {broken.detail}")


def _of_attempts(books: Books) -> Iterable[Violation]:
    outcomes = {attempt.signature: attempt.outcome for attempt in books.attempts}
    for signature, executed in books.landed:
        expected = AttemptOutcome.LANDED if executed.refused is None else AttemptOutcome.LANDED_WITH_ERROR
        if outcomes.get(str(signature)) is not expected:
            yield Violation(rule=Rule.LIE, what=f"{signature} is {expected}, the journal has {outcomes.get(str(signature))}")
    if sorted(fill.signature for fill in books.fills) != sorted(str(signature) for signature, _ in books.landed):
        yield Violation(rule=Rule.LIE, what=f"{len(books.fills)} fills of {len(books.landed)} landed transactions")
    if sum(attempt.is_live for attempt in books.attempts) > 1:
        yield Violation(rule=Rule.JOURNAL, what="two attempts are alive")
    if books.order.executed is not None and [fill.amounts for fill in books.fills] != [books.order.executed]:
        yield Violation(rule=Rule.LIE, what="what was executed is not what was filled")


def _of_events(books: Books) -> Iterable[Violation]:
    events, order = books.events, books.order
    if [event.seq for event in events] != list(range(1, order.event_seq + 1)):
        yield Violation(rule=Rule.JOURNAL, what=f"events {[event.seq for event in events]} of {order.event_seq}")
        return
    for earlier, later in pairwise(events):
        if later.before is not earlier.after or later.fencing < earlier.fencing:
            yield Violation(rule=Rule.JOURNAL, what=f"event {later.seq} does not follow from the one before")
    for event in events:
        if event.before not in (None, event.after) and not is_legal_move(event.before, event.after):
            yield Violation(rule=Rule.JOURNAL, what=f"{event.before} -> {event.after} is not legal")
    if events[0].kind is not EventKind.PLACED or events[-1].after is not order.state:
        yield Violation(rule=Rule.JOURNAL, what=f"the last event leaves it {events[-1].after}, the order is {order.state}")


def _of_balances(books: list[Books], start: Holdings, end: Holdings) -> list[Violation]:
    fills = [fill for one in books for fill in one.fills]
    costs = [fill.costs for fill in fills]
    paid = sum(
        one.network_fee_lamports + one.priority_fee_lamports + one.rent_lamports - one.rent_refunded_lamports + one.other_lamports
        for one in costs
    )
    changes = {
        "lamports": (end.lamports - start.lamports, -paid),
        "lamports as filled": (end.lamports - start.lamports, sum(fill.wallet_lamports_change for fill in fills)),
        "lamports explained by nothing": (sum(one.other_lamports for one in costs), 0),
        "A": (end.a - start.a, -sum(fill.amounts.amount_in for fill in fills)),
        "B": (end.b - start.b, sum(fill.amounts.amount_out for fill in fills)),
    }
    return [
        Violation(rule=Rule.BALANCE, what=f"{name}: the chain says {chain}, the journal {journal}")
        for name, (chain, journal) in changes.items()
        if chain != journal
    ]
