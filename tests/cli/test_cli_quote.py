"""`dex quote`: what it says to people and to programs."""

from __future__ import annotations

from tests.cli.runner import Cli


def test_json_says_everything_a_program_needs(cli: Cli) -> None:
    quote = cli.json("quote", "1.5", "SOL", "USDC")
    assert quote["amount_in"] == "1500000000"
    assert int(quote["amount_out"]) > int(quote["min_amount_out"]) > 0
    assert int(quote["min_amount_out"]) == int(quote["amount_out"]) * 9_950 // 10_000
    assert (quote["input_symbol"], quote["output_symbol"]) == ("SOL", "USDC")
    assert (quote["input_decimals"], quote["output_decimals"]) == (9, 6)
    assert quote["limit_on"] == "output"
    assert quote["slot"] > 0
    assert 0 <= quote["age_ms"] < 60_000
    assert quote["price_impact_bps"] >= 0
    assert {fee["kind"] for fee in quote["fees"]} == {"pool"}
    chosen, *others = quote["candidates"]
    assert chosen["chosen"] and chosen["reason"] is None
    assert chosen["amount_out"] == quote["amount_out"]
    assert len(others) >= 2
    for candidate in others:
        assert not candidate["chosen"]
        assert candidate["reason"]
        assert isinstance(candidate["amount_out"], str)
    hop = quote["route"]["legs"][0]["hops"][0]
    assert (hop["venue"], hop["pool"]) == ("dexroute-pool", chosen["pools"][0])


def test_table_shows_the_same_numbers(cli: Cli) -> None:
    told = cli("quote", "1.5", "SOL", "USDC").out
    for part in (
        "1.5 SOL",
        "USDC",
        "at least",
        "slippage 50 bps",
        "price impact",
        "pool fee",
        "slot",
        "chosen",
        "less after costs",
    ):
        assert part in told


