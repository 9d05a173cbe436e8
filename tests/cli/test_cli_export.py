"""`dex export`: the ledger agrees with the chain to the unit, and no cell, file or order is half there."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from dexroute import KeypairSigner
from dexroute.cli.csv_cells import csv_writer, harmless
from dexroute.sdk.ledger import COLUMNS
from dexroute.types.mints import NATIVE_MINT
from tests.cli.runner import Cli, dex_process
from tests.sdk.test_sdk_audit import Journal, write_journal

SOL = str(NATIVE_MINT)


def rows_of(text: str) -> list[dict[str, str]]:
    """Every row, read strictly, as long as the header says."""
    assert text.count("\r\n") == text.count("\n"), "lines end with CR LF"
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == list(COLUMNS)
    assert {len(row) for row in rows} <= {len(header)}
    return [dict(zip(header, row, strict=True)) for row in rows]


def exported_changes(rows: list[dict[str, str]]) -> Counter[str]:
    """What the columns say the wallet's balances changed by: base units per mint, lamports under `lamports`, wrapped SOL as SOL."""
    changes: Counter[str] = Counter()
    for row in rows:
        number = {name: int(row[f"{name}_lamports"] or 0) for name in ("network_fee", "priority_fee", "tip", "other")}
        rent = int(row["rent_created_lamports"] or 0) - int(row["rent_refunded_lamports"] or 0)
        changes["lamports"] -= sum(number.values()) + rent
        changes["lamports" if row["input_mint"] == SOL else row["input_mint"]] -= int(row["executed_in"] or 0)
        changes["lamports" if row["output_mint"] == SOL else row["output_mint"]] += int(row["executed_out"] or 0)
        for residual in row["residuals"].split():
            mint, _, amount = residual.partition(":")
            changes["lamports" if mint == SOL else mint] += int(amount)
    return changes


def test_the_sums_are_what_the_chain_says(cli: Cli) -> None:
    """Swaps of every kind by a new wallet: exact in and out, two hops, accounts opened, a transfer fee, a priority fee, an order
    killed and resumed, one cancelled. Balances before and after are the chain's own."""
    cli.wallet.unlink()
    KeypairSigner.create(cli.wallet)
    cli.json("airdrop", "40")
    before = cli.balances()
    for arguments in (
        ("5", "SOL", "USDC", "--key", "=1+1"),
        ("2", "USDC", "SOL", "--exact-out"),
        ("0.1", "SOL", "BONK", "--exact-out"),
        ("3", "USDC", "BONK", "--priority-fee", "5000"),
        ("1000", "BONK", "SOL"),
        ("1", "USDC", "TAXED"),
        ("0.2", "SOL", "USDC", "--exact-out"),
    ):
        cli.json("swap", *arguments, "--yes")
    for failpoint in ("after-commit-signed", "after-commit-placed"):
        dex_process("swap", "1", "SOL", "USDC", "--yes", *cli.here, home=cli.market, environment={"DEXROUTE_FAILPOINT": failpoint})
    pending = next(order for order in cli.json("orders", "list")["orders"] if order["state"] == "PENDING")
    cli.json("orders", "cancel", pending["id"])
    cli.json("orders", "resume")
    after = cli.balances()
    rows = rows_of(cli.bare("export", "--data-dir", str(cli.market), "-u", "embedded").out)
    assert Counter(row["state"] for row in rows) == {"CONFIRMED": 8, "CANCELLED": 1}
    told = exported_changes(rows)
    moved = {mint: after.get(mint, 0) - before.get(mint, 0) for mint in before.keys() | after.keys()}
    moved.pop(SOL, None)
    assert {mint: change for mint, change in told.items() if change} == {mint: change for mint, change in moved.items() if change}
    assert len(told) >= 4
    assert sum(int(row["wallet_lamports_change"] or 0) for row in rows) == moved["lamports"]
    summed = {name for name in COLUMNS if name.endswith("_lamports") and any(int(row[name] or 0) for row in rows)}
    assert summed >= {"network_fee_lamports", "priority_fee_lamports", "rent_created_lamports"}
    assert any(row["residuals"] for row in rows) and cli.json("doctor", "--invariants", "--chain")["ok"]


def test_both_units_and_both_formats_say_the_same(cli: Cli) -> None:
    cli.json("swap", "1.5", "SOL", "USDC", "--yes", "--key", '=HYPERLINK("http://x","y"),"+1')
    cli.json("swap", "0.3", "USDC", "SOL", "--yes")
    rows = rows_of(cli("export").out)
    assert rows[0]["key"] == '\'=HYPERLINK("http://x","y"),"\'+1'
    told = cli("export", "--format", "json").json["orders"]
    shown = [cli.json("orders", "show", row["order_id"]) for row in rows]
    for row, order, one in zip(rows, told, shown, strict=True):
        ledger = order.pop("ledger")
        assert {name: value for name, value in one.items() if name in order} == order
        assert list(ledger) == list(COLUMNS)
        numbers = {name for name in COLUMNS if name.endswith(("_lamports", "_change", "_sol", "_in", "_out", "_ui"))}
        assert {name: cell or "" if name in numbers else harmless(cell or "") for name, cell in ledger.items()} == row
        assert (row["executed_in"], row["executed_out"]) == (order["executed"]["amount_in"], order["executed"]["amount_out"])
        for name, decimals in (("executed_in", row["input_decimals"]), ("quoted_out", row["output_decimals"])):
            assert Decimal(row[f"{name}_ui"]).scaleb(int(decimals)) == int(row[name])
        assert Decimal(row["network_fee_sol"]).scaleb(9) == int(row["network_fee_lamports"]) == 5_000
        assert row["landed_at"].endswith("Z") and row["created_at"] <= row["signed_at"] <= row["updated_at"]
    assert len(rows) == 2 and {row["input_symbol"] for row in rows} == {"SOL", "USDC"}


