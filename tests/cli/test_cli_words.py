"""Errors as the person at the terminal reads them: their own symbols, whole tokens, and the thing that is really in the way."""

from __future__ import annotations

import re
import shlex

import pytest

from dexroute.cli.session import OutputFormat, Session
from tests.cli.runner import Cli


def test_more_than_there_is_says_how_much_there_is(cli: Cli) -> None:
    said = cli("quote", "200000", "SOL", "USDC", "--exact-out", code=3).err
    assert "no route from SOL to USDC for 200000 USDC out: " in said and "At most 180029.816832 USDC can be delivered" in said
    assert "200000 USDC would have to leave a reserve of 30030 USDC" in said and "base units" not in said
    said = cli("quote", "300000", "SOL", "USDC", "--exact-out", code=3).err
    assert (
        "all pools that were read hold 240030 USDC together" in said
        and "; at most 180029.816832 USDC" in said
        and "base units" not in said
    )
    told = cli.json("quote", "200000", "SOL", "USDC", "--exact-out", code=3)
    mints = told["context"]["input_mint"], told["context"]["output_mint"]
    assert all(mint in told["message"] for mint in mints), "programs get addresses"
    assert f"200000000000 base units of {mints[1]} out" in told["message"], "and base units"


def test_a_refusal_is_in_the_token_it_measures(cli: Cli) -> None:
    said = cli("quote", "0.000000001", "SOL", "USDC", code=3).err
    assert (
        "for 0.000000001 SOL in" in said and "refuses exact_in of 0.000000001 SOL, SOL to USDC" in said and "base units" not in said
    )
    assert said.count(cli.facts()["pools"][0]) == 1, "the headline's reason is not said twice"


def test_guards_tell_amounts_in_tokens(cli: Cli) -> None:
    said = cli("quote", "50", "SOL", "USDC", "--max-impact-bps", "100", code=4).err
    assert "the limit is 100 bps (50 SOL for 71" in said and " USDC); swap less" in said
    said = cli("quote", "50", "SOL", "USDC", "--max-deviation-bps", "100", code=4).err
    assert "the route delivers 71" in said and "gives 7500 USDC: " in said and "base units" not in said


def test_what_a_wallet_lacks_is_in_whole_tokens(cli: Cli) -> None:
    said = cli("swap", "90000", "USDC", "SOL", "--yes", code=4).err
    assert "and the swap can take 90000 USDC; send " in said and "  - token amount: 90000 USDC\n" in said
    said += cli("swap", "5000", "SOL", "USDC", "--yes", code=4).err
    assert "and the swap needs 5000.002" in said and "base units" not in said and "lamports" not in said
    refused = cli("submit", "5000", "SOL", "USDC", "--yes", code=4).err
    assert refused.startswith("error [INSUFFICIENT_FUNDS] ") and "and the swap needs 5000.002" in refused
    cli("submit", "120", "SOL", "USDC", "--yes")
    for command in ("swap", "submit"):
        promised = cli(command, "20", "SOL", "USDC", "--yes", code=4).err
        assert promised.startswith("error [FUNDS_PROMISED] the order may take 20.00") and " promise 120.00" in promised
        assert " SOL too few; nothing was placed" in promised and "base units" not in promised


def test_why_an_order_failed_is_told_wherever_it_is_shown(cli: Cli) -> None:
    cli("swap", "5000", "SOL", "USDC", "--yes", code=4)
    listed = cli("orders", "list").out
    assert "5000 SOL → ?  INSUFFICIENT_FUNDS" in listed
    (order,) = cli.json("orders", "list")["orders"]
    shown = cli("orders", "show", order["id"]).out
    assert "and the swap needs 5000.002" in " ".join(shown.split()) and "lamports" not in shown


def test_steps_have_units(cli: Cli) -> None:
    order = cli.json("swap", "1.5", "SOL", "USDC", "--yes")["id"]
    shown = " ".join(cli("orders", "show", order).out.split())
    assert "amount in 1.5 SOL, amount out 224." in shown and "min amount out 223." in shown
    assert "price impact 14 bps" in shown and "compute unit price 0 micro-lamports" in shown


def test_an_error_about_a_name_keeps_the_address(cli: Cli) -> None:
    said = cli("quote", "1", "SOL", "USDT", code=2).err
    assert "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB" in said


