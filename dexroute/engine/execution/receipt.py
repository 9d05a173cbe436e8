"""An order as people and programs read it: quoted, simulated and executed apart, every cost by its name, amounts as strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from solders.message import from_bytes_versioned
from solders.pubkey import Pubkey

from dexroute.engine.planning.tip import tip_lamports
from dexroute.ports import OrderStore
from dexroute.types.orders import Attempt, AttemptOutcome, Costs, Fill, Json, Order, OrderEvent, OrderHistory, SwapAmounts
from dexroute.types.requests import SwapMode

_LANDED = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An order with all that belongs to it. `fill` is what the chain did with the attempt that landed, None while none has."""

    order: Order
    attempts: tuple[Attempt, ...]
    fill: Fill | None
    events: tuple[OrderEvent, ...] = ()

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that landed, or the one alive."""
        landed = [attempt for attempt in self.attempts if attempt.outcome in _LANDED]
        alive = [attempt for attempt in self.attempts if attempt.is_live]
        return next(iter([*landed, *alive]), None)

    @property
    def signature(self) -> str | None:
        """Signature of the attempt that landed, or of the one alive."""
        return self.attempt.signature if self.attempt else None

    @property
    def mints(self) -> tuple[Pubkey, ...]:
        """Of every token its amounts and residuals are of."""
        request, costs = self.order.request, self.fill.costs if self.fill else self.order.costs
        return (request.input_mint, request.output_mint, *(residual.mint for residual in (costs.residuals if costs else ())))

    def json(self) -> dict[str, Any]:
        return order_json(self.order, self.attempts, self.fill)


async def read_receipt(store: OrderStore, order_id: str, *, with_events: bool = False) -> Receipt:
    """Raises OrderNotFound."""
    order = await store.order(order_id)
    fills = await store.fills(order_id)
    return Receipt(
        order=order,
        attempts=await store.attempts(order_id),
        fill=fills[-1] if fills else None,
        events=await store.events(order_id) if with_events else (),
    )


def receipt_of(history: OrderHistory) -> Receipt:
    """The receipt in an order's history."""
    return Receipt(
        order=history.order,
        attempts=history.attempts,
        fill=history.fills[-1] if history.fills else None,
        events=history.events,
    )


def tip_paid(receipt: Receipt) -> int:
    """Lamports of `other_lamports` that went to tip accounts: what the landed message pays them, nothing when it failed."""
    fill = receipt.fill
    landed = next((one for one in receipt.attempts if fill is not None and one.id == fill.attempt_id), None)
    return tip_offered(landed) if landed is not None and landed.outcome is AttemptOutcome.LANDED else 0


def tip_offered(attempt: Attempt) -> int:
    """Lamports its message pays to tip accounts if it succeeds."""
    return tip_lamports(from_bytes_versioned(attempt.message))


def death_facts(attempt: Attempt, events: Iterable[OrderEvent]) -> Json | None:
    """The facts of the step that proved an attempt dead without landing; None where no step says so."""
    return next((event.facts for event in events if event.facts.get("attempt") == attempt.number and "proof" in event.facts), None)


def history_json(receipt: Receipt) -> dict[str, Any]:
    """The JSON of an order with its journal: what is final, what differs from the quote, what each attempt was to move and cost,
    by what it is proven dead, and every step."""
    order, quoted = receipt.order, receipt.order.quoted
    compared = (("simulated", order.simulated), ("executed", receipt.fill.amounts if receipt.fill else order.executed))
    return receipt.json() | {
        "final": order.settled,
        "regressed": order.regressed,
        "priority": str(order.priority),
        "deadline_ms": order.deadline_ms,
        "against_quote": {
            name: {
                "amount_in": str(amounts.amount_in - quoted.amount_in),
                "amount_out": str(amounts.amount_out - quoted.amount_out),
            }
            for name, amounts in compared
            if quoted is not None and amounts is not None
        },
        "tip_lamports": str(tip_paid(receipt)) if receipt.fill else None,
        "fill": fill_json(receipt.fill) if receipt.fill else None,
        "attempts_built": [
            {
                "number": attempt.number,
                "built_ms": attempt.created_ms,
                "simulated": _amounts(attempt.simulated),
                "expected_costs": costs_json(attempt.expected_costs),
                "proof": None if (facts := death_facts(attempt, receipt.events)) is None else dict(facts),
            }
            for attempt in receipt.attempts
        ],
        "events": [event_json(event) for event in receipt.events],
    }


