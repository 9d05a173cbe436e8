"""Guards of a quote: each refuses with exit code 4 and its numbers, and what passes says what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, KeypairSigner, RouteOptions, UsageError
from dexroute.errors import OracleUnusable, PriceDeviation, StaleSnapshot, TornSnapshot
from dexroute.sdk.shapes import quote_json
from dexroute.sdk.terms import TermChoices
from dexroute.types.accounts import AccountData
from tests.pyth import price_update
from tests.sdk.wire import Wire


def _place(dex: Dex, sol: AccountData, usdc: AccountData) -> dict[str | Pubkey, Pubkey]:
    feeds: dict[str | Pubkey, Pubkey] = {"SOL": Pubkey.new_unique(), "USDC": Pubkey.new_unique()}
    assert dex.connection.embedded is not None
    for account, data in ((feeds["SOL"], sol), (feeds["USDC"], usdc)):
        dex.connection.embedded.set_account(account, data)
    return feeds


async def test_the_reference_price_is_shown_and_can_refuse(dex: Dex) -> None:
    quote = await dex.quote("SOL", "USDC", "1.5")
    (reference,) = quote.guards.references
    assert reference.pools == 4, "two pools of the pair, and the two over BONK"
    assert (
        reference.ratio
        == quote.pools[quote.best.route.hops[0].pool].spot_price(quote.request.input_mint, quote.request.output_mint).ratio
    )
    short = quote.guards.deviation_bps
    assert short is not None and short > 0, "fees and impact"
    assert (await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=short)).amount_out == quote.amount_out
    with pytest.raises(PriceDeviation) as refused:
        await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=short - 1)
    assert refused.value.context["deviation_bps"] == short
    told = quote_json(quote, now_ms=0)["guards"]
    assert told["deviation_bps"] == short
    assert int(told["references"][0]["amount_out"]) > quote.amount_out


async def test_a_pushed_pool_named_alone_does_not_vouch_for_its_own_price(wired: tuple[Dex, Wire]) -> None:
    """Whatever pools the options leave out of the route still say what the pair is worth, in the same round trip."""
    dex, wire = wired
    both = (await dex.quote("SOL", "USDC", "1.5")).best.route.hops
    deep, shallow = (hop.pool for hop in both)
    alone = RouteOptions(pools=frozenset({shallow}))
    await dex.swap(await dex.quote("SOL", "USDC", "80", route=alone))
    without_guard = await dex.quote("SOL", "USDC", "1.5", route=alone)
    assert [reference.pools for reference in without_guard.guards.references] == [1], "nothing else is read without need"
    bonk = (await dex.token("BONK")).mint
    restrictions = (alone, RouteOptions(exclude_pools=frozenset({deep}), max_hops=1))
    for options in restrictions:
        with pytest.raises(PriceDeviation, match="median of 4 pools") as refused:
            await dex.quote("SOL", "USDC", "1.5", route=options, max_deviation_bps=500)
        assert refused.value.context["deviation_bps"] > 3_000
        wire.calls.clear()
        passed = await dex.quote("SOL", "USDC", "1.5", route=options, max_deviation_bps=9_000)
        assert wire.calls["getMultipleAccounts"] == passed.round_trips == 1
        assert {pool for candidate in passed.candidates for pool in candidate.pools} == passed.pools.keys() == {shallow}
        assert [reference.pools for reference in passed.guards.references] == [4]
    through = RouteOptions(intermediate_mints=frozenset({bonk}))
    assert (await dex.quote("SOL", "USDC", "1.5", route=through, max_deviation_bps=500)).guards.references[0].pools == 4
    receipt = await dex.swap(await dex.quote("SOL", "USDC", "1.5", route=alone, max_deviation_bps=9_000))
    assert receipt.order.state == "CONFIRMED", "the guard stands before the signature too"


async def test_price_feeds_of_both_tokens(dex: Dex) -> None:
    now = (await dex.quote("SOL", "USDC", "1.5")).clock.unix_timestamp
    dollar = price_update(price=100_000_000, confidence=10_000, exponent=-8, publish_time=now)
    near = _place(dex, price_update(price=15_000_000_000, confidence=0, exponent=-8, publish_time=now), dollar)
    quote = await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=100, oracles=near)
    assert [reference.pools for reference in quote.guards.references] == [4, 0]
    assert quote.amount_in * quote.guards.references[1].ratio == 225_000_000, "1.5 SOL at 150 dollars"

    dear = _place(dex, price_update(price=16_000_000_000, confidence=0, exponent=-8, publish_time=now), dollar)
    with pytest.raises(PriceDeviation, match=str(dear["SOL"])) as refused:
        await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=100, oracles=dear)
    assert refused.value.context["deviation_bps"] > 600

    stale = _place(dex, price_update(price=15_000_000_000, confidence=0, exponent=-8, publish_time=now - 3_600), dollar)
    with pytest.raises(OracleUnusable, match="s ago") as old:
        await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=100, oracles=stale)
    assert old.value.context["max_age_s"] == 60 and old.value.exit_code == 4

    with pytest.raises(UsageError, match="nothing is measured by them"):
        await dex.quote("SOL", "USDC", "1.5", oracles=near)
    with pytest.raises(UsageError, match="no price feed is named"):
        await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=100, oracles={"SOL": near["SOL"]})
    with pytest.raises(OracleUnusable, match="no such account"):
        await dex.quote("SOL", "USDC", "1.5", max_deviation_bps=100, oracles={**near, "USDC": Pubkey.new_unique()})


class _Ahead(Wire):
    """A cluster whose nodes have processed `slots` more than their accounts show."""

    slots = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if json.loads(request.content)["method"] != "getEpochInfo":
            return answer
        told = json.loads(await answer.aread())
        told["result"]["absoluteSlot"] += self.slots
        return httpx.Response(200, json=told, request=request)


async def test_accounts_behind_the_newest_slot_are_refused(market: Path, signer: KeypairSigner) -> None:
    from dexroute.localnet import EmbeddedCluster

    async with EmbeddedCluster.open(market / "embedded") as cluster:
        wire = _Ahead(cluster.transport)
        async with Dex(url="http://127.0.0.1:8899", data_dir=market, signer=signer, transport=wire, max_slot_age=200) as dex:
            fresh = await dex.quote("SOL", "USDC", "1")
            assert fresh.guards.slot_age is not None and fresh.guards.slot_age < 200
            wire.slots = 1_000
            with pytest.raises(StaleSnapshot) as refused:
                await dex.quote("SOL", "USDC", "1")
            assert refused.value.context["slot_age"] >= 1_000
            assert refused.value.context["max_slot_age"] == 200
            asked = wire.calls["getEpochInfo"]
            assert (await dex.quote("SOL", "USDC", "1", max_slot_age=5_000)).guards.newest_slot
            assert wire.calls["getEpochInfo"] == asked + 1
    async with EmbeddedCluster.open(market / "embedded") as cluster:
        wire = _Ahead(cluster.transport)
        async with Dex(url="http://127.0.0.1:8899", data_dir=market, signer=signer, transport=wire) as dex:
            assert (await dex.quote("SOL", "USDC", "1")).guards.newest_slot is None
            assert wire.calls["getEpochInfo"] == 0, "nobody asked for it"


class _Uneven(Wire):
    """Nodes behind one address that are never at the same slot."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(request.content)
        if question["method"] != "getMultipleAccounts":
            return await super().handle_async_request(request)
        question["params"][1].pop("minContextSlot", None)  # each is further on than the one before
        answer = await super().handle_async_request(httpx.Request("POST", request.url, json=question))
        told = json.loads(await answer.aread())
        told["result"]["context"]["slot"] += 10 * self.calls["getMultipleAccounts"]
        return httpx.Response(200, json=told, request=request)


