"""Quotes through the SDK: what they cost on the wire, what they say, what they refuse."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, RouteOptions, UsageError
from dexroute.errors import InvalidAmount, PriceImpactTooHigh, QuoteOnly, RouteNotFound, UnknownToken
from tests.sdk.wire import Wire


def _facts(market: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((market / "facts.json").read_text())
    return found


async def test_amounts_as_text_decimal_or_base_units(dex: Dex) -> None:
    by_text = await dex.quote("SOL", "USDC", "1.5")
    by_decimal = await dex.quote("SOL", "USDC", Decimal("1.5"))
    by_units = await dex.quote("SOL", "USDC", 1_500_000_000)
    assert by_text.request == by_decimal.request == by_units.request
    assert by_text.amount_out == by_units.amount_out > 0
    for wrong in ("1.0000000001", Decimal("NaN"), 0, -1, 2**64, "1e3"):
        with pytest.raises(InvalidAmount):
            await dex.quote("SOL", "USDC", wrong)
    with pytest.raises(UnknownToken):
        await dex.quote("SOL", "NOPE", 1)


async def test_limits_follow_from_the_slippage(dex: Dex) -> None:
    given = await dex.quote("SOL", "USDC", "1", slippage_bps=100)
    assert given.min_amount_out == given.limit == given.amount_out * 9_900 // 10_000
    assert given.max_amount_in == 10**9
    wanted = await dex.quote("SOL", "USDC", "25", exact_out=True, slippage_bps=100)
    assert wanted.amount_out == wanted.min_amount_out == 25_000_000
    assert wanted.max_amount_in == wanted.limit == -(-wanted.amount_in * 10_100 // 10_000)


async def test_both_modes_agree_on_a_pool(dex: Dex) -> None:
    wanted = await dex.quote("SOL", "USDC", "25", exact_out=True)
    same = RouteOptions(pools=frozenset(hop.pool for hop in wanted.best.route.hops))
    given = await dex.quote("SOL", "USDC", wanted.amount_in, route=same)
    assert given.amount_out >= wanted.amount_out
    cheaper = await dex.quote("SOL", "USDC", wanted.amount_in - 1, route=same)
    assert cheaper.amount_out < wanted.amount_out, "not a lamport too much was asked"


async def test_a_warm_quote_is_one_round_trip(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    cold = await dex.quote("SOL", "USDC", "1")
    assert cold.round_trips > 1
    wire.calls.clear()
    warm = await dex.quote("SOL", "USDC", "2")
    assert warm.round_trips == 1
    assert wire.calls["getMultipleAccounts"] == 1, wire.calls
    assert warm.candidates and warm.clock.slot >= cold.clock.slot


async def test_pools_are_remembered_between_runs(market: Path, wired: tuple[Dex, Wire]) -> None:
    dex, _ = wired
    await dex.quote("SOL", "USDC", "1")
    remembered = {str(pool.address) for pool in await dex.pools()}
    facts = _facts(market)
    assert isinstance(facts["pools"], list)
    assert remembered >= set(facts["pools"])


async def test_a_node_without_get_program_accounts(market: Path, wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    wire.unsupported = {"getProgramAccounts"}
    with pytest.raises(RouteNotFound, match="could not list pools"):
        await dex.quote("SOL", "USDC", "1")
    pools = _facts(market)["pools"]
    assert isinstance(pools, list)
    named = Pubkey.from_string(pools[0])
    quote = await dex.quote("SOL", "USDC", "1", route=RouteOptions(pools=frozenset({named})))
    assert quote.amount_out > 0
    await dex.add_pool(named)
    remembered = await dex.quote("SOL", "USDC", "1")
    assert [candidate.pools for candidate in remembered.candidates] == [(named,)]
    assert any("could not list pools" in note for note in remembered.notes)
    receipt = await dex.swap(remembered)
    assert receipt.order.state == "CONFIRMED"


async def test_quote_only_venues(dex: Dex) -> None:
    everything = await dex.quote("REC2A", "REC2B", "1")
    assert {"raydium-cpmm", "meteora-damm-v2"} <= everything.quote_only
    assert {venue for candidate in everything.candidates for venue in candidate.venue_ids} == {"raydium-cpmm", "dexroute-pool"}
    ours = await dex.quote("REC2A", "REC2B", "1", swappable=True)
    assert {venue for candidate in ours.candidates for venue in candidate.venue_ids} == {"dexroute-pool"}
    assert any("left out" in note for note in ours.notes)
    only = RouteOptions(venues=frozenset({"raydium-cpmm"}))
    quoted = await dex.quote("REC2A", "REC2B", "1", route=only)
    with pytest.raises(QuoteOnly):
        await dex.quote("REC2A", "REC2B", "1", route=only, swappable=True)
    for refused in (dex.preview(quoted), dex.instructions(quoted, user=dex.signer.pubkey)):
        with pytest.raises(QuoteOnly):
            await refused


async def test_the_impact_guard(dex: Dex) -> None:
    quote = await dex.quote("SOL", "USDC", "50")
    assert quote.price_impact_bps is not None
    with pytest.raises(PriceImpactTooHigh) as refused:
        await dex.quote("SOL", "USDC", "50", max_impact_bps=quote.price_impact_bps - 1)
    assert refused.value.context["price_impact_bps"] == quote.price_impact_bps
    assert (await dex.quote("SOL", "USDC", "50", max_impact_bps=quote.price_impact_bps)).amount_out > 0


async def test_settings_or_keywords_but_not_both(dex: Dex) -> None:
    with pytest.raises(UsageError, match="not both"):
        Dex(dex.settings, url="embedded")


async def test_the_hop_slippage_nobody_named_is_filled_in_once(dex: Dex) -> None:
    """Also beside other options: 0, which fails a swap of two hops at any move, is only ever the caller's own word."""
    for options, slippage, kept in (
        (None, 40, 8),
        (RouteOptions(max_hops=2), 40, 8),
        (RouteOptions(), 5_000, 10),
        (RouteOptions(hop_slippage_bps=0), 40, 0),
        (RouteOptions(hop_slippage_bps=77), 40, 77),
    ):
        terms = await dex.terms("SOL", "USDC", "1", slippage_bps=slippage, route=options)
        assert terms.route.hop_slippage_bps == kept
