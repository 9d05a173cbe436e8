"""The way an order goes when nothing goes wrong, and what is left of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.intake import new_order
from dexroute.errors import (
    DatabaseError,
    DecodeError,
    DexError,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    KeypairError,
    RouteNotFound,
    SlippageExceeded,
    UsageError,
)
from dexroute.types.orders import AttemptOutcome, OrderState, SwapAmounts
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.simulated_bench import MINT_A, MINT_B, open_bench


async def test_an_order_is_confirmed_with_what_the_chain_did(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.builder.slips = [10]
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)

    assert order.state is OrderState.CONFIRMED
    assert [(event.kind, str(event.after)) for event in receipt.events] == [
        ("placed", "PENDING"),
        ("routing", "ROUTING"),
        ("routed", "BUILDING"),
        ("intent", "BUILDING"),
        ("signed", "SUBMITTED"),
        ("confirmed", "CONFIRMED"),
    ]
    assert receipt.events[1:] == tuple(bench.seen)
    assert order.quoted == SwapAmounts(amount_in=1_000_000, amount_out=500_000)
    assert order.simulated == order.executed == SwapAmounts(amount_in=1_000_000, amount_out=499_500)
    assert order.limit_amount == 497_500

    shown = receipt.json()
    assert shown["amount_out"] == "499500" and shown["min_amount_out"] == "497500" and shown["quoted"]["amount_out"] == "500000"
    assert shown["costs"]["network_fee_lamports"] == "5000" and shown["costs"]["priority_fee_lamports"] == "0"
    assert shown["signature"] == str(bench.signer.signed[0]) == shown["attempts"][0]["signature"]
    assert shown["slot"] == next(iter(bench.chain.landed.values())).slot
    assert shown["attempts"][0]["outcome"] == "landed" and shown["attempts"][0]["live"]


async def test_the_same_key_finds_the_same_order_and_another_body_is_refused(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        executor = bench.executor()
        first = await executor.execute(bench.order(key="monday"))
        again = await executor.execute(bench.order(key="monday", limit_amount=1))
        assert again == first and bench.chain.swaps(first) == 1
        with pytest.raises(IdempotencyConflict, match="monday"):
            await executor.execute(bench.order(key="monday", slippage_bps=51))
        with pytest.raises(IdempotencyConflict):
            await executor.execute(bench.order(key="monday", options={"venues": ["dexroute-pool"]}))
        assert len(await bench.store.orders()) == 1


async def test_ten_callers_with_one_key_swap_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        executor = bench.executor()
        results = await asyncio.gather(*(executor.execute(bench.order(key="once")) for _ in range(10)))
        assert {order.id for order in results} == {results[0].id}
        assert {order.state for order in results} == {OrderState.CONFIRMED}
        receipt = await bench.check_journal(results[0])
        assert len(bench.signer.signed) == 1 == len(receipt.attempts)


async def test_exact_out_keeps_its_limit_on_the_input(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        request = QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=1_000_000, mode=SwapMode.EXACT_OUT)
        order = await bench.executor().execute(bench.order(request=request, limit_amount=999_999))
        assert order.state is OrderState.FAILED and order.failure is not None
        assert isinstance(error_of(order), SlippageExceeded) and "999999" in order.failure.message
        assert order.min_amount_out == 1_000_000 and order.max_amount_in == 999_999
        assert not bench.signer.signed


async def test_a_market_that_moved_is_routed_again_within_the_limit(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.builder.slips = [51, 500, 20]
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and bench.builder.routed == 3 and len(receipt.attempts) == 1
        assert [event.facts["cause"] for event in receipt.events if event.kind == "routing" and event.facts] == [
            "SLIPPAGE_EXCEEDED",
            "SLIPPAGE_EXCEEDED",
        ]


async def test_a_market_that_stays_away_fails_the_order_with_nothing_signed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.builder.slips = [51] * 100
        order = await bench.executor(max_routings=4).execute(bench.order())
        await bench.check_journal(order)
        assert order.state is OrderState.FAILED and bench.builder.built == 4 and not bench.signer.signed
        assert error_of(order).exit_code == 4


@pytest.mark.parametrize(
    "error",
    [
        RouteNotFound("no pool holds both", candidates=[{"pool": "x", "reason": "empty"}]),
        InsufficientFunds("2 SOL missing", items=[{"item": "amount", "need": "2"}]),
        DecodeError("pool p: field f is wrong", pool="p", field="f"),
    ],
)
async def test_a_refusal_before_signing_ends_the_order_with_that_error(tmp_path: Path, error: DexError) -> None:
    async with open_bench(tmp_path) as bench:
        bench.builder.errors = [error]
        order = await bench.executor().execute(bench.order())
        await bench.check_journal(order)
        stored = error_of(order)
        assert type(stored) is type(error) and str(stored) == str(error)
        assert stored.context == error.context | {"order": order.id}


async def test_a_bug_in_the_builder_is_not_called_no_route(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.builder.errors = [ZeroDivisionError("oops")]
        asked = bench.order()
        with pytest.raises(ZeroDivisionError):
            await bench.executor().execute(asked)
        order = await bench.store.order(asked.id)
        assert order.state is OrderState.FAILED and error_of(order).exit_code == 1


async def test_orders_of_another_cluster_or_wallet_are_refused_by_name(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        foreign = bench.order(genesis_hash="5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
        with pytest.raises(DatabaseError, match=foreign.id):
            await bench.executor().execute(foreign)
        assert await bench.store.orders() == ()
        elsewhere = bench.order(wallet=MINT_A)
        with pytest.raises(KeypairError, match=elsewhere.id):
            await bench.executor().execute(elsewhere)
        assert (await bench.store.order(elsewhere.id)).state is OrderState.PENDING


async def test_a_signature_of_another_key_is_never_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        asked = bench.order()
        stranger = type(bench.signer)()
        stranger.keypair, bench.signer.keypair = bench.signer.keypair, stranger.keypair

        class Forger(type(bench.signer)):  # type: ignore[misc]
            pubkey = stranger.pubkey

        bench.signer = Forger()
        order = await bench.executor().execute(asked)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.FAILED and not bench.chain.sends
        assert [attempt.outcome for attempt in receipt.attempts] == [AttemptOutcome.NEVER_SIGNED]


def test_what_cannot_be_an_order_is_refused_at_the_door() -> None:
    good: dict[str, Any] = {
        "request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=1),
        "wallet": MINT_A,
        "genesis_hash": "g",
        "slippage_bps": 0,
        "now_ms": 1_700_000_000_000,
    }
    new_order(**good)
    bad: list[tuple[dict[str, Any], type[DexError]]] = [
        ({"request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=0)}, InvalidAmount),
        ({"request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=2**64)}, InvalidAmount),
        ({"request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_A, amount=1)}, UsageError),
        ({"limit_amount": 0}, InvalidAmount),
        ({"slippage_bps": 10_001}, UsageError),
        ({"key": ""}, UsageError),
        ({"key": "a\nb"}, UsageError),
        ({"key": "k" * 201}, UsageError),
    ]
    for changes, error in bad:
        with pytest.raises(error):
            new_order(**(good | changes))


def test_ids_sort_by_age_and_are_version_7() -> None:
    made = [
        new_order(
            request=QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=1),
            wallet=MINT_A,
            genesis_hash="g",
            slippage_bps=0,
            now_ms=1_700_000_000_000 + moment,
        )
        for moment in range(50)
    ]
    assert [order.id for order in made] == sorted({order.id for order in made})
    assert all(len(order.id) == 32 and order.id[12] == "7" and order.id[16] in "89ab" for order in made)
    assert {order.body_hash for order in made} == {made[0].body_hash}


async def test_an_expiry_is_not_asked_for_in_the_first_moments_of_an_attempt(tmp_path: Path) -> None:
    """It takes a minute to expire, and a node's answers are not free."""
    async with open_bench(tmp_path) as bench:
        asked: list[str] = []
        bench.nodes[0].fault = asked.append
        assert (await bench.executor().execute(bench.order())).state is OrderState.CONFIRMED
        assert "signature_statuses" in asked and "block_height" not in asked
