"""Orders and attempts with every field set, at the edges of what they may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.intake import new_order
from dexroute.ports import OrderStore
from dexroute.types.orders import Attempt, AttemptOutcome, Costs, EventKind, Failure, Fill, Order, OrderState, Residual, SwapAmounts
from dexroute.types.requests import QuoteRequest, SwapMode

U64_MAX: Final = 2**64 - 1
WALLET: Final = Pubkey.from_string("Wa11et1111111111111111111111111111111111111")
MINT_A: Final = Pubkey.from_string("A1111111111111111111111111111111111111111111")
MINT_B: Final = Pubkey.from_string("B1111111111111111111111111111111111111111111")
MOST: Final = SwapAmounts(amount_in=U64_MAX, amount_out=U64_MAX)
COSTS: Final = Costs(
    network_fee_lamports=U64_MAX,
    priority_fee_lamports=U64_MAX,
    rent_lamports=U64_MAX,
    rent_refunded_lamports=U64_MAX,
    other_lamports=-U64_MAX,
    residuals=(Residual(mint=MINT_A, amount=-U64_MAX), Residual(mint=MINT_B, amount=1)),
)


def an_order(**changes: Any) -> Order:
    facts: dict[str, Any] = {
        "request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=U64_MAX, mode=SwapMode.EXACT_OUT),
        "wallet": WALLET,
        "genesis_hash": "genesis",
        "slippage_bps": 50,
        "now_ms": 1_700_000_000_000,
        "limit_amount": U64_MAX,
        "options": {"venues": ["dexroute-pool"], "priority_fee_cap_lamports": str(U64_MAX), "max_hops": 2},
    }
    return new_order(**(facts | changes))


def an_attempt(order: Order, number: int = 1, **changes: Any) -> Attempt:
    intent = Attempt(
        id=f"{order.id}-{number}",
        order_id=order.id,
        number=number,
        fencing=order.fencing,
        message=b"\x80message",
        blockhash="blockhash",
        last_valid_block_height=U64_MAX,
        created_ms=1,
        simulated=MOST,
        expected_costs=COSTS,
        tracked=(MINT_A, MINT_B),
    )
    return replace(intent, **changes)


def signed(attempt: Attempt, at_ms: int = 2) -> Attempt:
    return replace(attempt, signature=f"signature-{attempt.id}", wire=b"\x01wire" + attempt.id.encode(), signed_ms=at_ms)


def a_fill(attempt: Attempt) -> Fill:
    return Fill(
        attempt_id=attempt.id,
        order_id=attempt.order_id,
        signature=attempt.signature or "",
        slot=U64_MAX,
        block_time=1_700_000_000,
        amounts=MOST,
        costs=COSTS,
        units_consumed=U64_MAX,
        wallet_lamports_change=-U64_MAX,
    )


async def to_building(store: OrderStore, order: Order, *, owner: str = "") -> Order:
    placed, is_new = await store.place(order, owner=owner)
    assert is_new
    routing, _ = await store.advance(placed, replace(placed, state=OrderState.ROUTING), EventKind.ROUTING, at_ms=1)
    building, _ = await store.advance(routing, replace(routing, state=OrderState.BUILDING), EventKind.ROUTED, at_ms=2)
    return building


async def to_confirmed(store: OrderStore, order: Order, *, signed_ms: int = 2) -> Order:
    """An order through its whole life, everything as large as it can be."""
    building = await to_building(store, order)
    attempt = an_attempt(order)
    intended, _ = await store.advance(building, building, EventKind.INTENT, at_ms=3, attempt=attempt)
    after = replace(intended, state=OrderState.SUBMITTED, route={"legs": []}, quoted=MOST, simulated=MOST)
    signature = signed(attempt, signed_ms)
    facts = {"signature": signature.signature}
    submitted, _ = await store.advance(intended, after, EventKind.SIGNED, at_ms=4, facts=facts, attempt=signature)
    landed = replace(signature, outcome=AttemptOutcome.LANDED, slot=U64_MAX)
    confirmed = replace(
        submitted,
        state=OrderState.CONFIRMED,
        executed=MOST,
        costs=COSTS,
        failure=Failure(code="X", message="é", context={"a": [1]}),
    )
    stored, _ = await store.advance(
        submitted, confirmed, EventKind.CONFIRMED, at_ms=5, facts={"slot": str(U64_MAX)}, attempt=landed, fill=a_fill(landed)
    )
    return stored