def test_exact_out_makes_the_amount_the_output(cli: Cli) -> None:
    quote = cli.json("quote", "25", "SOL", "USDC", "--exact-out", "--slippage-bps", "100")
    assert quote["mode"] == "exact_out"
    assert quote["amount_out"] == "25000000"
    assert quote["min_amount_out"] == "25000000"
    assert quote["limit_on"] == "input"
    assert int(quote["max_amount_in"]) == -(-int(quote["amount_in"]) * 10_100 // 10_000)
    assert "at most" in cli("quote", "25", "SOL", "USDC", "--exact-out").out


def test_pool_names_the_only_pool(cli: Cli) -> None:
    wanted = cli.facts()["pools"][1]
    quote = cli.json("quote", "1", "SOL", "USDC", "--pool", wanted)
    assert [candidate["pools"] for candidate in quote["candidates"]] == [[wanted]]


def test_excluded_pool_is_not_used(cli: Cli) -> None:
    best = cli.json("quote", "1", "SOL", "USDC")["candidates"][0]["pools"]
    without = cli.json("quote", "1", "SOL", "USDC", "--exclude-pool", best[0])
    assert without["candidates"]
    assert all(best[0] not in candidate["pools"] for candidate in without["candidates"])


def test_venues_can_be_asked_for_and_excluded(cli: Cli) -> None:
    both = cli.json("quote", "1", "REC2A", "REC2B")
    assert {candidate["venue"] for candidate in both["candidates"]} == {"raydium-cpmm", "dexroute-pool"}
    assert any("quote-only" in note for note in both["notes"])
    only = cli.json("quote", "1", "REC2A", "REC2B", "--venue", "raydium-cpmm")
    assert {candidate["venue"] for candidate in only["candidates"]} == {"raydium-cpmm"}
    assert not only["candidates"][0]["swappable"]
    rest = cli.json("quote", "1", "REC2A", "REC2B", "--exclude-venue", "raydium-cpmm")
    assert {candidate["venue"] for candidate in rest["candidates"]} == {"dexroute-pool"}


def test_one_hop_only(cli: Cli) -> None:
    wide = cli.json("quote", "1", "SOL", "USDC", "--max-splits", "1")
    assert any(len(candidate["pools"]) == 2 for candidate in wide["candidates"])
    narrow = cli.json("quote", "1", "SOL", "USDC", "--max-hops", "1", "--max-splits", "1")
    assert narrow["candidates"]
    assert all(len(candidate["pools"]) == 1 for candidate in narrow["candidates"])


def test_intermediate_tokens_can_be_named(cli: Cli) -> None:
    only = cli.json("quote", "1", "SOL", "USDC", "--via", "BONK", "--max-splits", "1")
    bonk = {candidate["mints"][1] for candidate in only["candidates"] if len(candidate["pools"]) == 2}
    assert len(bonk) == 1
    one_leg = ("quote", "1", "SOL", "USDC", "--max-splits", "1")
    assert all(len(candidate["pools"]) == 1 for candidate in cli.json(*one_leg, "--direct")["candidates"])
    without = cli.json(*one_leg, "--via", "TAXED")
    assert all(len(candidate["pools"]) == 1 for candidate in without["candidates"])


def test_the_reference_price_is_said(cli: Cli) -> None:
    quote = cli.json("quote", "1.5", "SOL", "USDC", "--max-deviation-bps", "500", "--max-slot-age", "1000")
    guards = quote["guards"]
    (reference,) = guards["references"]
    assert reference["pools"] == 4 and int(reference["amount_out"]) > int(quote["amount_out"])
    assert 0 < guards["deviation_bps"] <= guards["max_deviation_bps"] == 500
    assert 0 <= guards["slot_age"] <= 1000 and guards["newest_slot"] >= quote["slot"]
    assert "weighted by depth" in cli("quote", "1.5", "SOL", "USDC").out


def test_transfer_fee_is_named_by_its_kind(cli: Cli) -> None:
    quote = cli.json("quote", "1", "TAXED", "SOL")
    fees = {fee["kind"]: int(fee["amount"]) for fee in quote["fees"]}
    assert fees["transfer"] == 10_000, "1 % of a token with 6 decimals"
    assert fees["pool"] > 0


def test_symbols_and_mints_mean_the_same(cli: Cli) -> None:
    by_symbol = cli.json("quote", "1", "SOL", "USDC")
    by_mint = cli.json("quote", "1", by_symbol["input_mint"], by_symbol["output_mint"].strip())
    assert by_mint["amount_out"] == by_symbol["amount_out"]


def test_quoting_needs_no_wallet(cli: Cli) -> None:
    without = cli.bare("quote", "1", "SOL", "USDC", "-u", "embedded", "--data-dir", str(cli.market), "--format", "json")
    assert int(without.json["amount_out"]) > 0


def test_a_quote_ranks_by_the_bid_a_swap_would_make(cli: Cli) -> None:
    """Where block space is dear a second swap does not pay for itself, and `dex quote` must know it as `dex swap` does."""
    asked, dear = ("0.5", "SOL", "USDC"), ("--priority-fee", "60000000", "--priority-fee-cap", "100000000")
    quoted = cli.json("quote", *asked, *dear)
    assert [len(shape["route"]["legs"]) for shape in (cli.json("quote", *asked), quoted)] == [2, 1]
    routed = cli.json("route", *asked, *dear)
    assert routed["route"] == quoted["route"]
    assert int(quoted["candidates"][0]["spent_lamports"]) == int(routed["costs"]["spent_lamports"]) > 2_000_000


def test_small_differences_are_told_to_the_hundredth(cli: Cli) -> None:
    """A loser 2.47 basis points behind is not 2 behind; at hundreds of them nobody reads on."""
    shape, told = cli.json("quote", "50", "SOL", "USDC"), cli("quote", "50", "SOL", "USDC").out
    small = cli.json("quote", "1.5", "SOL", "USDC")["candidates"]
    net, *others = (int(one["net"]) for one in small if one["net"])
    nearest = (net - others[0]) * 1_000_000 // net
    assert nearest < 1_000
    assert f"less after costs ({nearest // 100}.{nearest % 100:02d} bps)" in cli("quote", "1.5", "SOL", "USDC").out
    best, *far = (int(one["net"]) for one in shape["candidates"] if one["net"])
    assert f"less after costs ({(best - far[-1]) * 10_000 // best} bps)" in told
