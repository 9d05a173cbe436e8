"""What a worker does, while it does it: a screen for a person at a terminal, lines for a log, JSON lines for programs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dexroute.cli.render_order import failure_text
from dexroute.cli.session import Session
from dexroute.cli.terminal import plain_console, printable, short
from dexroute.types.counts import counted

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.engine.execution.stats import QueueStats
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.token import Token
    from dexroute.sdk.worker import Worker
    from dexroute.types.orders import Order, OrderEvent

_LOOK_S: Final = 1.0
_COUNT_S: Final = 5.0  # the whole journal is counted
_SUMMARY_S: Final = 60.0
_RATE_S: Final = 60.0
_TOLD: Final = ("signed", "attempt_dead", "confirmed", "failed", "cancelled", "regressed")
_ENDS: Final = ("confirmed", "failed", "cancelled")


@dataclass(slots=True)
class Progress:
    """What is known of a worker and its orders: `steps` of those under way, the newest of the `ended` last."""

    at_once: int
    wallets: tuple[str, ...] = ()
    cluster: str = ""
    journal: str = ""
    started_s: float = field(default_factory=time.monotonic)
    steps: dict[str, tuple[Order, OrderEvent, float]] = field(default_factory=dict)
    ended: deque[tuple[Order, OrderEvent, float]] = field(default_factory=lambda: deque(maxlen=50))
    ends: Counter[str] = field(default_factory=Counter)
    times: deque[float] = field(default_factory=deque)
    began: dict[str, float] = field(default_factory=dict)
    stats: QueueStats | None = None
    tokens: dict[Pubkey, Token] = field(default_factory=dict)

    def rate(self) -> float:
        """Orders that came to their end here, a second, over the last minute."""
        now = time.monotonic()
        while self.times and self.times[0] < now - _RATE_S:
            self.times.popleft()
        return len(self.times) / max(1.0, min(_RATE_S, now - self.started_s))


class WorkerView:
    """Give `heard` to `Dex` as its watcher, and work inside `shown`."""

    def __init__(self, session: Session, at_once: int) -> None:
        self._session = session
        self._progress = Progress(at_once)
        self._screen = sys.stdout.isatty() and not session.is_json
        self._untold: asyncio.Queue[tuple[Order, OrderEvent, float]] = asyncio.Queue()
        self._unnamed = asyncio.Event()

    def heard(self, order: Order, event: OrderEvent) -> None:
        """A step of an order is durable."""
        progress, now, kind = self._progress, time.monotonic(), str(event.kind)
        began = progress.began.setdefault(order.id, now)
        if not progress.tokens.keys() >= _mints(order):
            self._unnamed.set()
        if kind in _ENDS:
            progress.steps.pop(order.id, None)
            progress.began.pop(order.id)
            progress.ended.append((order, event, now - began))
            progress.times.append(now)
            progress.ends[kind] += 1
        elif kind == "finalized":
            progress.began.pop(order.id)
        else:
            progress.steps[order.id] = (order, event, now)
        if self._session.is_json:
            from dexroute.engine.execution.receipt import event_json

            print(json.dumps(event_json(event)), flush=True)  # noqa: T201
        elif not self._screen and kind in _TOLD:
            self._untold.put_nowait((order, event, now - began))

    @asynccontextmanager
    async def shown(self, dex: Dex, worker: Worker, asked: asyncio.Event) -> AsyncIterator[None]:
        """Show `worker` while the block lasts; `asked` is set when it is told to stop."""
        from dexroute.config import redact_url
        from dexroute.errors import DexError

        progress = self._progress
        progress.wallets, progress.journal = tuple(map(str, worker.wallets)), (await dex.journal()).label
        progress.cluster = "embedded" if dex.settings.is_embedded else redact_url(dex.settings.rpc_url)
        self.say("started", wallets=list(progress.wallets), cluster=progress.cluster, journal=progress.journal)
        with suppress(DexError):  # the journal has just gone away: `troubles` tell that
            self._say_left_alone(await (await dex.orders()).left_alone(worker.wallets))
        looking = asyncio.create_task(self._look(dex, worker, asked))
        telling = [asyncio.create_task(self._tell(dex)), asyncio.create_task(self._name(dex))]
        try:
            if self._screen:
                from rich.live import Live

                from dexroute.cli.worker_screen import Screen

                screen = Screen(progress, worker, asked)
                console = plain_console(sys.stdout)
                with Live(console=console, get_renderable=lambda: screen.render(console), refresh_per_second=4):
                    yield
            else:
                yield
        finally:
            looking.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._untold.join()
            for task in telling:
                task.cancel()
            await asyncio.gather(looking, *telling, return_exceptions=True)
            handed_back = [order.id for order, _, _ in progress.steps.values() if order.is_open]
            self.say("stopped", **self._counts(), handed_back=handed_back)

    def _say_left_alone(self, left: tuple[int, int]) -> None:
        """Whoever placed these waits for another worker, and may not know it."""
        said = (" of another cluster (-u)", " of wallets whose keys are not here (-k)")
        told = [counted(number, "open order") + whose for number, whose in zip(left, said, strict=True) if number]
        if told:
            self.say("left_alone", ", ".join(told), other_cluster=left[0], other_wallets=left[1])

    async def _look(self, dex: Dex, worker: Worker, asked: asyncio.Event) -> None:
        """Keep what the view is drawn from current, and tell what changes."""
        from dexroute.errors import DexError

        progress, orders = self._progress, await dex.orders()
        troubles = _Troubles(self, worker)
        was_asked, counted_s, summed_s = False, 0.0, time.monotonic()
        told: dict[str, Any] = {}
        while True:
            troubles.tell()
            if asked.is_set() and not was_asked:
                was_asked = True
                self.say("stopping", under_way=[order.id for order in worker.at_work])
            known = {order.id for order in worker.at_work}
            for order_id in [one for one in progress.steps if one not in known]:
                progress.steps.pop(order_id)  # put off, or another's now
                progress.began.pop(order_id, None)
            if self._screen and time.monotonic() - counted_s > _COUNT_S:
                with suppress(DexError):
                    progress.stats = await orders.stats(newest=0)
                counted_s = time.monotonic()
            if not self._screen and time.monotonic() - summed_s > _SUMMARY_S:
                summed_s = time.monotonic()
                status = {"under_way": len(known), "put_off": len(worker.troubles), **self._counts()}
                if status != told:  # a worker that only waits says nothing
                    told = status
                    self.say("status", **status, per_second=round(progress.rate(), 2))
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await (asyncio.sleep(_LOOK_S) if was_asked else asked.wait())

    async def _tell(self, dex: Dex) -> None:
        while True:
            order, event, took_s = await self._untold.get()
            try:
                await self._learn(dex, [order])
                self._line(order.id, self._told(order, event, took_s))
            finally:
                self._untold.task_done()

    async def _name(self, dex: Dex) -> None:
        """Learn tokens as their orders come; one that cannot be read now is asked for again at its next order, and not at once."""
        while True:
            await self._unnamed.wait()
            self._unnamed.clear()
            await self._learn(dex, [order for order, _, _ in (*self._progress.steps.values(), *self._progress.ended)])
            await asyncio.sleep(_LOOK_S)

    async def _learn(self, dex: Dex, orders: Iterable[Order]) -> None:
        """The tokens of these orders: what amounts are written with."""
        from dexroute.cli.render_order import known_mints

        mints = {mint for order in orders for mint in _mints(order)}
        self._progress.tokens |= await known_mints(dex, mints - self._progress.tokens.keys())

    def _counts(self) -> dict[str, Any]:
        return {kind: self._progress.ends[kind] for kind in _ENDS}

    def _told(self, order: Order, event: OrderEvent, took_s: float) -> str:
        kind = str(event.kind)
        if kind in _ENDS:
            tokens = self._progress.tokens
            wallet = f"  of {short(str(order.wallet))}" if len(self._progress.wallets) > 1 else ""
            return f"{order.state!s:9}  {swap_text(order, tokens)}{wallet}  {took_s:.1f} s{why_failed(order, tokens)}"
        return f"{kind.replace('_', ' '):9}  {event.facts.get('signature') or event.facts.get('proof') or ''}".rstrip()

    def say(self, what: str, text: str | None = None, *, who: str = "worker", **facts: Any) -> None:
        """Of the worker itself: `facts` for programs, `text` for people where it is not simply these. The screen shows all but its
        end."""
        if self._session.is_json:
            print(json.dumps({"worker": what, "at_ms": time.time_ns() // 1_000_000, **facts}), flush=True)  # noqa: T201
        elif text is not None and not self._screen:
            self._line(who, f"{what.replace('_', ' '):9}  {text}")
        elif not self._screen or facts.get("handed_back"):
            told = "  ".join(f"{name.replace('_', ' ')} {_fact(value)}" for name, value in facts.items() if value not in ([], None))
            self._line(who, f"{what:9}  {told}".rstrip())

    def _line(self, who: str, text: str) -> None:
        """One line whatever `text` holds, with a date: a log is read days later, elsewhere."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(printable(f"{at}  {who:32}  {' '.join(text.splitlines())}"), flush=True)  # noqa: T201


