"""`dex orders`, `dex pools`, `dex wallet`, `dex airdrop`, `dex config`, `dex doctor`: the shapes programs rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import Cli


def test_an_order_given_up_says_what_was_asked(cli: Cli) -> None:
    waiting = cli.json("submit", "1.5", "SOL", "USDC", "--yes")["id"]
    assert "asked  1.5 SOL → ?" in cli("orders", "cancel", waiting).out


def test_orders_list_and_show(cli: Cli) -> None:
    assert cli.json("orders", "list") == {"orders": []}
    assert "no orders" in cli("orders", "list").out
    first = cli.json("swap", "1", "SOL", "USDC", "--yes")
    second = cli.json("swap", "10", "USDC", "SOL", "--yes", "--key", "second")
    listed = cli.json("orders", "list")
    assert set(listed) == {"orders"}
    assert [order["id"] for order in listed["orders"]] == [second["id"], first["id"]], "newest first"
    assert listed["orders"][1] == first
    assert len(cli.json("orders", "list", "--limit", "1")["orders"]) == 1
    assert len(cli.json("orders", "list", "--state", "confirmed")["orders"]) == 2
    assert cli.json("orders", "list", "--state", "FAILED", "--state", "PENDING") == {"orders": []}
    shown = cli.json("orders", "show", second["id"])
    assert [event["seq"] for event in shown["events"]] == list(range(1, len(shown["events"]) + 1))
    assert [event["after"] for event in shown["events"]][-1] == "CONFIRMED"
    assert {"placed", "routed", "intent", "signed", "confirmed"} <= {event["kind"] for event in shown["events"]}
    assert {name: value for name, value in shown.items() if name in second} == second
    told = cli("orders", "show", second["id"]).out
    assert "second" in told and "→ CONFIRMED" in told


def test_orders_in_numbers(cli: Cli) -> None:
    swapped = cli.json("swap", "1", "SOL", "USDC", "--yes", "--deadline", "60")
    assert swapped["state"] == "CONFIRMED"
    stats = cli.json("orders", "stats")
    assert stats["states"]["CONFIRMED"] == 1 and stats["open"] == {"low": 0, "normal": 0, "high": 0}
    assert stats["promised"] == [] and stats["oldest_open_ms"] is None
    assert "confirmed" in cli("orders", "stats").out
    assert "--deadline" in cli("swap", "1", "SOL", "USDC", "--yes", "--deadline", "0", code=2).err


def test_watching_orders(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (cli.json("swap", "1", "SOL", "USDC", "--yes")["id"] for _ in range(2))

    def watched(*arguments: str) -> list[dict[str, object]]:
        out = cli("orders", "watch", *arguments, "--no-follow", "--format", "json").out
        return [json.loads(line) for line in out.splitlines()]

    told = watched()
    assert [event["position"] for event in told] == list(range(1, len(told) + 1))
    assert {event["order"] for event in told} == {first, second}
    assert watched("--after", "5") == told[5:] and watched("--after", str(len(told))) == []
    steps = [{**event, "position": None} for event in told if event["order"] == first]
    assert [{**event, "position": None} for event in watched(first)] == steps
    assert [event["seq"] for event in watched(first, "--after", "2")] == list(range(3, len(steps) + 1))
    table = cli("orders", "watch", "--no-follow").out.splitlines()
    assert len(table) == 1 + len(told) and any("SUBMITTED → CONFIRMED" in line and first in line for line in table)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    narrow = cli("orders", "watch", "--no-follow").out.splitlines()
    assert len(narrow) == len(table) and max(map(len, narrow)) <= 80
    assert "no order" in cli.json("orders", "watch", "nobody", code=2)["message"]


def test_an_order_left_open_is_resumed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between signature and sending; the next start finds out and finishes."""
    from tests.cli.runner import dex_process

    killed = dex_process(
        "swap", "1", "SOL", "USDC", "--yes", "--key", "k", "--format", "json", *cli.here,
        home=cli.market, environment={"DEXROUTE_FAILPOINT": "after-commit-signed"},
    )  # fmt: skip
    assert killed.code == -9, killed
    (open_order,) = cli.json("orders", "list")["orders"]
    assert open_order["state"] == "SUBMITTED"
    assert open_order["signature"]
    assert "1 open order; run `dex orders resume`" in " ".join(cli("doctor").out.split())
    before = cli.balances()
    (resumed,) = cli.json("orders", "resume")["orders"]
    assert (resumed["id"], resumed["state"]) == (open_order["id"], "CONFIRMED")
    assert resumed["signature"] == open_order["signature"], "the same bytes"
    assert cli.balances()[resumed["output_mint"]] - before[resumed["output_mint"]] == int(resumed["amount_out"])
    assert cli.json("orders", "resume") == {"orders": []}
    assert cli.json("swap", "1", "SOL", "USDC", "--yes", "--key", "k") == resumed, "and the key still stands for it"