async def read_history(store: OrderStore, order_id: str) -> OrderHistory:
    """All the journal holds of one order. Raises OrderNotFound."""
    return OrderHistory(
        order=await store.order(order_id),
        attempts=await store.attempts(order_id),
        events=await store.events(order_id),
        fills=await store.fills(order_id),
    )


def order_json(order: Order, attempts: Sequence[Attempt], fill: Fill | None) -> dict[str, Any]:
    """The JSON of a swap (architecture, section 8). `amount_in` and `amount_out` are the executed amounts once there are any,
    else the quoted ones, else what was asked for; `costs` are the landed transaction's, else those the live attempt expects."""
    receipt = Receipt(order=order, attempts=tuple(attempts), fill=fill)
    chosen = receipt.attempt
    exact_in = order.request.mode is SwapMode.EXACT_IN
    best = order.executed or order.quoted
    costs = fill.costs if fill else order.costs or (chosen.expected_costs if chosen else None)
    return {
        "id": order.id,
        "key": order.key,
        "state": str(order.state),
        "signature": receipt.signature,
        "slot": chosen.slot if chosen else None,
        "block_time": fill.block_time if fill else None,
        "genesis_hash": order.genesis_hash,
        "wallet": str(order.wallet),
        "input_mint": str(order.request.input_mint),
        "output_mint": str(order.request.output_mint),
        "mode": str(order.request.mode),
        "amount_in": _text(best.amount_in if best else order.request.amount if exact_in else None),
        "amount_out": _text(best.amount_out if best else None if exact_in else order.request.amount),
        "min_amount_out": _text(order.min_amount_out),
        "max_amount_in": _text(order.max_amount_in),
        "slippage_bps": order.slippage_bps,
        "quoted": _amounts(order.quoted),
        "simulated": _amounts(order.simulated),
        "executed": _amounts(order.executed),
        "route": None if order.route is None else dict(order.route),
        "costs": costs_json(costs),
        "units_consumed": fill.units_consumed if fill else None,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "failure": order.failure
        and {"code": order.failure.code, "message": order.failure.message, "context": dict(order.failure.context)},
        "cancel_requested": order.cancel_requested_ms is not None,
        "options": dict(order.options),
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
    }


def event_json(event: OrderEvent) -> dict[str, Any]:
    """One row of an order's journal."""
    return {
        "order": event.order_id,
        "seq": event.seq,
        "kind": str(event.kind),
        "before": event.before and str(event.before),
        "after": str(event.after),
        "at_ms": event.at_ms,
        "facts": dict(event.facts),
    }


def costs_json(costs: Costs | None) -> dict[str, Any] | None:
    """Lamports and residual base units as strings."""
    if costs is None:
        return None
    return {
        "network_fee_lamports": str(costs.network_fee_lamports),
        "priority_fee_lamports": str(costs.priority_fee_lamports),
        "rent_lamports": str(costs.rent_lamports),
        "rent_refunded_lamports": str(costs.rent_refunded_lamports),
        "other_lamports": str(costs.other_lamports),
        "residuals": [{"mint": str(residual.mint), "amount": str(residual.amount)} for residual in costs.residuals],
    }


def fill_json(fill: Fill) -> dict[str, Any]:
    """What the chain did with one attempt: amounts, costs, and where."""
    return {
        "signature": fill.signature,
        "slot": str(fill.slot),
        "block_time": fill.block_time,
        **(_amounts(fill.amounts) or {}),
        "costs": costs_json(fill.costs),
        "units_consumed": fill.units_consumed,
        "wallet_lamports_change": str(fill.wallet_lamports_change),
        "wrapped_lamports_change": str(fill.wrapped_lamports_change),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "signature": attempt.signature,
        "blockhash": attempt.blockhash,
        "last_valid_block_height": attempt.last_valid_block_height,
        "outcome": attempt.outcome and str(attempt.outcome),
        "slot": attempt.slot,
        "error": None if attempt.error is None else dict(attempt.error),
        "live": attempt.is_live,
        "signed_ms": attempt.signed_ms,
        "dead_at": attempt.dead_at,
    }


def _amounts(amounts: SwapAmounts | None) -> dict[str, str] | None:
    return None if amounts is None else {"amount_in": str(amounts.amount_in), "amount_out": str(amounts.amount_out)}


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
