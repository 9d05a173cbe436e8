"""The rules by name, and what to do when one is broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Rule(StrEnum):
    UNREADABLE = "unreadable"  # a stored value does not parse
    ORPHAN = "orphan"  # rows of an order that is not there
    SCHEMA = "schema"  # a constraint the database must enforce is gone
    IDENTITY = "identity"  # ids, numbers and times that name each other
    BODY = "body"  # the hash of what was asked
    EVENTS = "events"  # numbered from 1 without gaps, each taking up where the last one left off
    STATES = "states"  # only legal moves, each of the kind that makes it, ending where the order is
    FENCING = "fencing"  # claims only ever rise
    ALIVE = "alive"  # at most one attempt alive, and what state that goes with
    LANDED = "landed"  # at most one attempt landed
    OUTCOME = "outcome"  # each outcome with its facts
    PROOF = "proof"  # nothing dies without proof, nothing is replaced before
    SIGNATURE = "signature"  # wire is signature and message, and the signature verifies
    FILL = "fill"  # what landed has its fill, the order tells the same, nothing else has one
    BALANCE = "balance"  # changes of balances are amounts and costs, to the lamport
    LIMIT = "limit"  # executed within what was accepted
    SETTLED = "settled"  # what is final, and what a fork took back
    PROMISED = "promised"  # coins are promised by open orders and by nothing else
    CHAIN = "chain"  # the cluster shows what the journal says


_RESTORE: Final = "the journal was altered or damaged: sign nothing with it, restore a backup and report it"
_LOOK: Final = "look at the wallet's transactions (`dex doctor --invariants --chain` compares them), then restore a backup"
_NEXT: Final = {
    Rule.ALIVE: "do not resume this order: two transactions of it may land. Cancel it once you know which did, and report this",
    Rule.LANDED: "this order may have been carried out twice: look at both signatures, and report this",
    Rule.PROOF: _LOOK,
    Rule.FILL: _LOOK,
    Rule.BALANCE: _LOOK,
    Rule.LIMIT: "the chain moved more than was accepted: look at the signature, and report this",
    Rule.SIGNATURE: "these are not the bytes that were signed: sign nothing with this journal, restore a backup",
    Rule.PROMISED: "orders of this wallet may be refused for coins nobody promised: restore a backup, or start a new journal once "
    "no order is open",
    Rule.SCHEMA: "the database no longer guards this by itself: stop every worker, restore a backup",
    Rule.CHAIN: "ask another node (-u); if it says the same and the order is not final, `dex orders resume` takes back what a fork "
    "dropped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule broken. `order_id` is None for what concerns no single order; `attempt` is its number where one is meant."""

    rule: Rule
    detail: str
    order_id: str | None = None
    attempt: int | None = None

    @property
    def next_step(self) -> str:
        return _NEXT.get(self.rule, _RESTORE)

    def json(self) -> dict[str, Any]:
        return {
            "rule": str(self.rule),
            "order": self.order_id,
            "attempt": self.attempt,
            "detail": self.detail,
            "next": self.next_step,
        }