def test_an_order_nothing_was_signed_for_is_cancelled(cli: Cli) -> None:
    from tests.cli.runner import dex_process

    before = cli.balances()
    killed = dex_process(
        "swap", "1", "SOL", "USDC", "--yes", "--format", "json", *cli.here,
        home=cli.market, environment={"DEXROUTE_FAILPOINT": "after-commit-placed"},
    )  # fmt: skip
    assert killed.code == -9, killed
    (open_order,) = cli.json("orders", "list")["orders"]
    assert open_order["state"] == "PENDING"
    cancelled = cli.json("orders", "cancel", open_order["id"])
    assert (cancelled["state"], cancelled["signature"]) == ("CANCELLED", None)
    assert cli.json("orders", "resume") == {"orders": []}
    assert cli.balances() == before


def test_pools(cli: Cli) -> None:
    facts = cli.facts()
    assert cli.json("pools", "list")["pools"] == []
    added = cli.json("pools", "add", facts["pools"][1])
    assert (added["address"], added["venue"], added["tradable"]) == (facts["pools"][1], "dexroute-pool", True)
    assert {mint["symbol"] for mint in added["mints"]} == {"SOL", "USDC"}
    assert int(added["spot_price"]["numerator"]) > 0
    (listed,) = cli.json("pools", "list")["pools"]
    assert (listed["address"], listed["source"]) == (facts["pools"][1], "user")
    shown = cli("pools", "show", facts["pools"][1]).out
    assert "1 SOL = 150" in shown or "1 SOL = 149" in shown or "1 USDC = 0.006" in shown
    found = cli.json("pools", "list", "SOL", "USDC")["pools"]
    assert {pool["address"] for pool in found} == set(facts["pools"][:2])
    everything = cli.json("pools", "list")["pools"]
    assert {pool["venue"] for pool in everything} == {"dexroute-pool", "raydium-cpmm", "meteora-damm-v2"}
    table = cli("pools", "list").out
    assert all(pool["address"] in table for pool in everything)
    assert "SOL/USDC" in table or "USDC/SOL" in table
    assert "two tokens" in cli("pools", "list", "SOL", code=2).err
    for venue, pool in facts["recorded"].items():
        assert cli.json("pools", "show", pool)["venue"] == venue


