"""What a person can type wrong: each ends with one clear error, the right exit code, and nothing done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dexroute.cli.route_options import VENUE_IDS
from dexroute.fetchers import VENUES
from tests.cli.runner import Cli

U64_MAX = 2**64 - 1

AMOUNTS = [
    ("1.0000000001", "has 10 decimals, the mint has 9"),
    ("0", "is zero"),
    ("0.000000000", "is zero"),
    ("-1", "is negative"),
    ("-0.5", "is negative"),
    ("18446744073.709551616", "more than a token account can hold"),
    ("9" * 30, "more than a token account can hold"),
    ("9" * 100, "too long"),
    ("nan", "no number"),
    ("inf", "no number"),
    ("1e3", "no exponents"),
    ("1,5", "no separators"),
    ("1_000", "no separators"),
    ("0x10", "digits"),
    ("", "empty"),
    ("١", "only the digits 0-9"),
    ("1.5 ", "digits"),
]


def test_amounts_that_cannot_be_meant(cli: Cli) -> None:
    refused = [(cli.json("quote", amount, "SOL", "USDC", code=2), why) for amount, why in AMOUNTS]
    assert len(refused) == len(AMOUNTS)
    for error, why in refused:
        assert error["code"] == "INVALID_AMOUNT"
        assert not error["retryable"]
        assert why in error["message"]


def test_a_refused_amount_for_people_and_for_swaps(cli: Cli) -> None:
    before = cli.balances()
    told = cli("swap", "1.0000000001", "SOL", "USDC", "--yes", code=2)
    assert told.out == ""
    assert told.err.startswith("error [INVALID_AMOUNT]")
    assert cli.json("swap", "-1", "SOL", "USDC", "--yes", code=2)["code"] == "INVALID_AMOUNT"
    assert cli.json("swap", "0", "SOL", "USDC", "--yes", code=2)["code"] == "INVALID_AMOUNT"
    assert cli.balances() == before
    assert cli.json("orders", "list") == {"orders": []}


def test_the_largest_amount_is_read_and_refused_for_its_owner_only(cli: Cli) -> None:
    error = cli.json("swap", "18446744073.709551615", "SOL", "USDC", "--yes", code=4)
    assert error["code"] == "INSUFFICIENT_FUNDS"
    assert int(error["context"]["need"]) > U64_MAX, "with the rent of the account it would be wrapped in"


def test_unknown_symbol_names_the_near_ones(cli: Cli) -> None:
    error = cli.json("quote", "1", "SOL", "USDD", code=2)
    assert error["code"] == "UNKNOWN_TOKEN"
    assert "USDC" in error["context"]["near"]
    assert "did you mean" in error["message"]
    assert cli.json("quote", "1", "qqqqqqqqqqqq", "USDC", code=2)["context"]["near"] == []


def test_a_mint_that_is_none(cli: Cli) -> None:
    pool, wallet = cli.facts()["pools"][0], cli.json("wallet", "address")["address"]
    nowhere = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
    for address, why in ((pool, "no token program"), (wallet, "no token program"), (nowhere, "no mint")):
        error = cli.json("quote", "1", "SOL", address, code=2)
        assert error["code"] == "UNKNOWN_TOKEN"
        assert address in error["message"] and why in error["message"]


def test_the_same_token_twice(cli: Cli) -> None:
    assert "same" in cli.json("quote", "1", "SOL", "SOL", code=2)["message"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--venue", "orca"], "known venues: raydium-"),
        (["--exclude-venue", "orca"], "known venues"),
        (["--venue", "raydium-cpmm", "--exclude-venue", "raydium-cpmm"], "asked for and excluded at once"),
        (["--pool", "nonsense"], "not an address"),
        (["--exclude-pool", "0" * 44], "not an address"),
        (["--max-hops", "5"], "between 1 and 4"),
        (["--max-hops", "0"], "between 1 and 4"),
        (["--max-splits", "9"], "between 1 and 8"),
        (["--slippage-bps", "10000"], "between 0 and 9999"),
        (["--slippage-bps", "-1"], "between 0 and 9999"),
        (["--max-impact-bps", "10001"], "between 0 and 10000"),
        (["--max-deviation-bps", "10001"], "between 0 and 10000"),
        (["--max-slot-age", "-1"], "is negative"),
        (["--direct", "--max-hops", "2"], "drop one of the two"),
        (["--direct", "--via", "BONK"], "passes through no mint"),
        (["--via", "USDC"], "what is paid or received"),
        (["--via", "NOPE"], "NOPE"),
        (["--max-accounts", "0"], "between 1 and 64"),
        (["--strategy", "luck"], "--strategy"),
        (["--oracle", "SOL"], "TOKEN=ACCOUNT"),
        (["--oracle", "SOL=nonsense", "--max-deviation-bps", "5"], "not an address"),
        (["--oracle", "SOL=SysvarC1ock11111111111111111111111111111111"], "nothing is measured by them"),
        (["--hop-slippage-bps", "-1"], "between 0 and 9999"),
        (["--slippage-bps", "0.5"], "--slippage-bps"),
        (["--commitment", "eventually"], "--commitment"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_options_that_cannot_be_meant(cli: Cli, options: list[str], why: str) -> None:
    assert why in cli.json("quote", "1", "SOL", "USDC", *options, code=2)["message"]


def test_venues_are_named_in_the_help_and_completed(cli: Cli, home: Path) -> None:
    assert tuple(venue.id for venue in VENUES) == VENUE_IDS
    said = " ".join(cli.bare("quote", "--help").out.replace("│", "").split())
    assert all(venue in said for venue in VENUE_IDS)
    asked = {"_DEX_COMPLETE": "complete_bash", "COMP_WORDS": "dex swap --exclude-venue mete", "COMP_CWORD": "3"}
    done = subprocess.run(
        [Path(sys.executable).with_name("dex")], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["meteora-damm-v1", "meteora-damm-v2", "meteora-dlmm"]


def test_a_pool_of_a_venue_that_is_left_out(cli: Cli) -> None:
    pool = cli.facts()["pools"][0]
    for options in (["--venue", "raydium-cpmm"], ["--exclude-venue", "dexroute-pool"]):
        error = cli.json("route", "1", "SOL", "USDC", "--pool", pool, *options, code=2)
        assert error["code"] == "USAGE" and (error["context"]["pool"], error["context"]["venue"]) == (pool, "dexroute-pool")
        assert "drop one of the two" in error["message"]


def test_a_format_nobody_knows(cli: Cli) -> None:
    told = cli("quote", "1", "SOL", "USDC", "--format", "xml", code=2)
    assert "--format" in told.err and told.out == ""


def test_missing_arguments_point_to_the_help(cli: Cli) -> None:
    told = cli.bare("swap", "1", "SOL", code=2)
    assert "TO" in told.err and "dex swap --help" in told.err
    assert cli.bare("nothing-like-this", "--format", "json", code=2).error["code"] == "USAGE"


@pytest.mark.parametrize("url", ["htp://node", "ftp://node/x", "node:8899:1", "https://", "mainet", " "])
def test_urls_that_are_none(cli: Cli, url: str) -> None:
    told = cli.bare("quote", "1", "SOL", "USDC", "--data-dir", str(cli.market), "--format", "json", "-u", url, code=2)
    assert told.error["code"] == "CONFIG"


def test_guards_leave_with_4_and_name_their_numbers(cli: Cli) -> None:
    impact = cli.json("swap", "50", "SOL", "USDC", "--max-impact-bps", "10", "--yes", code=4)
    assert impact["code"] == "PRICE_IMPACT_TOO_HIGH"
    assert impact["context"]["price_impact_bps"] > 10
    reference = cli.json("swap", "50", "SOL", "USDC", "--max-deviation-bps", "10", "--yes", code=4)
    assert reference["code"] == "PRICE_DEVIATION"
    assert reference["context"]["deviation_bps"] > reference["context"]["max_deviation_bps"] == 10
    assert int(reference["context"]["reference_amount_out"]) > int(reference["context"]["amount_out"])
    clock = "SysvarC1ock11111111111111111111111111111111"
    feeds = ["--oracle", f"SOL={clock}", "--oracle", f"USDC={clock}", "--max-deviation-bps", "100"]
    oracle = cli.json("swap", "1", "SOL", "USDC", *feeds, "--yes", code=4)
    assert oracle["code"] == "ORACLE_UNUSABLE" and "not by the Pyth receiver" in oracle["message"]
    quote_only = cli.json("swap", "1", "REC2A", "REC2B", "--venue", "raydium-cpmm", "--yes", code=4)
    assert quote_only["code"] == "QUOTE_ONLY"
    assert "CPMM" in quote_only["message"]
    assert cli.json("orders", "list") == {"orders": []}


def test_no_route_says_what_was_tried(cli: Cli) -> None:
    nothing = cli.json("quote", "1", "REC1A", "USDC", code=3)
    assert nothing["code"] == "NO_ROUTE"
    assert "2 of 9 known pools hold" in nothing["message"] and "nothing joins them in any number of hops" in nothing["message"]
    assert nothing["context"]["pools_known"] == nothing["context"]["pools_allowed"] == 9
    left_out = cli.json("quote", "1", "SOL", "USDC", "--venue", "raydium-clmm", code=3)
    assert "9 of 9 known pools are left out as asked (--venue), and none is left" in left_out["message"], "no option not at work"
    too_much = cli.json("quote", "900000", "SOL", "USDC", "--exact-out", code=3)
    assert len(too_much["context"]["candidates"]) >= 3
    assert 230_000 * 10**6 < int(too_much["context"]["held"]) < 900_000 * 10**6
    most, usdc = int(too_much["context"]["most_fillable"]), too_much["context"]["output_mint"]
    assert 0 < most < int(too_much["context"]["held"])
    assert (
        f"hold {too_much['context']['held']} base units of {usdc} together, and more liquidity is not known; at most {most} base "
        f"units of {usdc} can be delivered"
    ) in too_much["message"]
    assert all(candidate["reason"] for candidate in too_much["context"]["candidates"])
    told = cli("quote", "900000", "SOL", "USDC", "--exact-out", code=3)
    assert told.err.count("\n  - ") == len(too_much["context"]["candidates"])
    hops = cli.json("quote", "1", "TAXED", "USDC", "--max-hops", "1", code=3)
    assert hops["code"] == "NO_ROUTE"
    assert "it takes 2 hops from one to the other and 1 are allowed" in hops["message"]


def test_too_little_sol_is_itemised(cli: Cli) -> None:
    before = cli.balances()
    error = cli.json("swap", "100000", "SOL", "USDC", "--yes", code=4)
    assert error["code"] == "INSUFFICIENT_FUNDS"
    items = error["context"]["items"]
    assert items["sol_amount_lamports"] == "100000000000000"
    assert items["network_fee_lamports"] == "5000"
    assert int(items["temporary_rent_lamports"]) > 0
    need, have, short = (int(error["context"][name]) for name in ("need", "have", "short"))
    assert (have, short) == (before["lamports"], need - have)
    told = cli("swap", "100000", "SOL", "USDC", "--yes", code=4)
    assert "sol amount: 100000 SOL" in told.err and "network fee: 0.000005 SOL" in told.err
    assert cli.balances() == before


def test_too_few_tokens_are_itemised(cli: Cli) -> None:
    before = cli.balances()
    error = cli.json("swap", "59999", "TAXED", "SOL", "--yes", code=4)
    assert error["code"] == "INSUFFICIENT_FUNDS"
    assert error["context"]["need"] == "59999000000"
    assert int(error["context"]["have"]) == before[error["context"]["mint"]]
    assert error["context"]["items"]["token_amount"] == "59999000000"
    assert cli.balances() == before
    (order,) = cli.json("orders", "list")["orders"]
    assert (order["state"], order["signature"], order["attempts"]) == ("FAILED", None, [])


def test_a_wallet_without_sol_is_told_about_fee_and_rent(cli: Cli) -> None:
    poor = cli.market / "poor.json"
    cli.bare("wallet", "new", "-k", str(poor))
    here = ("-u", "embedded", "--data-dir", str(cli.market), "-k", str(poor), "--format", "json")
    error = cli.bare("swap", "1", "SOL", "USDC", "--yes", *here, code=4).error
    assert error["code"] == "INSUFFICIENT_FUNDS"
    assert error["context"]["have"] == "0"
    assert int(error["context"]["items"]["rent_lamports"]) > 2_000_000, "the USDC account it would have to open"
    assert cli.bare("wallet", "balance", *here).json["lamports"] == "0"


def test_orders_that_are_not_there_or_over(cli: Cli) -> None:
    assert cli.json("orders", "show", "nothing", code=2)["code"] == "ORDER_NOT_FOUND"
    assert cli.json("orders", "cancel", "nothing", code=2)["code"] == "ORDER_NOT_FOUND"
    done = cli.json("swap", "1", "SOL", "USDC", "--yes")
    assert cli.json("orders", "cancel", done["id"], code=2)["code"] == "ILLEGAL_TRANSITION"
    assert "states: PENDING" in cli.json("orders", "list", "--state", "DONE", code=2)["message"]


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak"])
def test_keys_that_are_none(cli: Cli, key: str) -> None:
    other = cli.facts()["recorded"]["raydium-cpmm"]
    for command in ("swap", "submit"):  # before any market is looked at: with these pools there is no route
        error = cli.json(command, "1", "SOL", "USDC", "--pool", other, "--yes", "--key", key, code=2)
        assert error["code"] == "USAGE" and "1 to 200 printable characters" in error["message"]
    assert cli.json("orders", "list") == {"orders": []}


def test_a_negative_number_is_the_amounts_only_where_an_amount_stands(cli: Cli) -> None:
    assert "amount '-1' is negative" in cli("submit", "--refresh", "-1", "SOL", "USDC", code=2).err
    assert "'--deadline': Input should be greater" in cli("submit", "1", "SOL", "USDC", "--deadline", "-5", code=2).err


def test_a_large_impact_is_not_passed_over(cli: Cli) -> None:
    said = " ".join(cli("quote", "1000000", "SOL", "USDC").out.split())
    assert "price impact 99" in said and "bps (fees excluded) much for these pools: ask for less; --max-impact-bps" in said
    assert "much for" not in cli("quote", "1", "SOL", "USDC").out
    assert cli.json("quote", "1000000", "SOL", "USDC", "--max-impact-bps", "1000", code=4)["code"] == "PRICE_IMPACT_TOO_HIGH"


def test_what_is_to_be_typed_next_is_whole_at_any_width(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert "`dex tables create --pair FROM/TO -u embedded --data-dir " in cli("tables", "list").out
    assert "`dex pools add ADDRESS -u embedded --data-dir " in cli("depth", "SOL", "REC1A", code=3).err
    assert "`dex tokens add SYMBOL MINT -u embedded " in cli("tokens", "list", "nosuch").out


def test_words_of_the_parsing_library_stay_out(cli: Cli) -> None:
    assert cli("submit", "1", "SOL", "USDC", "--priority", "urgent", code=2).err.startswith(
        "error [USAGE] Invalid value for '--priority': 'urgent' is not one of 'low', 'normal', 'high'; see `dex submit --help`"
    )
    assert "both tokens are SOL" in cli("pools", "list", "SOL", "SOL", code=2).err
