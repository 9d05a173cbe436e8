"""A journal as the executor writes it breaks no rule; each rule is seen broken when one row is altered by hand."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from dexroute.engine.execution.invariants import Rule, check_order
from dexroute.engine.execution.receipt import read_history
from dexroute.errors import OutcomeUnknown
from dexroute.sdk.audit import JournalAudit, audit_journal
from dexroute.storage.store import SqlStore, open_store
from dexroute.types.orders import Order, OrderHistory, OrderState, Promise
from tests.engine.simulated_bench import MINT_A, Bench
from tests.engine.simulated_chain import SLOT_MS, SimulatedChain, SimulatedNode, VirtualClock
from tests.servers.postgres import empty_postgres


@dataclass(kw_only=True)
class Journal:
    """A journal with an order of every kind, and the chain it was written against."""

    database: str
    chain: SimulatedChain
    orders: dict[str, Order]

    @property
    def node(self) -> SimulatedNode:
        return SimulatedNode(chain=self.chain)


async def write_journal(database: str) -> Journal:
    """By the executor itself, on the simulated chain."""
    clock = VirtualClock()
    chain = SimulatedChain(clock=clock)
    orders: dict[str, Order] = {}
    async with open_store(database) as store:
        bench = Bench(store=store, clock=clock, chain=chain, nodes=[SimulatedNode(chain=chain)])
        executor = bench.executor(lease_ms=300)  # virtual time passes with every beat of a lease

        async def carry_out(name: str, **asked: object) -> None:
            orders[name] = await executor.execute(bench.order(key=name, **asked))
            await clock.sleep_ms(10)

        await carry_out("regressed")
        (attempt,) = await store.attempts(orders["regressed"].id)
        ((signature, dropped),) = chain.landed.items()
        assert str(signature) == attempt.signature
        del chain.landed[signature]
        await clock.sleep_ms(SLOT_MS)
        (taken_back,) = await executor.settle()
        assert taken_back.state is OrderState.SUBMITTED
        orders["regressed"] = await executor.continue_order(taken_back.id)
        landed_again = orders["regressed"].state is OrderState.CONFIRMED and dropped.slot < chain.landed[signature].slot
        # Keeping a lease moves this clock ten seconds at a time: where the journal has leases, the bytes may expire instead.
        assert landed_again or (store.leased and orders["regressed"].state is OrderState.FAILED and signature not in chain.landed)

        await carry_out("final")
        chain.refuses = True
        await carry_out("refused")
        chain.refuses = False
        assert orders["refused"].state is OrderState.FAILED
        first: list[bytes] = []

        def drop_the_first(wire: bytes) -> bool:
            first[:] = first or [wire]
            return wire != first[0]

        chain.accepts = drop_the_first
        await carry_out("replaced")
        chain.accepts = lambda wire: True
        assert len(await store.attempts(orders["replaced"].id)) == 2
        await clock.sleep_ms(40 * SLOT_MS)
        assert await executor.settle() == ()
        await carry_out("landed")
        waiting = bench.order(key="waiting", promised=[Promise(mint=MINT_A, amount=5)])
        orders["waiting"], _ = await executor.place(waiting)
        given_up, _ = await executor.place(bench.order(key="cancelled"))
        orders["cancelled"] = await executor.cancel(given_up.id)
        chain.accepts = lambda wire: False
        with suppress(OutcomeUnknown):
            await executor.execute(bench.order(key="sent"), wait_ms=2_000)
        found = await store.order_by_key("sent")
        assert found is not None and found.state is OrderState.SUBMITTED
        orders["sent"] = found
    return Journal(database=database, chain=chain, orders=orders)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return asyncio.run(write_journal(f"sqlite:///{tmp_path_factory.mktemp('audit') / 'journal.db'}"))


@pytest.fixture
def altered(written: Journal, tmp_path: Path) -> Path:
    """A copy to damage."""
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(written.database.removeprefix("sqlite:///"))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


async def audit(database: Path | str, node: SimulatedNode | None = None) -> JournalAudit:
    async with open_store(database) as store:
        return await audit_journal(store, node=node)


async def test_what_the_executor_writes_breaks_no_rule(written: Journal, altered: Path) -> None:
    found = await audit(altered, written.node)
    assert found.violations == ()
    assert found.counts["orders"] == len(written.orders) == 8
    assert (found.counts["attempts"], found.counts["fills"]) == (7, 5)
    assert set(found.not_final) == {written.orders["landed"].id}
    assert found.shown == 7 and found.forgotten == 0
    assert found.json()["ok"] is True


ID = "WHERE id = '{id}'"
OF = "WHERE order_id = '{id}'"
BROKEN: dict[str, tuple[str, str, set[Rule]]] = {
    # what is altered: (which order, SQL, the rules that break)
    "another amount asked": ("final", f"UPDATE orders SET slippage_bps = 99 {ID}", {Rule.BODY}),
    "another time": ("final", f"UPDATE orders SET created_ms = created_ms + 1 {ID}", {Rule.IDENTITY}),
    "an event lost": ("final", f"DELETE FROM events {OF} AND seq = 3", {Rule.EVENTS}),
    "the last event lost": ("final", f"DELETE FROM events {OF} AND kind = 'finalized'", {Rule.EVENTS, Rule.SETTLED}),
    "an event too many": (
        "final",
        "INSERT INTO events (order_id, seq, kind, before, after, fencing, at_ms, facts) "
        "SELECT order_id, seq + 1, kind, after, after, fencing, at_ms, facts FROM events "
        f"{OF} AND kind = 'finalized'",
        {Rule.EVENTS},
    ),
    "an illegal move": ("cancelled", f"UPDATE events SET before = 'CONFIRMED' {OF} AND seq = 3", {Rule.EVENTS, Rule.STATES}),
    "a kind that does not fit": ("landed", f"UPDATE events SET kind = 'routing' {OF} AND kind = 'routed'", {Rule.STATES}),
    "another state": (
        "waiting",
        f"UPDATE orders SET state = 'CANCELLED', settled = 1 {ID}",
        {Rule.STATES, Rule.PROMISED},
    ),
    "a fencing that fell": ("sent", f"UPDATE events SET fencing = 0 {OF} AND seq = 2", {Rule.FENCING}),
    "an order behind its claims": ("regressed", f"UPDATE orders SET fencing = fencing + 1 {ID}", {Rule.FENCING}),
    "an attempt of a later claim": ("sent", f"UPDATE attempts SET fencing = 9 {OF}", {Rule.FENCING}),
    "an attempt renamed": ("sent", f"UPDATE attempts SET id = 'x' {OF}", {Rule.IDENTITY}),
    "two attempts alive": (
        "replaced",
        f"DROP INDEX uq_attempts_live; UPDATE attempts SET dead_at = NULL, outcome = NULL {OF} AND number = 1",
        {Rule.ALIVE, Rule.SCHEMA},
    ),
    "two attempts landed": (
        "replaced",
        f"DROP INDEX uq_attempts_live; UPDATE attempts SET dead_at = NULL, outcome = 'landed', slot = '9' {OF} AND number = 1",
        {Rule.ALIVE, Rule.LANDED, Rule.FILL, Rule.SCHEMA},
    ),
    "death without proof": (
        "replaced",
        f"UPDATE events SET facts = replace(facts, 'finalized_height', 'x') {OF} AND kind = 'attempt_dead'",
        {Rule.PROOF},
    ),
    "replaced before it was dead": (
        "replaced",
        f"UPDATE events SET kind = 'routing' {OF} AND kind = 'attempt_dead'",
        {Rule.PROOF},
    ),
    "nothing sent, it says": ("sent", f"UPDATE attempts SET dead_at = 1, outcome = 'expired' {OF}", {Rule.ALIVE, Rule.PROOF}),
    "dead without an outcome": ("sent", f"UPDATE attempts SET dead_at = 1 {OF}", {Rule.ALIVE, Rule.OUTCOME}),
    "landed without a slot": ("refused", f"UPDATE attempts SET error = NULL {OF}", {Rule.OUTCOME}),
    "other bytes to send": ("sent", f"UPDATE attempts SET wire = CAST(wire || x'00' AS BLOB) {OF}", {Rule.SIGNATURE}),
    "another message": (
        "sent",
        f"UPDATE attempts SET message = (SELECT message FROM attempts WHERE outcome = 'expired') {OF}",
        {Rule.SIGNATURE},
    ),
    "no message": ("sent", f"UPDATE attempts SET message = x'80' {OF}", {Rule.SIGNATURE}),
    "another blockhash": ("sent", f"UPDATE attempts SET blockhash = 'x' {OF}", {Rule.SIGNATURE}),
    "another signature": (
        "sent",
        f"UPDATE attempts SET signature = '{'1' * 64}' {OF}",
        {Rule.SIGNATURE, Rule.EVENTS},
    ),
    "another wallet": ("cancelled", f"UPDATE orders SET wallet = input_mint {ID}", {Rule.BODY}),
    "the fill lost": ("landed", f"DELETE FROM fills {OF}", {Rule.FILL}),
    "a fill of what never landed": (
        "sent",
        "INSERT INTO fills SELECT '{id}-1', '{id}', 'other', slot, block_time, amount_in, amount_out, network_fee_lamports, "
        "priority_fee_lamports, rent_lamports, rent_refunded_lamports, units_consumed, changes FROM fills LIMIT 1",
        {Rule.FILL},
    ),
    "a fill of another slot": ("landed", f"UPDATE fills SET slot = '00000000000000000009' {OF}", {Rule.FILL}),
    "another amount filled": ("landed", f"UPDATE fills SET amount_out = '00000000000000600000' {OF}", {Rule.FILL}),
    "another amount executed": ("landed", f"UPDATE orders SET executed_out = '00000000000000600000' {ID}", {Rule.FILL}),
    "a lamport too much paid": (
        "landed",
        f"UPDATE fills SET network_fee_lamports = '00000000000000005001' {OF}",
        {Rule.BALANCE, Rule.FILL},
    ),
    "a lamport gone": ("landed", f"UPDATE fills SET changes = replace(changes, '-5000', '-5001') {OF}", {Rule.BALANCE}),
    "another limit": ("landed", f"UPDATE orders SET limit_amount = '00000000000000400000' {ID}", {Rule.LIMIT}),
    "executed beyond the limit": ("landed", f"UPDATE orders SET limit_amount = '00000000000000500001' {ID}", {Rule.LIMIT}),
    "final, it says": ("landed", f"UPDATE orders SET settled = 1 {ID}", {Rule.SETTLED}),
    "never taken back, it says": ("regressed", f"UPDATE orders SET regressed = 0 {ID}", {Rule.SETTLED}),
    "a cancel nobody asked for": ("sent", f"UPDATE orders SET cancel_requested_ms = 1 {ID}", {Rule.EVENTS}),
    "failed for no reason": ("refused", f"UPDATE orders SET failure = NULL {ID}", {Rule.STATES}),
    "coins nobody promised": ("", "UPDATE promised SET amount = '000000000000000000000000000000000000009'", {Rule.PROMISED}),
    "an order lost": ("cancelled", f"DELETE FROM orders {ID}", {Rule.ORPHAN}),
    "a state nobody knows": ("final", f"UPDATE orders SET state = 'DONE' {ID}", {Rule.UNREADABLE}),
    "an amount that is none": ("final", f"UPDATE orders SET amount = 'much' {ID}", {Rule.UNREADABLE}),
    "facts that are none": ("final", f"UPDATE events SET facts = '[' {OF} AND seq = 2", {Rule.UNREADABLE}),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_each_rule_is_seen_broken(name: str, written: Journal, altered: Path) -> None:
    which, sql, rules = BROKEN[name]
    order = written.orders.get(which)
    with closing(sqlite3.connect(altered)) as raw:
        raw.executescript(sql.format(id=order.id if order else ""))
        raw.commit()
        assert raw.total_changes, "the journal was altered"
    found = await audit(altered)
    assert {violation.rule for violation in found.violations} == rules, found.violations
    named = {violation.order_id for violation in found.violations if violation.rule not in (Rule.PROMISED, Rule.SCHEMA)}
    assert named == ({order.id} if order else set())
    assert all(violation.next_step and violation.detail for violation in found.violations)
    assert not found.ok and len(found.json()["violations"]) == len(found.violations)


def test_every_rule_has_its_damage() -> None:
    assert set(Rule) - {rule for _, _, rules in BROKEN.values() for rule in rules} == {Rule.CHAIN}, "held by the test below"


async def test_the_cluster_contradicts_what_it_does_not_show(written: Journal, altered: Path) -> None:
    landed, replaced = written.orders["landed"], written.orders["replaced"]
    with closing(sqlite3.connect(altered)) as raw:
        raw.execute("UPDATE attempts SET slot = '00000000000000000009' WHERE order_id = ?", (landed.id,))
        raw.execute("UPDATE fills SET slot = '00000000000000000009' WHERE order_id = ?", (landed.id,))
        raw.execute(
            "UPDATE fills SET amount_in = '00000000000000999999' WHERE order_id = ?",
            (replaced.id,),
        )
        raw.commit()
    found = await audit(altered, written.node)
    on_chain = {violation.order_id: violation.detail for violation in found.violations if violation.rule is Rule.CHAIN}
    assert set(on_chain) == {landed.id, replaced.id}
    assert "recorded is slot 9" in on_chain[landed.id] and "another fill" in on_chain[replaced.id]
    blind = await audit(altered, replace(written.node, blind=True))
    unknown = [violation for violation in blind.violations if "is not known" in violation.detail]
    assert len(unknown) == 5 and blind.forgotten == 0
    forgetful = await audit(altered, replace(written.node, blind=True, first_slot=10**6))
    assert forgetful.forgotten == 5 and not [v for v in forgetful.violations if v.rule is Rule.CHAIN]


async def test_postgresql_is_checked_alike(postgres: str) -> None:
    on_postgres = await empty_postgres(postgres)
    journal = await write_journal(on_postgres)
    assert (await audit(on_postgres, journal.node)).violations == ()
    connection = await asyncpg.connect(on_postgres)
    landed = journal.orders["landed"].id
    for statement, rules in (
        (f"UPDATE fills SET network_fee_lamports = 5001 WHERE order_id = '{landed}'", {Rule.BALANCE, Rule.FILL}),
        (f"UPDATE fills SET network_fee_lamports = 5000 WHERE order_id = '{landed}'", set()),
        ("UPDATE promised SET amount = 9", {Rule.PROMISED}),
        ("UPDATE promised SET amount = 5", set()),
        (f"UPDATE orders SET state = 'DONE' WHERE id = '{landed}'", {Rule.UNREADABLE}),
        (f"UPDATE orders SET state = 'CONFIRMED' WHERE id = '{landed}'", set()),
        ("DROP INDEX uq_attempts_live", {Rule.SCHEMA}),
    ):
        await connection.execute(statement)
        found = await audit(on_postgres)
        assert {violation.rule for violation in found.violations} == rules, (statement, found.violations)
    await connection.close()


async def test_one_order_is_checked_by_itself(written: Journal, altered: Path) -> None:
    """What the simulation and the crash tests call."""
    async with open_store(altered) as store:
        histories = await _all(store)
    assert len(histories) == 8 and all(check_order(history) == () for history in histories)
    final = next(history for history in histories if history.order.id == written.orders["final"].id)
    backwards = replace(final, events=tuple(reversed(final.events)))
    assert {violation.rule for violation in check_order(backwards)} >= {Rule.EVENTS}


async def _all(store: SqlStore) -> list[OrderHistory]:
    return [await read_history(store, order.id) for order in await store.orders()]


async def test_what_is_found_is_counted_and_the_first_of_it_kept(altered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is wrong, or not final: the audit of a long journal stays small."""
    with closing(sqlite3.connect(altered)) as raw:
        raw.execute("UPDATE orders SET body_hash = 'another'")
        raw.execute("UPDATE orders SET settled = 0")
        raw.commit()
    everything = await audit(altered)
    monkeypatch.setattr("dexroute.sdk.audit.MOST_KEPT", 2)
    found = await audit(altered)
    assert found.counts == everything.counts and found.counts["violations"] == len(everything.violations) >= 8
    assert found.violations == everything.violations[:2] and not found.ok
    assert found.counts["not_final"] == len(everything.not_final) > 2 and found.not_final == everything.not_final[:2]
    told = found.json()
    assert (told["violations_found"], told["not_final_found"]) == (found.counts["violations"], found.counts["not_final"])
