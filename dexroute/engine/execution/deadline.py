"""An order's deadline: when to stop trying. The host's time decides that and nothing else; what happened, only the chain tells."""

from __future__ import annotations

from typing import Any

from dexroute.errors import DeadlinePassed
from dexroute.ports import Clock
from dexroute.types.orders import Order


def deadline_passed(order: Order, clock: Clock) -> bool:
    """Whether nothing new may be signed or sent for the order any more."""
    return order.deadline_ms is not None and clock.now_ms() >= order.deadline_ms


def past_deadline(order: Order, what: str, **facts: Any) -> DeadlinePassed:
    """The error of an order that ends by its deadline, with every attempt proven dead."""
    return DeadlinePassed(
        f"order {order.id} did not land before its deadline: {what}; nothing was spent. Place a new order with a later deadline",
        **{"order": order.id, "deadline_ms": order.deadline_ms, **facts},
    )
