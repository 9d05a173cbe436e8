"""Terms in the journal: what an older dexroute wrote still loads, and still means the same order."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, PriorityFeePolicy, QuoteRequest, RouteOptions, Strategy, SwapTerms, UsageError
from dexroute.engine.execution.intake import new_order
from dexroute.errors import InvalidAmount
from dexroute.sdk.terms import StrategyName, TermChoices, options_json, oracle_guard, terms_of
from dexroute.types.orders import Order

REQUEST = QuoteRequest(input_mint=Pubkey.new_unique(), output_mint=Pubkey.new_unique(), amount=7)
WALLET = Pubkey.new_unique()
# What the first release wrote for `dex swap 7 ...` without options.
FIRST: dict[str, Any] = {
    "venues": None,
    "exclude_venues": [],
    "pools": None,
    "exclude_pools": [],
    "max_hops": 2,
    "max_splits": 1,
    "intermediate_mints": None,
    "hop_slippage_bps": 10,
    "max_impact_bps": 10_000,
    "priority_fee_percentile": 75,
    "priority_fee_cap_lamports": "1000000",
    "priority_fee_micro_lamports": None,
}


def order(options: dict[str, Any]) -> Order:
    return new_order(request=REQUEST, wallet=WALLET, genesis_hash="g", slippage_bps=50, now_ms=1, key="k", options=options)


def plain() -> SwapTerms:
    return SwapTerms(
        request=REQUEST,
        slippage_bps=50,
        route=RouteOptions(max_hops=2, max_splits=1, hop_slippage_bps=10),
        priority_fee=PriorityFeePolicy(percentile=75, cap_lamports=1_000_000),
    )


def test_options_of_the_first_journals_load_and_are_the_same_order() -> None:
    assert terms_of(order(FIRST)) == plain()
    assert options_json(plain()) == FIRST
    assert order(options_json(plain())).body_hash == order(FIRST).body_hash


def test_every_option_survives_the_journal_and_is_part_of_what_a_key_stands_for() -> None:
    mint, account, pool = (Pubkey.new_unique() for _ in range(3))
    base = plain()
    changed = (
        replace(base, strategy=Strategy.RELIABILITY),
        replace(base, strategy=Strategy.SPEED),
        replace(base, max_deviation_bps=30),
        replace(base, max_deviation_bps=30, oracle=oracle_guard({mint: account}, max_age_s=9, max_confidence_bps=8)),
        replace(base, max_slot_age=0),
        replace(base, max_impact_bps=5),
        replace(base, route=replace(base.route, max_accounts=20)),
        replace(base, route=replace(base.route, exclude_pools=frozenset({pool}))),
        replace(base, route=replace(base.route, intermediate_mints=frozenset({mint}))),
        replace(base, route=replace(base.route, max_hops=1)),
    )
    hashes = {order(options_json(base)).body_hash}
    for terms in changed:
        recorded = order(options_json(terms))
        assert terms_of(recorded) == terms
        hashes.add(recorded.body_hash)
    assert len(hashes) == len(changed) + 1


def test_a_type_checker_knows_what_quote_hands_on() -> None:
    """`Dex.quote(slipage_bps=3)` is a typing error while it is written, not while it runs."""
    taken = inspect.signature(Dex.terms).parameters.values()
    named = {parameter.name for parameter in taken if parameter.kind is inspect.Parameter.KEYWORD_ONLY}
    assert named == set(TermChoices.__annotations__) and len(named) == 9
    assert inspect.signature(Dex.quote).parameters["terms"].annotation == "Unpack[TermChoices]"


async def test_values_of_another_type_are_said_and_never_taken_for_something_else(dex: Dex) -> None:
    """What a bot's author types without a type checker: none of it may come to mean a rounded amount or a default."""
    any_terms: Any = dex.terms
    options: Any = RouteOptions
    for amount in (1.5, 0.1 + 0.2, None, True):
        with pytest.raises(InvalidAmount, match=r"type float|type NoneType|not bool"):
            await any_terms("SOL", "USDC", amount)
    for given, said in (
        ({"strategy": "fast"}, "strategy 'fast' is none of best, speed, reliability"),
        ({"slippage_bps": 0.5}, "slippage must be a whole number, not 0.5"),
        ({"max_impact_bps": 99.5}, "max impact must be a whole number"),
        ({"max_deviation_bps": "50"}, "max deviation must be a whole number"),
        ({"max_slot_age": 1.5}, "max slot age must be a whole number"),
        (
            {"max_deviation_bps": 9, "oracles": {"SOL": "7UVim", "USDC": "Gnt27"}},
            "oracles takes Pubkey values",
        ),
        ({"route": options(venues=["orca"])}, "unknown venue 'orca'; known venues"),
        ({"route": options(exclude_venues={"raydium"})}, "unknown venue 'raydium'; known venues"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            await any_terms("SOL", "USDC", "1", **given)
    with pytest.raises(UsageError, match="kept slots of -1 slots is negative"):
        await dex.quote("SOL", "USDC", "1", kept_slots=-1)
    assert (await dex.terms("SOL", "USDC", "1", strategy="speed")).strategy is Strategy.SPEED
    assert get_args(StrategyName) == tuple(Strategy)
    assert (await dex.terms("SOL", "USDC", Decimal("0.3"))).request.amount == 300_000_000


def test_options_take_any_set_and_keep_it() -> None:
    options: Any = RouteOptions
    pool = Pubkey.new_unique()
    for pools in ({pool}, [pool, pool], (pool,), frozenset({pool})):
        assert options(pools=pools, venues=["raydium-cpmm"]) == RouteOptions(pools={pool}, venues={"raydium-cpmm"})
    assert isinstance(options(pools=[pool]).pools, frozenset)
    for given, said in (
        ({"venues": "raydium-cpmm"}, "venues takes a set of str, not 'raydium-cpmm'"),
        ({"pools": [str(pool)]}, f"pools takes Pubkey values, not '{pool}'"),
        ({"intermediate_mints": {"BONK"}}, "intermediate_mints takes Pubkey values, not 'BONK'"),
        ({"exclude_pools": pool}, "exclude_pools takes"),
        ({"max_hops": 2.0}, "max hops must be a whole number, not 2.0"),
        ({"max_splits": True}, "max splits must be a whole number, not True"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            options(**given)
    with pytest.raises(UsageError, match="must be a whole number"):
        PriorityFeePolicy(percentile=75.5)  # type: ignore[arg-type]
