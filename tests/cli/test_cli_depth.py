"""`dex depth`: exact amounts by venue, and a picture of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dexroute.types.amounts import format_ui_amount
from tests.cli.runner import Cli


def test_every_amount_is_a_quote_of_its_pool(cli: Cli) -> None:
    depth = cli.json("depth", "REC2A", "REC2B")
    assert {venue["venue"] for venue in depth["venues"]} == {"dexroute-pool", "raydium-cpmm"}
    assert depth["levels_bps"] == [10, 25, 50, 100, 200] and depth["slot"] > 0
    checked = 0
    for pool in depth["pools"]:
        for side, ends in (("sell", ("REC2A", "REC2B")), ("buy", ("REC2B", "REC2A"))):
            deepest = pool[side][-1]
            assert deepest["bps"] == 200 and int(deepest["amount_in"]) > 0
            decimals = depth["base_decimals" if side == "sell" else "quote_decimals"]
            amount = format_ui_amount(int(deepest["amount_in"]), decimals)
            quote = cli.json("quote", amount, *ends, "--pool", pool["pool"])
            assert quote["amount_out"] == deepest["amount_out"]
            checked += 1
    assert checked == 4


def test_totals_are_the_sum_of_the_venues_and_grow_outwards(cli: Cli) -> None:
    depth = cli.json("depth", "SOL", "USDC", "--bps", "30", "--bps", "300", "--bps", "30")
    assert depth["levels_bps"] == [30, 300]
    for side in ("sell", "buy"):
        for name in ("amount_in", "amount_out"):
            whole = [int(level[name]) for level in depth["total"][side]]
            parts = [[int(level[name]) for level in venue[side]] for venue in depth["venues"]]
            assert whole == [sum(column) for column in zip(*parts, strict=True)]
            assert whole == sorted(whole) and whole[-1] > 0
    (venue,) = depth["venues"]
    assert venue["pools"] == 2


def test_in_words_at_any_width(cli: Cli) -> None:
    told = cli("depth", "SOL", "USDC").out
    for part in ("1 SOL = ", "mid price", "−10 bps", "+200 bps", "dexroute-pool (2 pools)", "all, in SOL", "costs, in USDC"):
        assert part in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_picture_is_well_formed_and_says_the_venues(cli: Cli, tmp_path: Path) -> None:
    picture = tmp_path / "depth.svg"
    drawn = cli("depth", "REC2A", "REC2B", "--plot", str(picture))
    assert str(picture) in drawn.err
    root = ElementTree.fromstring(picture.read_text())
    texts = [element.text for element in root.iter() if element.tag.endswith("}text")]
    assert {"dexroute-pool", "raydium-cpmm", "mid", "REC2A that can be sold"} <= set(texts)
    assert "prefers-color-scheme: dark" in picture.read_text()
    paths = [element for element in root.iter() if element.tag.endswith("}path")]
    assert len(paths) == 4, "two venues on two sides"
    assert not list(tmp_path.glob(".*")), "no draft is left"
    shown: Any = cli.json("depth", "REC2A", "REC2B")
    assert cli.json("depth", "REC2A", "REC2B", "--plot", str(picture))["levels_bps"] == shown["levels_bps"]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("SOL", "SOL"), 2, "two different"),
        (("SOL", "NOPE"), 2, "NOPE"),
        (("SOL", "USDC", "--bps", "0"), 2, "basis points from 1 to"),
        (("SOL", "USDC", "--bps", "10000"), 2, "basis points from 1 to"),
        (("TAXED", "USDC"), 3, "takes swaps"),
        (("SOL", "USDC", "--plot", "/proc/nowhere/depth.svg"), 2, "cannot be written"),
    ],
)
def test_what_cannot_be_meant(cli: Cli, arguments: tuple[str, ...], code: int, why: str) -> None:
    assert why in cli.json("depth", *arguments, code=code)["message"]


def test_many_levels_are_several_tables_and_no_number_is_cut(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = (1, 2, 5, 10, 25, 50, 100, 200, 500, 1_000, 2_500)
    asked = ("depth", "SOL", "USDC", *(word for bps in levels for word in ("--bps", str(bps))))
    wide = cli(*asked).out
    assert wide.count("all, in SOL") == 2 and "…" not in wide
    monkeypatch.setattr("dexroute.cli.session._REDIRECTED_WIDTH", 80)
    narrow = cli(*asked).out
    assert narrow.count("all, in SOL") > 4 and "…" not in narrow and max(map(len, narrow.splitlines())) <= 80
    for bps in levels:
        assert narrow.count(f"−{bps} bps") == narrow.count(f"+{bps} bps") == 1
    sums = [
        [word for line in told.splitlines() if line.startswith(" all, in SOL") for word in line.split()[3:]]
        for told in (wide, narrow)
    ]
    assert sums[0] == sums[1] and len(sums[0]) == 2 * len(levels)
    monkeypatch.setattr("dexroute.cli.session._REDIRECTED_WIDTH", 20)
    assert cli(*asked).out.count("sell SOL") >= 1, "narrower than any column: cut, but no crash"
