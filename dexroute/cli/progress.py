"""What an order is doing while it does it: one moving line on stderr for a person at a terminal, nothing for anyone else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from dexroute.cli.terminal import plain_console

if TYPE_CHECKING:
    from rich.status import Status

    from dexroute.cli.session import Session
    from dexroute.types.orders import Order, OrderEvent

_DOING: Final = {
    "placed": "recorded",
    "routing": "looking for the best route",
    "routed": "building and simulating the transaction",
    "intent": "signing",
    "signed": "sent; waiting for the cluster to confirm it",
    "attempt_dead": "the attempt is proven dead; looking for a new route",
    "cancel_requested": "cancel asked for; waiting for the truth about what was sent",
}


class OrderProgress:
    """Give `heard` to `Dex` as its watcher, and do the waiting inside `with`."""

    def __init__(self, session: Session, began: str = "looking at the market") -> None:
        """`began` is what is done until the first step."""
        self._began = began
        self._shown = sys.stderr.isatty() and not session.is_json
        self._status: Status | None = None

    def heard(self, order: Order, event: OrderEvent) -> None:
        """An event of an order is durable."""
        if self._status is not None and (doing := _DOING.get(str(event.kind))):
            self._status.update(f"{order.state}: {doing}")

    def __enter__(self) -> Self:
        if self._shown:
            self._status = plain_console(stderr=True).status(self._began)
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
