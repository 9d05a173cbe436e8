"""Errors as the person at the terminal reads them: their own symbols, whole tokens, and the thing that is really in the way."""

from __future__ import annotations

from tests.cli.runner import Cli


def test_more_than_there_is_says_how_much_there_is(cli: Cli) -> None:
    said = cli("quote", "200000", "SOL", "USDC", "--exact-out", code=3).err
    assert "no route from SOL to USDC" in said and "  asked for: 200000 USDC\n" in said
    assert "  at most: 179" in said and said.split("at most: ")[1].split("\n")[0].endswith(" USDC")
    told = cli.json("quote", "200000", "SOL", "USDC", "--exact-out", code=3)
    mints = told["context"]["input_mint"], told["context"]["output_mint"]
    assert all(mint in told["message"] for mint in mints), "programs get addresses"


def test_guards_tell_amounts_in_tokens(cli: Cli) -> None:
    said = cli("quote", "50", "SOL", "USDC", "--max-impact-bps", "100", code=4).err
    assert "  in: 50 SOL\n  out: 71" in said and " USDC\n" in said
    said = cli("quote", "50", "SOL", "USDC", "--max-deviation-bps", "100", code=4).err
    assert "  at the reference price: 7500 USDC\n" in said


def test_an_error_about_a_name_keeps_the_address(cli: Cli) -> None:
    said = cli("quote", "1", "SOL", "USDT", code=2).err
    assert "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB" in said


def test_what_is_in_the_way_is_named(cli: Cli) -> None:
    said = cli("quote", "1", "SOL", "USDC", "--max-accounts", "10", code=3).err
    assert "1 leg(s) of 1 hop(s)" in said and "--max-accounts" in said and "bytes" not in said
    elsewhere = cli.facts()["recorded"]["raydium-cpmm"]
    said = cli("quote", "1", "SOL", "USDC", "--pool", elsewhere, code=3).err
    assert "1 pool(s) named (--pool)" in said and "dex pools add" not in said
    mint = "So11111111111111111111111111111111111111112"
    said = cli("quote", "1", "SOL", "USDC", "--pool", mint, code=2).err
    assert f"pool {mint}: owned by" in said, "it is not called SOL: that is not what was asked for"
    assert "check the address and the cluster (-u)" in said and len(said) < 400
    assert f"lookup table {mint} is" in cli("tables", "close", mint, "--yes", code=4).err


def test_lines_that_are_redirected_end_where_their_text_does(cli: Cli) -> None:
    for arguments in (("quote", "1", "SOL", "USDC"), ("route", "50", "SOL", "USDC", "--explain"), ("pools", "list")):
        lines = cli(*arguments).out.splitlines()
        assert len(lines) > 5 and lines == [line.rstrip() for line in lines]
