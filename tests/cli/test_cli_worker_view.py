"""What `dex worker` shows: a screen that keeps its columns whatever is in them, and a log of single dated lines."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from solders.pubkey import Pubkey

from dexroute.cli.session import OutputFormat, Session
from dexroute.cli.terminal import short
from dexroute.cli.worker_screen import Screen
from dexroute.cli.worker_view import Progress, WorkerView, _Troubles, swap_text
from dexroute.engine.execution.queue import STARTING
from dexroute.engine.execution.stats import QueueStats
from dexroute.errors import DatabaseUnavailable, DexError, OutcomeUnknown
from dexroute.sdk.token import Token
from dexroute.types.orders import EventKind, Failure, Order, OrderEvent, OrderState, Priority
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.storage.orders_at_hand import MINT_A, MINT_B, an_order

BUY = QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=1_500_000, mode=SwapMode.EXACT_OUT)


def a_worker(**changes: Any) -> Any:
    return SimpleNamespace(**{"at_work": (), "engine_trouble": STARTING, "trouble": None, "troubles": {}} | changes)


def a_step(order: Order, kind: EventKind) -> OrderEvent:
    return OrderEvent(order_id=order.id, seq=1, kind=kind, before=None, after=order.state, fencing=1, at_ms=1, facts={})


@pytest.mark.parametrize(("width", "wallets"), [(80, 1), (80, 3), (120, 1), (120, 3)])
def test_the_screen_keeps_its_columns_whatever_is_in_them(width: int, wallets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    owners = [Pubkey.new_unique() for _ in range(wallets)]
    orders = [replace(an_order(wallet=owners[n % wallets]), state=OrderState.SUBMITTED) for n in range(4)]
    progress = Progress(16, wallets=tuple(map(str, owners)), cluster="https://node.example", journal="postgresql://db/journal")
    progress.stats = QueueStats(
        states={}, waiting={Priority.HIGH: 3, Priority.LOW: 0}, not_final=1, oldest_open_ms=9 * 86_400_000, promised={}
    )
    for order in orders:
        progress.steps[order.id] = (order, a_step(order, EventKind.SIGNED), now_s - 3)
    why = Failure(code="SLIPPAGE_EXCEEDED", message="the limit cannot be met any more " * 9, context={})
    failed = replace(orders[0], state=OrderState.FAILED, failure=why)
    progress.ended.append((failed, a_step(failed, EventKind.FAILED), 1.25))
    away = DatabaseUnavailable("the journal postgresql://db/journal does not answer: gone; nothing is lost, try again when it does")
    worker = a_worker(at_work=tuple(orders), trouble=away, troubles={orders[1].id: OutcomeUnknown("not known yet")})
    console = Console(file=io.StringIO(), width=width, height=30)
    with console.capture() as drawn:
        console.print(Screen(progress, worker, asyncio.Event()).render(console))
    lines = drawn.get().splitlines()
    assert len(lines) <= 30 and all(len(line) <= width for line in lines)
    head = next(line for line in lines if line.lstrip().startswith("order "))
    wide = ["wallet"] if wallets > 1 and width >= 100 else []
    assert head.split() == ["order", "state", *wide, "swap", "doing", "since"]
    for order in orders:
        (line,) = [line for line in lines if order.id[-8:] in line and "SUBMITTED" in line]
        assert line.rstrip().endswith("3 s") and "sent, waiting" in line
    (line,) = [line for line in lines if "FAILED" in line]
    assert failed.id[-8:] in line and "[SLIPPAGE" in line and line.rstrip().endswith("1.2 s")
    text = drawn.get()
    assert "[DATABASE_UNAVAILABLE]" in text and "1 [OUTCOME_UNKNOWN]" in text and "for 9 d 0 h" in text
    assert "try again" not in text and "3 high" in text and "low" not in text


async def test_tokens_get_their_names_as_their_orders_come() -> None:
    view, order = WorkerView(a_session(OutputFormat.TABLE), 16), replace(an_order(request=BUY), state=OrderState.ROUTING)
    asked: list[Pubkey] = []

    async def token(mint: Pubkey) -> Token:
        asked.append(mint)
        return Token(mint=mint, symbol="A" if mint == MINT_A else "B", decimals=6)

    tokens = view._progress.tokens
    assert swap_text(order, tokens) == f"? {short(str(MINT_A))} → 1500000 base units of {short(str(MINT_B))}", (
        "no number without a unit"
    )
    naming = asyncio.create_task(view._name(SimpleNamespace(token=token)))  # type: ignore[arg-type]
    view.heard(order, a_step(order, EventKind.CLAIMED))
    async with asyncio.timeout(0.5):  # and not at the next look, a second later
        while len(tokens) < 2:
            await asyncio.sleep(0)
    assert swap_text(order, tokens) == "? A → 1.5 B"
    view.heard(order, a_step(order, EventKind.ROUTED))
    await asyncio.sleep(0.01)
    assert len(asked) == 2
    naming.cancel()


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  (\S+) +(\S.*)")


def told(capsys: pytest.CaptureFixture[str], troubles: _Troubles) -> list[tuple[str, str]]:
    troubles.tell()
    found = [LINE.fullmatch(line) for line in capsys.readouterr().out.splitlines()]
    assert None not in found
    return [(match[1], " ".join(match[2].split())) for match in found if match]


def a_session(format_: OutputFormat) -> Session:
    return Session(url=None, keypair=None, data_dir=None, commitment=None, format_=format_)


def test_troubles_are_told_once_when_they_come_and_when_they_are_over(capsys: pytest.CaptureFixture[str]) -> None:
    worker = a_worker()
    troubles = _Troubles(WorkerView(a_session(OutputFormat.TABLE), 16), worker)
    assert told(capsys, troubles) == []
    worker.engine_trouble = None
    assert told(capsys, troubles) == []
    worker.trouble, worker.engine_trouble = DatabaseUnavailable("the journal\nis away"), "connection\nis bad"
    assert told(capsys, troubles) == [("worker", "trouble [DATABASE_UNAVAILABLE] the journal is away")]
    assert told(capsys, troubles) == []
    worker.trouble = None
    assert told(capsys, troubles) == [
        ("worker", "trouble over after 0 s"),
        ("worker", "tickets none, orders are found by looking: connection is bad"),
    ]
    worker.engine_trouble, order_id = None, an_order().id
    worker.troubles = {order_id: OutcomeUnknown("its outcome is not known yet")}
    assert told(capsys, troubles) == [
        ("worker", "tickets again"),
        (order_id, "put off [OUTCOME_UNKNOWN] its outcome is not known yet"),
    ]
    assert told(capsys, troubles) == []
    worker.troubles = {}
    assert told(capsys, troubles) == []
    worker.troubles = {order_id: DexError("bug")}
    assert [who for who, _ in told(capsys, troubles)] == [order_id]


def test_programs_hear_of_troubles_as_objects(capsys: pytest.CaptureFixture[str]) -> None:
    worker = a_worker(engine_trouble=None, trouble=DatabaseUnavailable("away"), troubles={"o": OutcomeUnknown("unknown")})
    troubles = _Troubles(WorkerView(a_session(OutputFormat.JSON), 16), worker)
    troubles.tell()
    worker.trouble = None
    troubles.tell()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["worker"], line.get("code"), line.get("order")) for line in lines] == [
        ("trouble", "DATABASE_UNAVAILABLE", None),
        ("put_off", "OUTCOME_UNKNOWN", "o"),
        ("trouble", None, None),
    ]
