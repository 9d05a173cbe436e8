"""What the orders of one wallet take of it together, and the limit it is held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dexroute.types.orders import Costs, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """An order as what it took of its wallet, or may still take. `reserved` is what its live attempt is expected to cost beside the
    swap; None where no attempt is alive."""

    order: Order
    reserved: Costs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingGuard:
    """Held against a wallet's orders by the very transaction that commits an attempt, so that no two pass a limit together.
    `check` gets those placed at `since_ms` or later, those that may have landed since, and those that are open, and raises what
    refuses the step."""

    since_ms: int
    check: Callable[[Sequence[Spending]], None]