class _Troubles:
    """Told when they come, when they change, and when they are over."""

    def __init__(self, view: WorkerView, worker: Worker) -> None:
        self._view = view
        self._worker = worker
        self._since_s: float | None = None
        self._tickets: str | None = None
        self._put_off: dict[str, str] = {}

    def tell(self) -> None:
        from dexroute.engine.execution.queue import STARTING

        if (trouble := self._worker.trouble) is not None and self._since_s is None:
            self._since_s = time.monotonic()
            self._view.say("trouble", f"[{trouble.code}] {trouble.message}", code=trouble.code, message=trouble.message)
        elif trouble is None and self._since_s is not None:
            after_s, self._since_s = time.monotonic() - self._since_s, None
            self._view.say("trouble", f"over after {after_s:.0f} s", code=None, message=None)
        if (tickets := self._worker.engine_trouble) not in (self._tickets, STARTING) and self._since_s is None:
            self._tickets = tickets
            text = "again" if tickets is None else f"none, orders are found by looking: {tickets}"
            self._view.say("tickets", text, trouble=tickets)
        put_off = {order_id: trouble.code for order_id, trouble in self._worker.troubles.items()}
        for order_id, code in put_off.items():
            if self._put_off.get(order_id) != code:
                message = self._worker.troubles[order_id].message
                self._view.say("put_off", f"[{code}] {message}", who=order_id, order=order_id, code=code, message=message)
        self._put_off = put_off


def _mints(order: Order) -> set[Pubkey]:
    return {order.request.input_mint, order.request.output_mint}


def swap_text(order: Order, tokens: Mapping[Pubkey, Token]) -> str:
    """`1.5 SOL → 224.1 USDC`: executed, else quoted, else as it was asked; mints shortened where their symbols are not known."""

    def amount(value: int | None, mint: Pubkey) -> str:
        token = tokens.get(mint)
        if value is None:
            return f"? {token.symbol if token else short(str(mint))}"
        return token.text(value) if token else f"{value} base units of {short(str(mint))}"

    request, found = order.request, order.executed or order.quoted
    exact_in = request.mode.value == "exact_in"
    paid = found.amount_in if found else request.amount if exact_in else None
    got = found.amount_out if found else None if exact_in else request.amount
    return f"{amount(paid, request.input_mint)} → {amount(got, request.output_mint)}"


def why_failed(order: Order, tokens: Mapping[Pubkey, Token]) -> str:
    return f"  {failure_text(order.failure, tokens)}" if order.failure else ""


def _fact(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
