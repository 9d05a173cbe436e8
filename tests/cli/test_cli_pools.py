"""`dex pools list`: what is known, how much is in it, who said so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dexroute import Dex, RouteOptions
from tests.cli.runner import Cli
from tests.sdk.test_sdk_strategies import failed_through


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


def test_the_record_of_pools_is_what_orders_came_to(cli: Cli) -> None:
    assert cli.json("pools", "record") == {"pools": []}
    assert "no order" in cli("pools", "record").out
    receipt = cli.json("swap", "1", "SOL", "USDC", "--yes", "--strategy", "reliability", "--max-splits", "1")
    (record,) = cli.json("pools", "record")["pools"]
    assert record["address"] == receipt["route"]["legs"][0]["hops"][0]["pool"]
    assert (record["landed"], record["landed_with_error"], record["refused"], record["expired"]) == (1, 0, 0, 0)
    assert (record["average_shortfall_ppm"], record["cooled"]) == (0, None)
    assert 0 < record["penalty_ppm"] < 1_250, "less than what nobody has used counts as"
    told = cli("pools", "record").out
    assert "dexroute-pool" in told and f"-{record['penalty_ppm'] / 100:.2f} bps" in told


def test_the_graph_of_known_pools(cli: Cli, tmp_path: Path) -> None:
    assert cli.json("pools", "graph") == {"mints": [], "edges": [], "parts": [], "symbols": {}}
    assert "no pools remembered" in cli("pools", "graph").out
    cli.json("quote", "1", "SOL", "USDC")
    picture = tmp_path / "graph.svg"
    graph = cli.json("pools", "graph", "--plot", str(picture))
    names = graph["symbols"]
    by_pair = {frozenset(names[mint] for mint in edge["mints"]): edge for edge in graph["edges"]}
    assert by_pair[frozenset({"SOL", "USDC"})]["venues"] == {"dexroute-pool": 2}
    assert by_pair[frozenset({"REC2A", "REC2B"})]["venues"] == {"dexroute-pool": 1, "raydium-cpmm": 1}
    assert sorted(len(part) for part in graph["parts"]) == [2, 2, 4]
    told = cli("pools", "graph").out
    assert "3 separate parts of 4, 2, 2 tokens" in told and "2 dexroute-pool" in told
    root = ElementTree.fromstring(picture.read_text())
    texts = {element.text for element in root.iter() if element.tag.endswith("}text")}
    assert set(names.values()) <= texts
    assert len([element for element in root.iter() if element.tag.endswith("}path")]) == 8


def test_the_graph_by_option_is_the_graph_by_command(cli: Cli, tmp_path: Path) -> None:
    cli.json("quote", "1", "SOL", "USDC")
    by_command = cli.json("pools", "graph")
    assert by_command["edges"] and cli.json("pools", "--graph") == by_command
    picture = tmp_path / "graph.svg"
    assert "separate parts" in cli("pools", "--graph", "--plot", str(picture)).out and picture.exists()
    assert "--graph stands for the command" in cli("pools", "--graph", "list", code=2).err
    assert "--plot" in cli.bare("pools", "--graph", "--help").out


@pytest.mark.parametrize("width", [80, 120])
def test_addresses_are_whole_at_every_width(cli: Cli, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.json("quote", "1", "SOL", "USDC")
    addresses = [pool["address"] for pool in cli.json("pools", "list")["pools"]]
    monkeypatch.setattr("dexroute.cli.session._REDIRECTED_WIDTH", width)
    told = cli("pools", "list").out
    assert len(addresses) >= 9 and "…" not in told
    for address in addresses:
        assert address in told
    assert all(len(line.rstrip()) <= width for line in told.splitlines())


async def _fail_twice(cli: Cli) -> None:
    async with Dex(url="embedded", data_dir=cli.market, keypair=str(cli.wallet)) as dex:
        (hop,) = (await dex.quote("SOL", "USDC", "1", route=RouteOptions(max_splits=1))).best.route.hops
        for _ in range(2):
            await failed_through(dex, hop.pool, hop.venue_id, {"error_class": "requote", "cause": "dexroute-pool: it moved"})


def test_why_a_pool_is_left_out_is_said_at_any_width(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a column it was what a terminal of 80 characters dropped first."""
    asyncio.run(_fail_twice(cli))
    for width in (80, 120):
        monkeypatch.setattr("dexroute.cli.session._REDIRECTED_WIDTH", width)
        told = " ".join(cli("pools", "record").out.split())
        assert "left out for now: dexroute-pool " in told and "2 failures in a row, the last 0 min ago" in told
        assert "tried again in 15 min" in told
