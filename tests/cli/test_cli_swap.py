"""`dex swap`: the order it prints, what it moves, and that it moves it once."""

from __future__ import annotations

import base64
from typing import Any

from solders.transaction import VersionedTransaction

from tests.cli.runner import Cli

ORDER_FIELDS = {
    "id", "key", "state", "signature", "slot", "input_mint", "output_mint", "amount_in", "amount_out", "min_amount_out",
    "route", "costs", "attempts",
}  # fmt: skip


def _sol_change(order: dict[str, Any]) -> int:
    costs = {name: int(value) for name, value in order["costs"].items() if name.endswith("_lamports")}
    return (
        -costs["network_fee_lamports"]
        - costs["priority_fee_lamports"]
        - costs["rent_lamports"]
        + costs["rent_refunded_lamports"]
        - costs["other_lamports"]
    )


def test_the_json_is_the_order_and_the_chain_agrees(cli: Cli) -> None:
    before = cli.balances()
    order = cli.json("swap", "1.5", "SOL", "USDC", "--yes", "--key", "monday")
    after = cli.balances()
    assert set(order) >= ORDER_FIELDS
    assert (order["state"], order["key"]) == ("CONFIRMED", "monday")
    for name in ("amount_in", "amount_out", "min_amount_out"):
        assert isinstance(order[name], str) and order[name].isdigit()
    assert int(order["amount_out"]) >= int(order["min_amount_out"])
    assert order["quoted"] == order["simulated"] == order["executed"]
    assert [attempt["signature"] for attempt in order["attempts"]] == [order["signature"]]
    assert order["slot"] == order["attempts"][0]["slot"] > 0
    assert after[order["output_mint"]] - before[order["output_mint"]] == int(order["amount_out"])
    assert after["lamports"] - before["lamports"] == _sol_change(order) - int(order["amount_in"])
    assert order["route"]["legs"][0]["hops"][0]["venue"] == "dexroute-pool"


def test_exact_out_delivers_exactly(cli: Cli) -> None:
    before = cli.balances()
    order = cli.json("swap", "1000000", "SOL", "BONK", "--exact-out", "--yes")
    after = cli.balances()
    assert order["state"] == "CONFIRMED"
    assert after[order["output_mint"]] - before[order["output_mint"]] == int(order["amount_out"]) == 10**11
    assert after["lamports"] - before["lamports"] == _sol_change(order) - int(order["amount_in"])
    assert int(order["amount_in"]) <= int(order["max_amount_in"])


def test_two_hops_leave_what_the_receipt_says(cli: Cli) -> None:
    before = cli.balances()
    order = cli.json("swap", "100", "TAXED", "USDC", "--yes")
    after = cli.balances()
    assert len(order["route"]["legs"][0]["hops"]) == 2
    assert before[order["input_mint"]] - after[order["input_mint"]] == int(order["amount_in"]) == 100_000_000
    assert after[order["output_mint"]] - before[order["output_mint"]] == int(order["amount_out"])
    residual = sum(int(entry["amount"]) for entry in order["costs"]["residuals"])
    assert after["lamports"] - before["lamports"] == _sol_change(order) + residual


def test_the_same_key_is_the_same_order(cli: Cli) -> None:
    first = cli.json("swap", "1", "SOL", "USDC", "--yes", "--key", "once")
    between = cli.balances()
    second = cli("swap", "1", "SOL", "USDC", "--yes", "--key", "once", "--format", "json")
    assert second.json == first
    assert cli.balances() == between
    assert len(cli.json("orders", "list")["orders"]) == 1
    told = cli("swap", "1", "SOL", "USDC", "--yes", "--key", "once")
    assert "nothing new was placed" in told.err


def test_a_key_with_another_body_is_refused(cli: Cli) -> None:
    cli.json("swap", "1", "SOL", "USDC", "--yes", "--key", "once")
    between = cli.balances()
    for other in (["2", "SOL", "USDC"], ["1", "SOL", "USDC", "--slippage-bps", "51"], ["1", "SOL", "USDC", "--exact-out"]):
        refused = cli.json("swap", *other, "--yes", "--key", "once", code=2)
        assert refused["code"] == "IDEMPOTENCY_CONFLICT"
        assert "once" in refused["message"]
    assert cli.balances() == between


def test_dry_run_changes_nothing(cli: Cli) -> None:
    before = cli.balances()
    shown = cli.json("swap", "1", "SOL", "USDC", "--dry-run", "--key", "later")
    assert shown["dry_run"] is True
    assert shown["simulated"]["amount_out"] == shown["quote"]["amount_out"]
    transaction = VersionedTransaction.from_bytes(base64.b64decode(shown["unsigned_transaction"]))
    assert all(bytes(signature) == bytes(64) for signature in transaction.signatures), "unsigned"
    assert "nothing was signed or sent" in cli("swap", "1", "SOL", "USDC", "--dry-run").out
    assert cli.balances() == before
    assert cli.json("orders", "list") == {"orders": []}
    order = cli.json("swap", "1", "SOL", "USDC", "--yes", "--key", "later")
    assert order["state"] == "CONFIRMED", "looking first does not use the key up"


def test_without_a_terminal_it_asks_for_yes(cli: Cli) -> None:
    before = cli.balances()
    for form in ((), ("--format", "json")):
        refused = cli("swap", "1", "SOL", "USDC", *form, code=2)
        assert "--yes" in refused.err
        assert refused.out == ""
    assert cli.balances() == before
    assert cli.json("orders", "list") == {"orders": []}


def test_receipt_for_people(cli: Cli) -> None:
    told = cli("swap", "1.5", "SOL", "USDC", "--yes").out
    for part in ("CONFIRMED", "quoted", "simulated", "executed", "1.5 SOL →", "network fee", "0.000005 SOL", "signed", "confirmed"):
        assert part in told


def test_fixed_priority_fee_is_paid_and_named(cli: Cli) -> None:
    order = cli.json("swap", "1", "SOL", "USDC", "--yes", "--priority-fee", "1000000")
    paid = int(order["costs"]["priority_fee_lamports"])
    assert 10_000 < paid < 60_000, "1 lamport per compute unit"
    refused = cli.json("swap", "1", "SOL", "USDC", "--yes", "--priority-fee", "1000000", "--priority-fee-cap", "10", code=4)
    assert refused["code"] == "PRIORITY_FEE_TOO_HIGH"
