"""What goes wrong in one run, drawn from its seed: each run has some kinds of trouble and not others, a little or a lot of each."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

NODE_FAULTS: Final = (
    "request_dropped",
    "response_dropped",
    "delayed",
    "duplicated",
    "limited",
    "server_error",
    "behind",
    "outage",
    "forgot",
    "missed",
)
LIES: Final = (
    "wrong_transaction",
    "final_too_soon",
    "knows_nothing",
    "old_statuses",
    "old_context",
    "slots_as_heights",
    "all_processed",
    "wrong_outcome",
    "too_soon",
    "valid_for_ever",
)
STORE_FAULTS: Final = ("listener_failed", "commit_lost", "commit_unknown", "journal_slow", "journal_unreadable", "lock_lost")
PROCESS_FAULTS: Final = ("crash", "crash_at_failpoint", "pause", "clock_jump")
CHAIN_FAULTS: Final = ("skipped_slot", "fork", "fork_of_confirmed", "fork_at_expiry", "late", "never", "reordered_outcome")

CALLER_FAULTS: Final = ("asked_twice", "key_reused", "conflict", "cancel")
EVERY_FAULT: Final = (*NODE_FAULTS, *(f"lie_{lie}" for lie in LIES), *STORE_FAULTS, *PROCESS_FAULTS, *CHAIN_FAULTS, *CALLER_FAULTS)


@dataclass(frozen=True, kw_only=True)
class Weather:
    """`chances` are probabilities per occasion (a call, a slot, a commit), `crashes` and the like how many are planned. A node that
    lies does so in one way; at most one does, and only where there is another: two liars are beyond what any proof can bear."""

    nodes: int
    workers: int
    leased: bool
    orders: int
    horizon_s: float
    finality: int
    lifetime: int
    lag: int
    chances: dict[str, float]
    lie: str | None
    crashes: int
    failpoints: int
    pauses: int
    outages: int
    clock_jumps: int
    market_bps: int
    scarce: bool

    def chance(self, fault: str) -> float:
        return self.chances.get(fault, 0.0)


def draw(random: Random, *, leased: bool | None = None) -> Weather:
    """The weather of a run. `leased` fixes whether several workers share the journal."""
    fair = random.random() < 0.05

    def some(most: float) -> float:
        return 0.0 if fair or random.random() < 0.4 else most * random.random() ** 1.5

    nodes = random.choice((1, 2, 2, 3))
    leased = random.random() < 0.5 if leased is None else leased
    calls = {fault: some(0.35) for fault in NODE_FAULTS} | {"forgot": some(0.9), "missed": some(0.9)}
    journal = {fault: some(0.06) for fault in STORE_FAULTS}
    chain = {
        "skipped_slot": some(0.4),
        "fork": some(0.3),
        "fork_of_confirmed": some(0.7),
        "fork_at_expiry": some(0.6),
        "late": some(0.9),
        "never": some(0.9),
        "reordered_outcome": some(0.5),
    }
    lie = None
    if nodes > 1 and not fair and random.random() < 0.75:
        lie = random.choice((*LIES, "knows_nothing", "knows_nothing", "valid_for_ever", "valid_for_ever"))
    if lie == "valid_for_ever":
        chain["never"] = max(chain["never"], 0.5)  # it is told where bytes expired
    return Weather(
        nodes=nodes,
        workers=random.choice((2, 3)) if leased else 1,
        leased=leased,
        orders=random.choice((1, 2, 3, 4)),
        horizon_s=random.choice((15.0, 30.0, 45.0)),
        finality=random.randint(5, 12),
        lifetime=random.randint(12, 24),
        lag=0 if random.random() < 0.5 else random.randint(1, 6),
        chances=calls | journal | chain,
        lie=lie,
        crashes=0 if fair else random.choice((0, 0, 1, 2, 4)),
        failpoints=0 if fair else random.choice((0, 1, 1, 2, 3)),
        pauses=random.choice((0, 0, 1, 2)) if leased and not fair else 0,
        outages=0 if fair else random.choice((0, 0, 1, 2, 3)),
        clock_jumps=random.choice((0, 0, 1, 3)),
        market_bps=random.choice((0, 0, 20, 120)),
        scarce=random.random() < 0.15,
    )
