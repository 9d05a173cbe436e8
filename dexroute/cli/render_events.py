"""Events as they come: a line each, flushed, so that whoever reads the pipe has it at once."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

from dexroute.cli.session import Session

if TYPE_CHECKING:
    from dexroute.types.orders import OrderEvent

_WIDE: Final = 100  # characters
_TOLD: Final = ("signature", "slot", "error", "code", "owner", "reason")


class EventLines:
    """Prints events; `numbered_by_order` shows one order's own numbers, else those of the whole journal with every order's id."""

    def __init__(self, session: Session, *, numbered_by_order: bool) -> None:
        self._json = session.is_json
        self._by_order = numbered_by_order
        self._narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
        self._headed = False

    def print(self, event: OrderEvent) -> None:
        if self._json:
            print(json.dumps(event_line(event, by_order=self._by_order)), flush=True)  # noqa: T201
            return
        if not self._headed:
            self._headed = True
            print(self._line("step", "time UTC", "order", "event", "state"), flush=True)  # noqa: T201
        print(self._line(*self._cells(event)), flush=True)  # noqa: T201

    def _cells(self, event: OrderEvent) -> tuple[str, ...]:
        from datetime import UTC, datetime

        number = event.seq if self._by_order else event.position
        time = datetime.fromtimestamp(event.at_ms / 1_000, UTC).strftime("%H:%M:%S.%f")[: 8 if self._narrow else 12]
        state = str(event.after) if self._narrow or event.before in (None, event.after) else f"{event.before} → {event.after}"
        told = next((f"  {name} {event.facts[name]}" for name in _TOLD if event.facts.get(name)), "")
        return str(number), time, event.order_id, str(event.kind), f"{state:22}{told}" if told and not self._narrow else state

    def _line(self, number: str, time: str, order: str, kind: str, state: str) -> str:
        """At most 80 characters where the terminal is narrow."""
        whose = "" if self._by_order else f"{order:32}  "
        return f"{number:>6}  {time:{8 if self._narrow else 12}}  {whose}{kind:16}  {state}".rstrip()


def event_line(event: OrderEvent, *, by_order: bool) -> dict[str, Any]:
    """The event as `dex orders show` gives it, and where to go on from: `position` only in the journal's own numbering."""
    from dexroute.engine.execution.receipt import event_json

    return event_json(event) if by_order else {"position": event.position, **event_json(event)}
