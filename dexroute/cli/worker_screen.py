"""The screen of `dex worker`: what is under way, what waits, what came of it. Drawn anew four times a second, never taller than the
terminal."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from dexroute.cli.render_order import STATE_COLORS, fact_table, span_text
from dexroute.cli.terminal import short
from dexroute.cli.worker_view import Progress, swap_text, why_failed

if TYPE_CHECKING:
    from rich.console import Console, Group, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

    from dexroute.sdk.worker import Worker
    from dexroute.types.orders import Order

_WIDE: Final = 100  # characters
_WIDTHS: Final = {"state": 9, "wallet": 9, "doing": 14, "since": 10, "took": 8}
_DOING: Final = {
    "placed": "recorded",
    "claimed": "taken",
    "routing": "finding route",
    "routed": "simulating",
    "intent": "signing",
    "signed": "sent, waiting",
    "attempt_dead": "new route",
    "cancel_requested": "cancelled",
    "regressed": "fork undid it",
}


class Screen:
    def __init__(self, progress: Progress, worker: Worker, asked: asyncio.Event) -> None:
        self._progress = progress
        self._worker = worker
        self._asked = asked

    def render(self, console: Console) -> Group:
        from rich.console import Group
        from rich.text import Text

        rows = max(4, console.height - 14)
        under_way = self._worker.at_work
        most_ended = max(2, min(8, rows - len(under_way)))
        parts: list[RenderableType] = [fact_table(self._facts(console.width >= _WIDE)), Text()]
        parts.append(self._under_way(under_way, rows - most_ended + 2, console.width) if under_way else self._idle())
        if self._progress.ended:
            parts += [Text(), self._ended(most_ended, console.width)]
        parts += [Text(), self._last_line()]
        return Group(*parts)

    def _facts(self, wide: bool) -> list[tuple[str, str]]:
        progress, stats, trouble = self._progress, self._progress.stats, self._worker.engine_trouble
        named = [wallet if wide and len(progress.wallets) == 1 else short(wallet) for wallet in progress.wallets]
        rows = [
            ("wallet" if len(named) == 1 else "wallets", f"{', '.join(named)} on {progress.cluster}"),
            ("journal", progress.journal),
        ]
        if (away := self._worker.trouble) is not None:
            rows.append(("trouble", f"[{away.code}] {away.message.partition(';')[0]}"))
        if trouble:
            rows.append(("tickets", f"none, orders are found by looking: {trouble}"))
        waiting = "–"
        if stats is not None:
            open_now = sum(stats.waiting.values())
            by_priority = ", ".join(f"{count} {priority}" for priority, count in stats.waiting.items() if count)
            age = "" if stats.oldest_open_ms is None else f", the oldest for {span_text(stats.oldest_open_ms / 1_000)}"
            waiting = f"{open_now} ({by_priority}{age})" if open_now else "none"
        rows.append(("open", waiting))
        if put_off := Counter(error.code for error in self._worker.troubles.values()):
            rows.append(("put off", ", ".join(f"{count} [{code}]" for code, count in put_off.items())))
        done = ", ".join(f"{count} {kind}" for kind, count in sorted(progress.ends.items())) or "none yet"
        rows.append(
            ("done here", f"{done}   {progress.rate():.2f} a second   up {span_text(time.monotonic() - progress.started_s)}")
        )
        return rows

    def _idle(self) -> Text:
        from rich.text import Text

        return Text("no order under way", style="dim")

    def _under_way(self, orders: tuple[Order, ...], most: int, width: int) -> Table:
        whose = self._whose(width)
        now, table = time.monotonic(), _table(width, ("order", "state", *whose, "swap", "doing", "since"))
        for taken in orders[:most]:
            order, event, at = self._progress.steps.get(taken.id, (taken, None, None))
            doing = _DOING.get(str(event.kind), str(event.kind)) if event else "taken"
            table.add_row(
                order.id if width >= _WIDE else order.id[-8:],
                _state(order),
                *(short(str(order.wallet)) for _ in whose),
                swap_text(order, self._progress.tokens),
                doing,
                "" if at is None else span_text(now - at),
            )
        if len(orders) > most:
            table.add_row(f"… and {len(orders) - most} more")
        return table

    def _whose(self, width: int) -> tuple[str, ...]:
        """The column that tells orders of several wallets apart, where there is room for it."""
        return ("wallet",) if len(self._progress.wallets) > 1 and width >= _WIDE else ()

    def _ended(self, most: int, width: int) -> Table:
        table = _table(width, ("ended", "state", "swap", "", "took"))
        for order, _, took_s in [*self._progress.ended][: -most - 1 : -1]:
            table.add_row(
                order.id if width >= _WIDE else order.id[-8:],
                _state(order),
                swap_text(order, self._progress.tokens),
                why_failed(order, self._progress.tokens).strip(),
                f"{took_s:.1f} s",
            )
        return table

    def _last_line(self) -> Text:
        from rich.text import Text

        count, most = len(self._worker.at_work), self._progress.at_once
        if self._asked.is_set():
            return Text(f"stopping: {count} under way may end; Ctrl-C once more hands them back at once", style="yellow")
        return Text(f"{count} of {most} places taken   Ctrl-C stops in good order", style="dim")


def _table(width: int, names: tuple[str, ...]) -> Table:
    """Every column has its width: Rich would take it from all alike, down to nothing, where one text is long."""
    from rich.table import Table

    widths = {name: (32 if width >= _WIDE else 8) if name in ("order", "ended") else _WIDTHS.get(name, 0) for name in names}
    room = width - sum(widths.values()) - 2 * len(names)
    widths["swap"] = min(48, room * 3 // 5 if "" in names else room)
    if "" in names:
        widths[""] = room - widths["swap"]
    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    for name in names:
        side: JustifyMethod = "right" if name in ("since", "took") else "left"
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=max(1, widths[name]), justify=side)
    return table


def _state(order: Order) -> Text:
    from rich.text import Text

    state = str(order.state)
    return Text(state, style=STATE_COLORS.get(state, "cyan"))
