"""Many runs as numbers, and one that went wrong as a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dexroute.types.orders import LEGAL_MOVES, OrderState
from tests.simulation.weather import EVERY_FAULT
from tests.simulation.world import Run, simulate

NEVER_MADE = frozenset({"PENDING->FAILED"})
"""Legal, but the executor looks for a route before it gives up."""


@dataclass(slots=True)
class Summary:
    """`seen_faults` and `seen_moves` count the seeds that saw each kind, `faults` and `moves` how often it happened."""

    seeds: int = 0
    orders: int = 0
    virtual_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    seen_faults: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    seen_moves: Counter[str] = field(default_factory=Counter)
    broken: list[Run] = field(default_factory=list)

    def add(self, run: Run) -> None:
        self.seeds += 1
        self.orders += run.orders
        self.virtual_s += run.virtual_s
        self.faults += run.faults
        self.seen_faults.update(run.faults.keys())
        self.moves += run.steps
        self.seen_moves.update(run.steps.keys())
        if run.violations:
            self.broken.append(run)

    @property
    def missing(self) -> list[str]:
        """Kinds of trouble and moves between states that never happened: what was then not tried."""
        moves = {f"{before}->{after}" for before, afters in LEGAL_MOVES.items() for after in afters} - NEVER_MADE
        return sorted((set(EVERY_FAULT) - set(self.faults)) | (moves - set(self.moves)))

    def __str__(self) -> str:
        states = {str(state) for state in OrderState}
        moves = {name: count for name, count in self.seen_moves.items() if set(name.split("->")) <= states}
        lines = [
            f"{self.seeds} seeds, {self.orders} calls for a swap, {self.virtual_s / 3600:.1f} hours of virtual time: "
            f"{len(self.broken)} with a violation",
            *_columns("trouble (seeds, times)", ((name, count, self.faults[name]) for name, count in self.seen_faults.items())),
            *_columns("moves (seeds, times)", ((name, count, self.moves[name]) for name, count in moves.items())),
        ]
        return "\n".join(lines)


def _columns(title: str, rows: Iterable[tuple[str, int, int]]) -> list[str]:
    return [title, *(f"  {name:<28}{seeds:>8}{times:>10}" for name, seeds, times in sorted(rows, key=lambda row: -row[1]))]


def explain(broken: Run) -> str:
    """The seed, what it broke, how to see it again, and everything that happened."""
    again = simulate(broken.seed, keep_trace=True)
    lines = again.lines if again.violations else ("the run in this process differs: a mutant or another store made the violation",)
    return "\n".join(
        [
            *lines,
            f"seed {broken.seed} breaks:",
            *(f"  {violation}" for violation in broken.violations),
            f"replay: python -m tests.simulation --seed {broken.seed}",
        ]
    )