def test_what_is_in_the_way_is_named(cli: Cli) -> None:
    said = cli("quote", "1", "SOL", "USDC", "--max-accounts", "10", code=3).err
    assert "1 leg of 1 hop would name 13 accounts" in said and "--max-accounts" in said and "bytes" not in said
    elsewhere = cli.facts()["recorded"]["raydium-cpmm"]
    said = cli("quote", "1", "SOL", "USDC", "--pool", elsewhere, code=3).err
    assert "the 1 pool named (--pool)" in said and "dex pools add" not in said
    mint = "So11111111111111111111111111111111111111112"
    said = cli("quote", "1", "SOL", "USDC", "--pool", mint, code=2).err
    assert f"pool {mint}: owned by" in said, "it is not called SOL: that is not what was asked for"
    assert "check the address and the cluster (-u)" in said and len(said) < 400
    assert f"lookup table {mint} is" in cli("tables", "close", mint, "--yes", code=4).err


def test_lines_that_are_redirected_end_where_their_text_does(cli: Cli) -> None:
    for arguments in (("quote", "1", "SOL", "USDC"), ("route", "50", "SOL", "USDC", "--explain"), ("pools", "list")):
        lines = cli(*arguments).out.splitlines()
        assert len(lines) > 5 and lines == [line.rstrip() for line in lines]


def test_what_was_left_out_is_the_next_step(cli: Cli) -> None:
    said = cli("quote", "1", "SOL", "USDC", "--venue", "raydium-clmm", code=3).err
    assert "and none is left; leave out less, add a pool" in said
    said = cli("quote", "1", "SOL", "USDC", "--exclude-venue", "dexroute-pool", code=3).err
    assert "and the others do not join them; leave out less, add a pool" in said
    pool = cli.facts()["pools"][0]
    said = cli("quote", "1", "SOL", "USDC", "--pool", pool, "--venue", "raydium-clmm", code=2).err
    assert f"pool {pool} is asked for (--pool) and is of dexroute-pool, which is left out (--venue" in said
    said = cli("quote", "1", "SOL", "USDC", "--oracle", f"SOL={pool}", "--oracle", f"SOL={cli.facts()['pools'][1]}", code=2).err
    assert "two price feeds for SOL" in said


def test_a_time_that_ends_before_it_begins(cli: Cli) -> None:
    said = cli("export", "--since", "2027-01-01", "--until", "2026-01-01", code=2).err
    assert "--since 2027-01-01 is after --until 2026-01-01" in said


def test_a_wallet_shows_what_has_a_name_first(cli: Cli) -> None:
    names = [line.split()[1] for line in cli("wallet", "balance").out.splitlines()[1:]]
    named = [name for name in names if "…" not in name]
    assert names[: len(named)] == named and named[0] == "SOL" and {"BONK", "USDC"} <= set(named) and len(names) > len(named)


def test_help_says_defaults(cli: Cli) -> None:
    told = " ".join(cli.bare("swap", "--help").out.replace("│", " ").split())
    for default in (
        "default 10000: any",
        "default 10000: never",
        "default: not looked at",
        "(default 64)",
        "else mainnet-beta)",
        "default confirmed",
    ):
        assert default in told, default


def test_a_next_step_works_as_printed(cli: Cli) -> None:
    """Commands that messages name carry the options that say which cluster, directory and key are meant."""
    submitted = cli("submit", "1", "SOL", "USDC", "--key", "mine", "--yes").out
    named = re.findall(r"`dex ([^`]+)`", submitted)
    assert [command.split(" -u ")[0].split()[:2] for command in named] == [["worker"], ["orders", "watch"]]
    assert "CONFIRMED" in cli.bare(*shlex.split(named[0]), "--until-idle").out
    conflict = cli("swap", "2", "SOL", "USDC", "--key", "mine", "--yes", code=2).err
    (show,) = re.findall(r"`dex ([^`]+)`", conflict)
    assert "-k" not in show and "CONFIRMED" in cli.bare(*shlex.split(show)).out
    unknown = cli.json("orders", "show", "none", code=2)["message"]
    assert unknown.endswith("`dex orders list` shows them"), "programs get the plain message"
    away = cli.bare("quote", "1", "SOL", "USDC", "-u", "http://user:secret@127.0.0.1:1/key", "-k", "none", code=5).err
    assert "secret" not in away
    session = Session(
        url=("http://user:secret@h/key",),
        keypair=("remote:http://s/key",),
        data_dir=None,
        commitment=None,
        format_=OutputFormat.TABLE,
    )
    assert session.as_typed("run `dex orders resume`") == "run `dex orders resume -u URL -k remote:URL`"


def test_commands_to_copy_are_never_broken_over_lines(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    told = cli("submit", "1", "SOL", "USDC", "--yes").out.splitlines()
    steps = [line for line in told if line.startswith("`dex ")]
    assert len(steps) == 2 and all(re.fullmatch(r"`dex [^`]+` (carries it out|follows it)[;.]", line) for line in steps)
    assert all(len(line) > 80 for line in steps)
