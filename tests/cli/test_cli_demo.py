"""`dex demo`: the command a stranger types first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Cli

FAMILIES = {"dexroute-pool", "raydium-cpmm", "meteora-damm-v2"}


def _shape(found: dict[str, list[dict[str, object]]]) -> None:
    assert [order["state"] for order in found["orders"]] == ["CONFIRMED", "CONFIRMED"]
    for order in found["orders"]:
        assert order["id"] and order["signature"]
        for name in ("amount_in", "amount_out"):
            assert isinstance(order[name], str) and order[name]
    assert [order["mode"] for order in found["orders"]] == ["exact_in", "exact_out"]
    assert {str(quote["venue"]) for quote in found["quotes"]} >= FAMILIES
    assert {quote["venue"] for quote in found["quotes"] if not quote["swappable"]} == FAMILIES - {"dexroute-pool"}


def test_one_json_object_and_nothing_kept(cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    found = cli.bare("demo", "--format", "json").json
    _shape(found)
    assert found["elapsed_ms"] < 30_000
    assert list(elsewhere.iterdir()) == [], "a temporary demo leaves nothing"
    assert not (home / ".local").exists(), "and touches no data of the user"


def test_it_goes_on_where_it_was(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "kept"
    first = cli.bare("demo", "--data-dir", str(directory))
    for part in ("quote", "SOL → USDC", "quote-only", "swap", "CONFIRMED", "SUBMITTED", "go on with it"):
        assert part in first.out
    here = ("--data-dir", str(directory), "--format", "json")
    again = cli.bare("demo", *here).json
    _shape(again)
    orders = cli.bare("orders", "list", "-u", "embedded", *here).json["orders"]
    assert len(orders) == 4
    assert {order["id"] for order in again["orders"]} == {order["id"] for order in orders[:2]}
    quiet = cli.bare("demo", "--quiet", "--data-dir", str(directory)).out
    assert quiet.splitlines() == [f"playground in {directory}, wallet {directory / 'wallet.json'}"]


def test_folders_it_refuses(cli: Cli, tmp_path: Path) -> None:
    half = tmp_path / "half"
    cli.bare("wallet", "new", "-k", str(half / "wallet.json"))
    assert "no finished demo" in cli.bare("demo", "--data-dir", str(half), code=2).err
    (half / "playground.json").write_text("{")
    assert "damaged" in cli.bare("demo", "--data-dir", str(half), code=2).err
    assert "embedded cluster only" in cli.bare("demo", "-u", "mainnet-beta", code=2).err
