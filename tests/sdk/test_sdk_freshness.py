"""What a quote cost and how old it is, told and true; and what is signed is read anew."""

from __future__ import annotations

from dexroute import Dex
from dexroute.sdk.shapes import quote_json
from dexroute.types.chain import AccountSource
from tests.sdk.wire import Wire


async def test_a_young_quote_costs_nothing_on_the_wire(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    cold = await dex.quote("SOL", "USDC", "1")
    assert (cold.freshness.is_warm, cold.freshness.source) == (False, AccountSource.NODE)
    assert cold.freshness.sources_asked == len(list(dex.venues)) == wire.calls["getProgramAccounts"]
    warm = await dex.quote("SOL", "USDC", "1")
    assert (warm.freshness.is_warm, warm.round_trips) == (True, 1)
    wire.calls.clear()
    kept = await dex.quote("SOL", "USDC", "1", kept_slots=10_000)
    assert not wire.calls
    assert (kept.freshness.source, kept.round_trips, kept.freshness.sources_asked) == (AccountSource.CACHE, 0, 0)
    assert (kept.clock, kept.amount_out) == (warm.clock, warm.amount_out)
    assert quote_json(kept, now_ms=0)["freshness"] == {
        "source": "cache",
        "warm": True,
        "accounts": kept.freshness.accounts,
        "age_slots": kept.freshness.age_slots,
        "sources_asked": 0,
    }


async def test_a_swap_of_an_old_quote_reads_the_market_anew(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    await dex.quote("SOL", "USDC", "1")
    await dex.swap(await dex.quote("SOL", "USDC", "5"))
    old = await dex.quote("SOL", "USDC", "1", kept_slots=10_000, slippage_bps=500)
    wire.calls.clear()
    receipt = await dex.swap(old)
    assert wire.calls["getMultipleAccounts"] >= 1
    assert receipt.order.executed is not None and receipt.order.quoted is not None
    assert receipt.order.quoted.amount_out == receipt.order.executed.amount_out, "routed on the pools as they are"


async def test_no_blockhash_is_taken_from_a_node_behind_the_quote(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    quote = await dex.quote("SOL", "USDC", "1")
    await dex.preview(quote)
    assert _least_slots(wire) == [quote.clock.slot]
    receipt = await dex.swap(quote)
    routed = next(event for event in receipt.events if event.kind == "routed")
    assert _least_slots(wire)[1] == int(str(routed.facts["slot"])) >= quote.clock.slot


def _least_slots(wire: Wire) -> list[int]:
    """What each blockhash to sign on had to have reached."""
    return [
        params[0]["minContextSlot"]
        for method, params in wire.asked
        if method == "getLatestBlockhash" and "minContextSlot" in params[0]
    ]