def test_wallet_and_airdrop(cli: Cli) -> None:
    address = cli.json("wallet", "address")["address"]
    before = cli.json("wallet", "balance")
    assert before["address"] == address
    symbols = {token["symbol"]: token for token in before["tokens"]}
    assert {"USDC", "BONK", "TAXED"} <= set(symbols)
    assert symbols["USDC"]["decimals"] == 6
    given = cli.json("airdrop", "2.5")
    assert (given["address"], given["lamports"]) == (address, "2500000000")
    assert int(cli.json("wallet", "balance")["lamports"]) - int(before["lamports"]) == 2_500_000_000
    other = cli.json("wallet", "balance", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T")
    assert (other["lamports"], other["tokens"]) == ("0", [])
    cli.json("airdrop", "1", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T")
    assert cli.json("wallet", "balance", "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T")["sol"] == "1"
    assert cli.json("airdrop", "0", code=2)["code"] == "INVALID_AMOUNT"
    assert cli.json("wallet", "balance", "nobody", code=2)["code"] == "USAGE"


def test_config_names_the_source_of_each_setting(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solana = home / ".config" / "solana" / "cli" / "config.yml"
    solana.parent.mkdir(parents=True)
    solana.write_text("json_rpc_url: http://127.0.0.1:7777\nkeypair_path: /nowhere/id.json\n")
    monkeypatch.setenv("DEXROUTE_SLIPPAGE_BPS", "70")
    shown = json.loads(cli.bare("config", "--data-dir", str(cli.market), "--format", "json").out)
    assert shown["slippage_bps"] == {"value": 70, "source": "environment DEXROUTE_SLIPPAGE_BPS"}
    assert shown["data_dir"] == {"value": str(cli.market), "source": "flag"}
    assert shown["url"]["value"] == "http://127.0.0.1:7777" and "config.yml" in shown["url"]["source"]
    assert shown["keypair"]["value"] == "/nowhere/id.json"
    assert shown["commitment"]["source"] == "default"


def test_doctor_finds_everything_in_order(cli: Cli) -> None:
    checks = {check["check"]: check for check in cli.json("doctor")["checks"]}
    assert checks.keys() >= {"keypair", "rpc", "clock", "journal", "dexroute-pool", "raydium-cpmm", "meteora-damm-v2"}
    assert {name for name, check in checks.items() if check["status"] == "failed"} == set()
    assert checks["dexroute-pool"]["status"] == "ok"
    assert "quotes only" in checks["raydium-cpmm"]["detail"]


def test_doctor_leaves_with_the_first_failures_code(cli: Cli) -> None:
    cli.wallet.chmod(0o644)
    told = cli.bare("doctor", *cli.here, "--format", "json", code=2)
    failed = [check for check in told.json["checks"] if check["status"] == "failed"]
    assert [check["code"] for check in failed] == ["KEYPAIR"]
    cli.wallet.chmod(0o600)
    down = ("-u", "http://127.0.0.1:1", "--data-dir", str(cli.market), "-k", str(cli.wallet))
    told = cli.bare("doctor", *down, "--format", "json", code=5)
    statuses = {check["check"]: check["status"] for check in told.json["checks"]}
    assert statuses == {"keypair": "ok", "rpc": "failed", "journal": "ok"}


def test_the_whole_journal_is_held_to_its_rules(cli: Cli) -> None:
    """With real swaps on the embedded cluster; then a lamport is altered behind its back."""
    import sqlite3
    from contextlib import closing

    assert cli.json("doctor", "--invariants")["checked"]["orders"] == 0
    first = cli.json("swap", "1", "SOL", "USDC", "--yes")
    cli.json("swap", "10", "USDC", "SOL", "--yes")
    found = cli.json("doctor", "--invariants", "--chain")
    assert found["ok"] and found["violations"] == []
    assert found["checked"]["orders"] == found["checked"]["fills"] == 2 and found["chain"] == {"compared": 2, "forgotten": 0}
    assert "every rule holds" in cli("doctor", "--invariants").out
    with closing(sqlite3.connect(cli.market / "journal.sqlite3")) as raw:
        raw.execute("UPDATE fills SET amount_in = '00000000001000000001' WHERE order_id = ?", (first["id"],))
        raw.commit()
    broken = cli("doctor", "--invariants", "--chain", "--format", "json", code=2).json
    assert not broken["ok"]
    assert {violation["order"] for violation in broken["violations"]} == {first["id"]}
    assert {violation["rule"] for violation in broken["violations"]} == {"fill", "balance", "chain"}
    told = cli("doctor", "--invariants", code=2)
    assert "1 lamports are not accounted for" in told.out and first["id"] in told.out
    assert "--invariants" in cli("doctor", "--chain", code=2).err
