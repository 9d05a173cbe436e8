"""`dex route`: the route with its proof, for programs, for people, and as a picture."""

from __future__ import annotations

import io
import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dexroute import Dex
from dexroute.cli.render_route import render_route
from dexroute.cli.terminal import plain_console
from tests.cli.pictures import outside, overlapping, text_boxes
from tests.cli.runner import Cli


def test_a_split_with_its_proof(cli: Cli) -> None:
    route = cli.json("route", "50", "SOL", "USDC")
    legs, proof = route["legs"], route["certificate"]
    assert len(legs) == 2
    assert sum(int(leg["amount_in"]) for leg in legs) == int(route["amount_in"]) == 50 * 10**9
    assert sum(int(leg["amount_out"]) for leg in legs) == int(route["amount_out"])
    assert sum(leg["share_ppm"] for leg in legs) == 1_000_000
    first, second = (int(leg["marginal_price"]["numerator"]) / int(leg["marginal_price"]["denominator"]) for leg in legs)
    assert abs(first / second - 1) < 1e-4, "the next unit is worth the same in every leg of a good split"
    gap = int(proof["bound"]) - int(route["amount_out"])
    assert gap >= 0 and proof["gap_centi_bps"] == -(-gap * 1_000_000 // int(proof["bound"]))
    assert route["bound"] == proof["bound"]
    chosen, *others = route["candidates"]
    assert chosen["legs"] == 2 and chosen["amount_out"] == route["amount_out"]
    best_single = max(int(candidate["amount_out"]) for candidate in others if candidate["legs"] == 1 and candidate["amount_out"])
    assert int(route["amount_out"]) > best_single
    assert all(candidate["reason"] for candidate in others)
    assert int(route["costs"]["spent_lamports"]) >= 5_000 and route["costs"]["compute_units"] > 0


def test_the_limits_on_hops_and_legs_are_kept_and_their_price_is_said(cli: Cli) -> None:
    free = cli.json("route", "150", "SOL", "BONK")
    assert len(free["legs"]) == 2 and max(len(leg["hops"]) for leg in free["legs"]) == 2
    one = cli.json("route", "150", "SOL", "BONK", "--max-splits", "1")
    assert len(one["legs"]) == 1 and int(one["amount_out"]) < int(free["amount_out"])
    assert int(one["certificate"]["leg_limit_cost"]) > 0
    direct = cli.json("route", "150", "SOL", "BONK", "--direct")
    assert all(len(leg["hops"]) == 1 for leg in direct["legs"]) and int(direct["amount_out"]) < int(one["amount_out"])
    proof = direct["certificate"]  # over pools that join the two mints: no others were read
    parts = ("hop_limit_cost", "leg_limit_cost", "residual_cost", "rounding_cost", "cycle_cost")
    assert sum(int(proof[part]) for part in parts) == int(proof["bound"]) - int(direct["amount_out"]) == int(proof["rounding_cost"])
    few = cli.json("route", "150", "SOL", "BONK", "--max-accounts", "16")
    assert [len(leg["hops"]) for leg in few["legs"]] == [1]
    assert any("accounts" in str(candidate["reason"]) for candidate in few["candidates"])


def test_the_price_of_compute_units_is_part_of_the_costs(cli: Cli) -> None:
    free = cli.json("route", "50", "SOL", "USDC")
    paid = cli.json("route", "50", "SOL", "USDC", "--priority-fee", "1000000")
    assert int(free["costs"]["spent_lamports"]) == 5_000
    asked_for = paid["costs"]["compute_units"] * 115 // 100 + 3_000
    assert int(paid["costs"]["spent_lamports"]) == 5_000 + asked_for, "what the transaction asks for is paid, used or not"
    assert (paid["costs"]["compute_unit_price_micro_lamports"], paid["costs"]["tip_lamports"]) == ("1000000", "0")
    assert int(paid["costs"]["net"]) < int(paid["amount_out"])


def test_the_parts_of_the_costs_are_told_apart(cli: Cli) -> None:
    """Also the account of the output, which no ranking counts: it is the same for every route."""
    poor = cli.market / "poor.json"
    cli.bare("wallet", "new", "-k", str(poor))
    asked = (
        "route",
        "1",
        "SOL",
        "USDC",
        "--priority-fee",
        "10000",
        "-u",
        "embedded",
        "--data-dir",
        str(cli.market),
        "-k",
        str(poor),
    )
    route = cli.bare(*asked, "--format", "json").json
    costs = {name: int(value) for name, value in route["costs"].items()}
    assert costs["network_fee_lamports"] == 5_000 and costs["priority_fee_lamports"] > 0 == costs["tip_lamports"]
    assert costs["spent_lamports"] == costs["network_fee_lamports"] + costs["priority_fee_lamports"]
    assert costs["rent_lamports"] == 2_039_280 and route["candidates"][0]["rent_lamports"] == "0"
    spent = int(route["amount_out"]) - costs["net"]
    assert 0 < spent < 2_000, "5,854 lamports, at 150 micro-dollars each"
    told = " ".join(cli.bare(*asked).out.split())
    for part in (
        "gone (signature 0.000005 SOL, priority fee 0.00000",
        "rent 0.00203928 SOL for 1 token account to open; comes back when you close them",
        "USDC, by which routes are ranked (the output's own account is not in it",
    ):
        assert part in told
    assert int(cli.json("route", "1", "SOL", "USDC")["costs"]["rent_lamports"]) == 0
    assert "not ranked by them: no pool that was read says what SOL is worth in REC1B" in cli("route", "1", "REC1A", "REC1B").out
    reliable = cli("route", "1", "SOL", "USDC", "--strategy", "reliability").out
    assert "USDC for its pools' record)" in " ".join(reliable.split())


@pytest.mark.parametrize(
    "request_", [("150", "SOL", "BONK"), ("400000000", "SOL", "BONK", "--exact-out"), ("1", "TAXED", "USDC", "--max-splits", "1")]
)
def test_what_stays_between_two_hops_is_told_before_the_swap(cli: Cli, request_: tuple[str, ...]) -> None:
    shape = cli.json("quote", *request_)
    left: dict[str, int] = {}
    for leg in shape["route"]["legs"]:
        for before, after in itertools.pairwise(leg["hops"]):
            left[after["input_mint"]] = left.get(after["input_mint"], 0) + int(before["amount_out"]) - int(after["amount_in"])
    assert left and {entry["mint"]: int(entry["amount"]) for entry in shape["residuals"]} == left
    for command in ("quote", "route"):
        assert cli(command, *request_).out.count("stays with you between two hops") == len(left)
    direct = cli.json("quote", "50", "SOL", "USDC")
    assert direct["residuals"] == []


def test_exact_out_and_what_is_to_be_opened(cli: Cli) -> None:
    route = cli.json("route", "400000000", "SOL", "BONK", "--exact-out")
    assert route["amount_out"] == str(400_000_000 * 10**5) and route["limit_on"] == "input"
    assert int(route["certificate"]["bound"]) <= int(route["amount_in"])
    told = cli("route", "400000000", "SOL", "BONK", "--exact-out").out
    assert "no split over these pools costs less than" in told and "BONK/SOL" in told


def test_in_words(cli: Cli) -> None:
    told = cli("route", "150", "SOL", "BONK").out
    for part in ("share", "next: BONK/SOL", "price impact", "reference", "network costs", "no split over these pools returns more"):
        assert part in told
    assert "why not" not in told, "that is --explain's"
    explained = cli("route", "150", "SOL", "BONK", "--explain").out
    assert "why not" in explained and "less after costs" in explained and "\n + " in explained


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("pair", [("SOL", "BONK"), ("TAXED", "USDC"), ("REC2A", "REC2B"), ("SOL", None)])
async def test_every_number_is_whole_at_any_width(cli: Cli, width: int, pair: tuple[str, str | None]) -> None:
    async with Dex(url="embedded", data_dir=cli.market) as dex:
        output = pair[1] or (await dex.token("BONK")).mint
        if pair[1] is None:  # to a mint no list names, through the longest symbol there may be
            names = cli.market / "tokens.json"
            names.write_text(names.read_text().replace('"BONK"', '"OTHER"').replace('"USDC"', '"LONGSYMBOL16CHAR"'))
            dex.reload_tokens()
        quote = await dex.quote(pair[0], output, "150")
    written = io.StringIO()
    render_route(plain_console(written, width=width), quote, age_ms=1, explain=True)
    lines = written.getvalue().splitlines()
    assert len(lines) > 10 and max(map(len, lines)) <= width
    legs = lines[1 : next(number for number, line in enumerate(lines) if line.startswith("next: "))]
    assert len(legs) > len(quote.best.route.hops)
    assert not [line for line in legs if line.rstrip().endswith("…") or "… " in line], "nothing is cut off"
    assert any(f"{quote.price_impact_bps} bps" in line for line in lines)


@pytest.mark.parametrize(
    "request_", [("150", "SOL", "BONK"), ("50", "SOL", "USDC"), ("1", "TAXED", "BONK"), ("0.01", "SOL", "USDC")]
)
def test_a_picture_whose_labels_do_not_overlap(cli: Cli, tmp_path: Path, request_: tuple[str, str, str]) -> None:
    picture = tmp_path / "route.svg"
    shape: Any = cli.json("route", *request_, "--plot", str(picture))
    root = ElementTree.fromstring(picture.read_text())
    hops = [hop for leg in shape["legs"] for hop in leg["hops"]]
    assert len([text for text, _ in text_boxes(root) if "→" in text]) == len(hops) + 1
    assert len([element for element in root.iter() if element.tag.endswith("}path")]) == len(hops)
    assert overlapping(root) == [] and outside(root) == []


def test_broken_pools_among_good_ones_are_listed_and_cost_nothing(cli: Cli) -> None:
    from tests.cli.test_cli_bad_pools import _forge

    honest = cli.json("route", "50", "SOL", "USDC")
    forged = _forge(cli, cli.facts()["pools"][0], after=109, fill=0xFF)
    route = cli.json("route", "50", "SOL", "USDC")
    assert (route["amount_out"], route["route"]) == (honest["amount_out"], honest["route"])
    assert [(entry["pool"], entry["code"]) for entry in route["unusable_pools"]] == [(forged, "DECODE")]
    assert "unusable" in cli("route", "50", "SOL", "USDC", "--explain").out


def test_the_keys_that_the_guide_names_are_there_and_no_other_is_missing(cli: Cli) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "routes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", guide.partition("### For programs")[2].partition("**Ties.**")[0]))
    shape = cli.json("route", "150", "SOL", "BONK")
    assert len(named) > 40 and named <= _keys(shape) | {"output", "input"}, named - _keys(shape)
    asked = {"mode", "slippage_bps", *(key for key in shape if key.startswith(("input_", "output_")))}
    told_in_parts = {"route", "unix_timestamp", "unlisted_candidates"}
    assert set(shape) - named == asked | told_in_parts


def _keys(shape: Any) -> set[str]:
    if isinstance(shape, dict):
        return set(shape).union(*map(_keys, shape.values()))
    return set().union(*map(_keys, shape)) if isinstance(shape, list) else set()
