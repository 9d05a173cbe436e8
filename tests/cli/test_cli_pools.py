"""`dex pools list`: what is known, how much is in it, who said so."""

from __future__ import annotations

from tests.cli.runner import Cli


def test_each_source_and_what_pools_held(cli: Cli) -> None:
    cli.json("quote", "1", "SOL", "USDC")
    listed = cli.json("pools", "list", "SOL", "USDC")
    by_name = {one["source"]: one for one in listed["sources"]}
    assert by_name["chain:dexroute-pool"]["found"] >= 1 and by_name["chain:dexroute-pool"]["failure"] is None
    assert all(name.startswith("chain:") for name in by_name), "no API knows this cluster"
    measured = [pool for pool in listed["pools"] if pool["reserves"]]
    assert measured
    for pool in measured:
        assert len(pool["reserves"]) == len(pool["mints"]) and pool["seen_slot"] > 0
        assert all(amount.isdigit() for amount in pool["reserves"])


def test_in_words(cli: Cli) -> None:
    assert "no pools remembered" in cli("pools", "list").out or "liquidity unknown" in cli("pools", "list").out
    cli("quote", "1", "SOL", "USDC")
    said = cli("pools", "list", "SOL", "USDC").out
    assert " SOL + " in said or " USDC + " in said
    assert "chain:dexroute-pool: " in said and " found" in said
    assert " found" not in cli("pools", "list").out, "nothing was asked"
