"""`dex orders show`: the truth about an order in every state, on a narrow terminal and a wide one, and as JSON."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from dexroute.storage.store import open_store
from dexroute.types.orders import EventKind, OrderState
from tests.cli.runner import Cli
from tests.sdk.test_sdk_audit import Journal, write_journal
from tests.storage.orders_at_hand import an_order, to_building

UNSIGNED = ("placed", "routing", "building")


async def _write(database: str) -> tuple[Journal, dict[str, str]]:
    journal = await write_journal(database)
    ids = {name: order.id for name, order in journal.orders.items()}
    async with open_store(database) as store:
        placed, _ = await store.place(an_order(key="placed"))
        routing, _ = await store.place(an_order(key="routing"))
        await store.advance(routing, replace(routing, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1)
        ids |= {"placed": placed.id, "routing": routing.id, "building": (await to_building(store, an_order(key="building"))).id}
    return journal, ids


@pytest.fixture
def ids(cli: Cli) -> dict[str, str]:
    (cli.market / "journal.sqlite3").unlink()
    return asyncio.run(_write(f"sqlite:///{cli.market / 'journal.sqlite3'}"))[1]


@pytest.mark.parametrize("columns", [80, 120])
def test_orders_of_every_state_fit(cli: Cli, ids: dict[str, str], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    states = set()
    for name, order_id in ids.items():
        told = re.sub("\x1b\\[[0-9;]*m", "", cli("orders", "show", order_id).out)
        assert order_id in told and max(map(len, told.splitlines())) <= columns, name
        sections = [line for line in told.splitlines() if line.rstrip() in ("amounts", "costs", "attempt 1", "attempt 2", "steps")]
        assert sections[0] == "amounts" and sections[-1] == "steps"
        assert ("attempt 1" in sections) == (name not in (*UNSIGNED, "waiting", "cancelled")) == ("costs" in sections), name
        states.add(told.splitlines()[0].split()[-1])
    assert len(ids) == 11 and states == set(OrderState)


def test_each_attempt_is_told_with_its_fate(cli: Cli, ids: dict[str, str]) -> None:
    told = cli("orders", "show", ids["replaced"]).out
    shown = cli.json("orders", "show", ids["replaced"])
    first, second = shown["attempts"]
    proof = shown["attempts_built"][0]["proof"]
    assert shown["attempts_built"][1]["proof"] is None
    assert int(proof["finalized_height"]) > first["last_valid_block_height"] == int(proof["last_valid_block_height"])
    assert f"Finalized block height {proof['finalized_height']} is past {first['last_valid_block_height']}" in told
    assert f"1 node knew nothing of it at slot {proof['finalized_slot']}" in told
    assert told.index(first["signature"]) < told.index(second["signature"])
    assert "it may land until" in cli("orders", "show", ids["sent"]).out
    refused = cli("orders", "show", ids["refused"]).out
    assert "it landed, and failed" in refused and "[LANDED_WITH_ERROR]" in refused
    assert "no: a fork may still undo it" in cli("orders", "show", ids["landed"]).out
    assert "regressed" in cli("orders", "show", ids["regressed"]).out


def test_amounts_stand_side_by_side_with_what_differs(cli: Cli, ids: dict[str, str]) -> None:
    shown = cli.json("orders", "show", ids["final"])
    told = cli("orders", "show", ids["final"]).out
    rows = {
        line.split()[0]: line.split()[1:] for line in told.splitlines() if line.startswith((" quoted", " simulated", " executed"))
    }
    assert rows == {name: [shown[name]["amount_in"], shown[name]["amount_out"]] for name in ("quoted", "simulated", "executed")}
    against = shown["against_quote"]
    assert set(against) == {"simulated", "executed"}
    for name, difference in against.items():
        for side, amount in difference.items():
            assert int(shown[name][side]) - int(shown["quoted"][side]) == int(amount)
    waiting = cli.json("orders", "show", ids["waiting"])
    assert (waiting["against_quote"], waiting["fill"], waiting["attempts_built"], waiting["final"]) == ({}, None, [], False)


def test_what_differs_is_signed_and_in_basis_points(cli: Cli) -> None:
    """A swap of the embedded cluster whose quote is altered in the journal: twice what came was quoted."""
    order = cli.json("swap", "1", "SOL", "USDC", "--yes")
    got = int(order["executed"]["amount_out"])
    with closing(sqlite3.connect(cli.market / "journal.sqlite3")) as raw:
        raw.execute("UPDATE orders SET quoted_out = ?", (f"{got * 2:020d}",))
        raw.commit()
    told = cli("orders", "show", order["id"]).out
    lines = told.splitlines()
    executed = next(number for number, line in enumerate(lines) if line.startswith(" executed"))
    ui = f"{got // 10**6}.{got % 10**6:06d}".rstrip("0").rstrip(".")
    assert lines[executed].split() == ["executed", "1", ui]
    assert lines[executed + 1].split() == ["against", "quote", "0", f"-{ui}", "-5000.00"]
    assert "received, USDC" in told and "0.000005" in told
