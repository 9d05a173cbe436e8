"""`dex doctor --invariants`: the whole journal read through once, every rule held against every order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from solders.signature import Signature

from dexroute.engine.execution.finality import landed_attempt
from dexroute.engine.execution.invariants import PromisedTotals, Rule, Violation, check_on_chain, check_order
from dexroute.ports import TransactionSender
from dexroute.storage.snapshot import JournalSnapshot, UnreadableOrder
from dexroute.storage.store import SqlStore
from dexroute.types.chain import SignatureStatus
from dexroute.types.orders import Attempt, OrderHistory

MOST_KEPT: Final = 1_000
_AT_ONCE: Final = 256  # signatures a node takes in one question


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAudit:
    """`counts` of what was read, and under `violations` and `not_final` of what was found: of that the first thousand are kept.
    `not_final` are orders that landed and a fork may still undo. `shown` signatures were compared with the cluster, `forgotten` are
    older than what the node still has (both None: it was not asked)."""

    journal: str
    counts: Counter[str]
    violations: tuple[Violation, ...]
    not_final: tuple[str, ...]
    shown: int | None = None
    forgotten: int | None = None

    @property
    def ok(self) -> bool:
        return not self.counts["violations"]

    def json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "journal": self.journal,
            "checked": {name: self.counts[name] for name in ("orders", "attempts", "events", "fills")},
            "violations": [violation.json() for violation in self.violations],
            "violations_found": self.counts["violations"],
            "not_final": list(self.not_final),
            "not_final_found": self.counts["not_final"],
            "chain": None if self.shown is None else {"compared": self.shown, "forgotten": self.forgotten},
        }


async def audit_journal(store: SqlStore, *, node: TransactionSender | None = None) -> JournalAudit:
    """Check a journal as it is now, beside those who write it; with `node` also hold every signature to the cluster. Memory grows
    neither with what is read nor with what is wrong. Raises NetworkError, DatabaseError when the database itself cannot be read."""
    counts: Counter[str] = Counter()
    promised = PromisedTotals()
    chain = None if node is None else _OnChain(node, str(await node.genesis_hash()))
    violations: list[Violation] = []
    not_final: list[str] = []

    def tell(found: Collection[Violation]) -> None:
        counts["violations"] += len(found)
        violations.extend(islice(found, MOST_KEPT - len(violations)))

    async with store.snapshot() as journal:
        tell(await _structure(journal))
        whole = True
        async for history in journal.histories():
            counts["orders"] += 1
            if isinstance(history, UnreadableOrder):
                whole = False
                tell([Violation(rule=Rule.UNREADABLE, order_id=history.order_id, detail=history.reason)])
                continue
            counts.update(attempts=len(history.attempts), events=len(history.events), fills=len(history.fills))
            tell(check_order(history))
            promised.add(history.order)
            if not history.order.is_open and not history.order.settled:
                counts["not_final"] += 1
                if len(not_final) < MOST_KEPT:
                    not_final.append(history.order.id)
            if chain is not None:
                tell(await chain.add(history))
        if whole:  # what an unreadable order promises is not known
            tell(tuple(promised.compare(await journal.promised())))
    if chain is not None:
        tell(await chain.ask())
    return JournalAudit(
        journal=store.label,
        counts=counts,
        violations=tuple(violations),
        not_final=tuple(not_final),
        shown=None if chain is None else chain.shown,
        forgotten=None if chain is None else chain.forgotten,
    )


async def _structure(journal: JournalSnapshot) -> list[Violation]:
    found = [
        Violation(rule=Rule.ORPHAN, order_id=order_id, detail=f"there is no such order, but rows of it in: {tables}")
        for order_id, tables in (await journal.orphans()).items()
    ]
    if not await journal.is_guarded():
        detail = "the index uq_attempts_live, which allows one live attempt per order, is missing"
        found.append(Violation(rule=Rule.SCHEMA, detail=detail))
    return found


class _OnChain:
    """Asks about signatures a few hundred at a time, and about what landed one by one."""

    def __init__(self, node: TransactionSender, genesis_hash: str) -> None:
        self._node = node
        self._genesis_hash = genesis_hash
        self._waiting: list[tuple[OrderHistory, Attempt]] = []
        self.shown = self.forgotten = 0

    async def add(self, history: OrderHistory) -> list[Violation]:
        if history.order.genesis_hash == self._genesis_hash:
            self._waiting += [(history, attempt) for attempt in history.attempts if _parses(attempt.signature)]
        return await self.ask() if len(self._waiting) >= _AT_ONCE else []

    async def ask(self) -> list[Violation]:
        found: list[Violation] = []
        asked, self._waiting = self._waiting, []
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            signatures = [Signature.from_string(attempt.signature or "") for _, attempt in some]
            slot, statuses = await self._node.signature_statuses(signatures, search_history=True)
            history_from = await self._node.first_available_slot() if None in statuses else 0
            for (history, attempt), status in zip(some, statuses, strict=True):
                found += await self._compare(history, attempt, status, slot, history_from)
        return found

    async def _compare(
        self, history: OrderHistory, attempt: Attempt, status: SignatureStatus | None, slot: int, history_from: int
    ) -> list[Violation]:
        lands = attempt is landed_attempt(history.attempts)
        if lands and status is None:
            if attempt.slot is not None and history_from <= attempt.slot <= slot:
                detail = f"transaction {attempt.signature}, recorded at slot {attempt.slot}, is not known at slot {slot}"
                return [Violation(rule=Rule.CHAIN, order_id=history.order.id, attempt=attempt.number, detail=detail)]
            self.forgotten += 1
            return []
        landed = await self._node.transaction(Signature.from_string(attempt.signature or "")) if lands else None
        self.shown += 1
        contradiction = check_on_chain(history, attempt, status, landed)
        return [] if contradiction is None else [contradiction]


def _parses(signature: str | None) -> bool:
    """What is no signature is told of by another rule already."""
    try:
        return signature is not None and bool(Signature.from_string(signature))
    except ValueError:
        return False