async def test_accounts_of_several_slots_are_refused_and_nothing_is_signed(
    market: Path, signer: KeypairSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dexroute.localnet import EmbeddedCluster

    async with EmbeddedCluster.open(market / "embedded") as cluster:
        wire = _Uneven(cluster.transport)
        async with Dex(url="http://127.0.0.1:8899", data_dir=market, signer=signer, transport=wire) as dex:
            quote = await dex.quote("SOL", "USDC", "1")
            assert (await dex.quote("SOL", "USDC", "1")).round_trips == 1, "one call is of one slot, whatever others are of"
            monkeypatch.setattr("dexroute.fetchers.loader.ACCOUNTS_PER_CALL", 8)  # as more than a hundred accounts would be
            with pytest.raises(TornSnapshot) as refused:
                await dex.quote("SOL", "USDC", "1")
            low, high = refused.value.context["slots"]
            assert refused.value.exit_code == 4 and low < high and refused.value.retryable
            assert f"({low} to {high})" in refused.value.message and refused.value.context["tries"] == 5
            with pytest.raises(TornSnapshot):
                await dex.swap(quote, key="torn")
            assert [order.order.state for order in await dex.list_orders()] == ["FAILED"]
            assert wire.calls["getMultipleAccounts"] > 10 and wire.calls["sendTransaction"] == 0


async def test_limits_that_cannot_be_meant_are_said_before_anything_is_read(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    usdc, bonk = (await dex.token("USDC")).mint, (await dex.token("BONK")).mint
    feed = Pubkey.new_unique()
    wire.calls.clear()
    meant: list[tuple[TermChoices, str]] = [
        ({"max_impact_bps": 10_001}, "max impact of 10001 bps"),
        ({"max_impact_bps": -1}, "max impact of -1 bps"),
        ({"max_deviation_bps": 10_001}, "max deviation of 10001 bps"),
        ({"max_slot_age": -1}, "max slot age of -1 slots"),
        ({"max_deviation_bps": 9, "oracles": {"SOL": feed}}, f"no price feed is named for {usdc}"),
        ({"max_deviation_bps": 9, "oracles": dict.fromkeys(("SOL", "USDC", "BONK"), feed)}, f"feed is named for {bonk}, which is"),
    ]
    for choices, said in meant:
        with pytest.raises(UsageError, match=said):
            await dex.terms("SOL", "USDC", "1", **choices)
    assert not wire.calls


async def test_intermediates_that_cannot_be_meant(dex: Dex) -> None:
    sol, bonk = (await dex.token("SOL")).mint, (await dex.token("BONK")).mint
    with pytest.raises(UsageError, match="passes through no mint"):
        await dex.terms("SOL", "USDC", "1", route=RouteOptions(max_hops=1, intermediate_mints=frozenset({bonk})))
    with pytest.raises(UsageError, match="what is paid or received"):
        await dex.terms("SOL", "USDC", "1", route=RouteOptions(intermediate_mints=frozenset({sol, bonk})))
