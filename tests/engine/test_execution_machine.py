"""The journal under any sequence of steps, legal or not: a model of what it must hold, beside the real SQLite store."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from dexroute.errors import IdempotencyConflict, IllegalTransition, OrderTakenOver
from dexroute.storage.store import SqlStore, open_store
from dexroute.types.orders import (
    LEGAL_MOVES,
    OPEN_STATES,
    Attempt,
    AttemptOutcome,
    EventKind,
    Order,
    OrderState,
    is_legal_move,
)
from tests.storage.orders_at_hand import an_attempt, an_order, signed

T = TypeVar("T")
STATES = st.sampled_from(OrderState)


def test_the_table_of_moves_is_complete_and_only_a_fork_leads_back_from_the_end() -> None:
    assert set(LEGAL_MOVES) == set(OrderState)
    assert LEGAL_MOVES[OrderState.CONFIRMED] == LEGAL_MOVES[OrderState.FAILED] == {OrderState.SUBMITTED}
    assert not LEGAL_MOVES[OrderState.CANCELLED]
    assert {state for state in OrderState if LEGAL_MOVES[state] - {OrderState.SUBMITTED}} == OPEN_STATES
    # only a signed attempt can be confirmed, and nothing reaches SUBMITTED without BUILDING, except back from a fork
    assert {state for state in OrderState if is_legal_move(state, OrderState.CONFIRMED)} == {OrderState.SUBMITTED}
    assert {state for state in OrderState if is_legal_move(state, OrderState.SUBMITTED)} == {
        OrderState.BUILDING,
        OrderState.CONFIRMED,
        OrderState.FAILED,
    }
    assert all(is_legal_move(state, ending) for state in OPEN_STATES for ending in (OrderState.FAILED, OrderState.CANCELLED))
    assert not any(is_legal_move(state, state) for state in OrderState)


@dataclass
class Model:
    """What one order must look like. `stale` are views of it that were overtaken by an event or a claim."""

    order: Order
    attempts: list[Attempt]
    stale: list[Order]


class JournalMachine(RuleBasedStateMachine):
    """One worker with the newest view, others with older ones, all writing."""

    migrated: ClassVar[Path]

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.directory = TemporaryDirectory()
        self.stack = AsyncExitStack()
        file = Path(self.directory.name) / "journal.db"
        shutil.copy(self.migrated, file)
        self.store: SqlStore = self.run(self.stack.enter_async_context(open_store(file)))
        self.models: list[Model] = []
        self.place(key="k0")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def write(self, model: Model, before: Order, after: Order, attempt: Attempt | None = None) -> Order:
        stored, _ = self.run(self.store.advance(before, after, EventKind.ROUTED, at_ms=7, attempt=attempt))
        model.stale.append(model.order)
        model.order = stored
        return stored

    @rule(key=st.sampled_from(["k0", "k1", "k2"]), slippage_bps=st.sampled_from([50, 51]))
    def place(self, key: str, slippage_bps: int = 50) -> None:
        wanted = an_order(key=key, slippage_bps=slippage_bps)
        known = next((model for model in self.models if model.order.key == key), None)
        try:
            placed, is_new = self.run(self.store.place(wanted))
        except IdempotencyConflict:
            assert known is not None and known.order.slippage_bps != slippage_bps
            return
        assert is_new is (known is None)
        if known is None:
            self.models.append(Model(order=placed, attempts=[], stale=[]))
        else:
            assert placed == known.order and known.order.slippage_bps == slippage_bps

    @rule(choice=st.integers(0, 2), to=STATES)
    def move(self, choice: int, to: OrderState) -> None:
        model = self.models[choice % len(self.models)]
        legal = to is model.order.state or is_legal_move(model.order.state, to)
        try:
            self.write(model, model.order, replace(model.order, state=to))
        except IllegalTransition:
            assert not legal
        else:
            assert legal

    @rule(choice=st.integers(0, 2))
    def claim(self, choice: int) -> None:
        model = self.models[choice % len(self.models)]
        claimed = self.run(self.store.claim(model.order.id, owner="other", at_ms=8))
        if model.order.is_open:
            assert claimed.fencing == model.order.fencing + 1
            model.stale.append(model.order)
        else:
            assert claimed == model.order
        model.order = claimed

    @precondition(lambda self: any(model.stale for model in self.models))
    @rule(choice=st.integers(0, 50), to=STATES)
    def write_from_a_stale_view(self, choice: int, to: OrderState) -> None:
        models = [model for model in self.models if model.stale]
        model = models[choice % len(models)]
        stale = model.stale[choice % len(model.stale)]
        try:
            self.run(self.store.advance(stale, replace(stale, state=to), EventKind.ROUTED, at_ms=9))
        except OrderTakenOver:
            assert stale.fencing < model.order.fencing
        except IllegalTransition:
            assert stale.event_seq < model.order.event_seq
        else:
            raise AssertionError("a stale view was written")

    @rule(choice=st.integers(0, 2))
    def intend(self, choice: int) -> None:
        model = self.models[choice % len(self.models)]
        attempt = an_attempt(model.order, len(model.attempts) + 1)
        alive = any(known.is_live for known in model.attempts)
        try:
            self.write(model, model.order, model.order, attempt)
        except IllegalTransition:
            assert alive
        else:
            assert not alive
            model.attempts.append(attempt)

    @precondition(lambda self: any(model.attempts for model in self.models))
    @rule(choice=st.integers(0, 2), sign=st.booleans())
    def change_the_last_attempt(self, choice: int, sign: bool) -> None:
        models = [model for model in self.models if model.attempts]
        model = models[choice % len(models)]
        last = model.attempts[-1]
        if sign:
            changed = signed(last)
        else:
            proof = AttemptOutcome.EXPIRED if last.wire else AttemptOutcome.NEVER_SIGNED
            changed = replace(last, outcome=proof, dead_at=9)
        try:
            self.write(model, model.order, model.order, changed)
        except IllegalTransition:
            assert not last.is_live
        else:
            assert last.is_live
            model.attempts[-1] = changed

    @invariant()
    def the_journal_is_the_model(self) -> None:
        for model in getattr(self, "models", []):
            assert self.run(self.store.order(model.order.id)) == model.order
            assert list(self.run(self.store.attempts(model.order.id))) == model.attempts
            assert sum(attempt.is_live for attempt in model.attempts) <= 1
            events = self.run(self.store.events(model.order.id))
            assert [event.seq for event in events] == list(range(1, model.order.event_seq + 1))
            assert all(later.before is earlier.after for earlier, later in pairwise(events))
            assert events[-1].after is model.order.state
            fences = [event.fencing for event in events]
            assert fences == sorted(fences) and fences[-1] == model.order.fencing

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.run(self.stack.aclose())
            self.runner.close()
            self.directory.cleanup()


def test_any_sequence_of_steps_leaves_a_legal_journal(tmp_path: Path) -> None:
    JournalMachine.migrated = tmp_path / "journal.db"

    async def migrate() -> None:
        async with open_store(JournalMachine.migrated):
            pass

    asyncio.run(migrate())
    run_state_machine_as_test(
        JournalMachine,
        settings=settings(max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)),
    )