async def orders_of_every_state(market: Path) -> Journal:
    (market / "journal.sqlite3").unlink()
    return await write_journal(f"sqlite:///{market / 'journal.sqlite3'}")


@pytest.fixture
async def written(cli: Cli) -> Journal:
    return await orders_of_every_state(cli.market)


def test_every_order_is_there_whatever_its_state(cli: Cli, written: Journal) -> None:
    """Of another cluster and of mints nobody knows: base units alone. What never landed has no costs."""
    rows = {row["order_id"]: row for row in rows_of(cli("export").out)}
    assert rows.keys() == {order.id for order in written.orders.values()}
    of = {name: rows[order.id] for name, order in written.orders.items()}
    assert of["replaced"]["attempts"] == "2" and of["replaced"]["outcomes"] == "expired landed"
    assert (of["sent"]["state"], of["sent"]["outcomes"]) == ("SUBMITTED", "alive") and of["sent"]["signature"]
    assert (of["waiting"]["state"], of["waiting"]["quoted_in"], of["waiting"]["attempts"]) == ("PENDING", "", "0")
    assert of["refused"]["failure_code"] == "LANDED_WITH_ERROR" and of["refused"]["executed_out"] == "0"
    assert int(of["refused"]["network_fee_lamports"]) > 0
    for row in rows.values():
        assert row["input_decimals"] == row["executed_in_ui"] == ""
        assert bool(row["network_fee_lamports"]) == bool({"landed", "landed_with_error"} & set(row["outcomes"].split()))
    assert {row["final"] for row in rows.values()} == {"yes", "no"}


def test_filters(cli: Cli, written: Journal) -> None:
    def ids(*arguments: str) -> list[str]:
        return [row["order_id"] for row in rows_of(cli("export", *arguments).out)]

    everything = ids()
    assert len(everything) == 8 and everything == sorted(everything)
    assert ids("--limit", "3") == everything[:3]
    assert ids("--state", "submitted", "--state", "pending") == sorted([written.orders["sent"].id, written.orders["waiting"].id])
    middle = written.orders["replaced"]
    at = rows_of(cli("export").out)[everything.index(middle.id)]["created_at"]
    assert ids("--since", at) == everything[everything.index(middle.id) :]
    assert ids("--until", at) == everything[: everything.index(middle.id)]
    assert ids("--since", at, "--until", at.replace("Z", "+00:00")) == []
    assert ids("--wallet", str(middle.wallet)) == ids("--mint", str(middle.request.output_mint)) == everything
    assert ids("--mint", "SOL") == ids("--wallet", SOL) == []
    for wrong in (("--since", "yesterday"), ("--mint", "USDC!"), ("--wallet", "me"), ("--state", "done"), ("--format", "table")):
        assert wrong[0] in cli("export", *wrong, code=2).err or "state" in wrong[0]


def test_a_file_is_written_whole_or_not_at_all(cli: Cli, written: Journal, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    told = cli("export", "--output", str(file))
    assert told.out == f"8 orders in {file}\n"
    whole = file.read_bytes()
    assert whole.decode() == cli("export").out
    with closing(sqlite3.connect(cli.market / "journal.sqlite3")) as raw:
        raw.execute("UPDATE orders SET state = 'DONE' WHERE id = ?", (written.orders["sent"].id,))
        raw.commit()
    refused = cli("export", "--output", str(file), "--format", "json", code=2).error
    assert refused["context"]["order"] == written.orders["sent"].id and "doctor --invariants" in refused["message"]
    assert file.read_bytes() == whole and [one.name for one in tmp_path.iterdir() if "orders.csv" in one.name] == ["orders.csv"]
    assert len(rows_of(cli("export", "--limit", "2").out)) == 2
    assert cli.json("export", "--limit", "2", "--output", str(file)) == {"output": str(file), "orders": 2}
    assert len(json.loads(file.read_text())["orders"]) == 2
    assert "no regular file" in cli("export", "--output", str(tmp_path), code=2).err
    assert "cannot be written" in cli("export", "--output", str(tmp_path / "no" / "file.csv"), "--limit", "1", code=2).err


def test_columns_are_told(cli: Cli) -> None:
    assert cli.json("export", "--columns") == {"columns": dict(COLUMNS)}
    told = cli("export", "--columns").out
    assert all(name in told for name in COLUMNS)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("  +1", "  '+1"), ("-1", "'-1"), ("a=b", "a=b"), ("", ""),
        ('x",=1', 'x",\'=1'), ("x;=1", "x;'=1"), ("x\n-1", "x\n'-1"), ("\t=1", "\t'=1"), ("＝1", "'＝1"), ("\r=1", "�=1"),
        ("a-b 5", "a-b 5"), ("\x1b[2J", "�[2J"), ("'=1", "''=1"),
    ],
)  # fmt: skip
def test_words_are_no_formulas(text: str, cell: str) -> None:
    out = io.StringIO(newline="")
    csv_writer(out)([text, -1, Decimal("-1E-9"), None])
    ((read, number, small, nothing),) = csv.reader(io.StringIO(out.getvalue(), newline=""), strict=True)
    assert (read, number, small, nothing) == (cell, "-1", "-0.000000001", "")
