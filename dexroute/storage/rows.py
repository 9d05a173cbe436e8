"""Rows to values and back. The only place that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.types.orders import (
    Attempt,
    AttemptOutcome,
    Costs,
    EventKind,
    Failure,
    Fill,
    Order,
    OrderEvent,
    OrderState,
    Priority,
    Promise,
    Residual,
    SwapAmounts,
)
from dexroute.types.requests import QuoteRequest, SwapMode

_HEAD_START_MS: Final = {Priority.LOW: 0, Priority.NORMAL: 60_000, Priority.HIGH: 120_000}
"""An order placed this much later than one of low priority is still taken up before it: so what waits is always next some day."""


def order_columns(order: Order) -> dict[str, Any]:
    """The columns a step may change. What was asked is not among them: it never changes."""
    return {
        "limit_amount": order.limit_amount,
        "state": str(order.state),
        "route": _dict(order.route),
        "quoted_in": order.quoted and order.quoted.amount_in,
        "quoted_out": order.quoted and order.quoted.amount_out,
        "simulated_in": order.simulated and order.simulated.amount_in,
        "simulated_out": order.simulated and order.simulated.amount_out,
        "executed_in": order.executed and order.executed.amount_in,
        "executed_out": order.executed and order.executed.amount_out,
        "costs": _costs_json(order.costs),
        "failure": order.failure
        and {"code": order.failure.code, "message": order.failure.message, "context": dict(order.failure.context)},
        "cancel_requested_ms": order.cancel_requested_ms,
        "settled": order.settled,
        "regressed": order.regressed,
        "updated_ms": order.updated_ms,
        "event_seq": order.event_seq,
    }


def order_row(order: Order) -> dict[str, Any]:
    """All columns of a new order."""
    return order_columns(order) | {
        "id": order.id,
        "key": order.key,
        "body_hash": order.body_hash,
        "genesis_hash": order.genesis_hash,
        "wallet": str(order.wallet),
        "input_mint": str(order.request.input_mint),
        "output_mint": str(order.request.output_mint),
        "mode": str(order.request.mode),
        "amount": order.request.amount,
        "slippage_bps": order.slippage_bps,
        "options": dict(order.options),
        "fencing": order.fencing,
        "claimed_by": order.claimed_by,
        "created_ms": order.created_ms,
        "deadline_ms": order.deadline_ms,
        "priority": str(order.priority),
        "rank_ms": order.created_ms - _HEAD_START_MS[order.priority],
        "promised": {str(promise.mint): str(promise.amount) for promise in order.promised},
    }


def order_value(row: Any) -> Order:
    """Of an OrderRow, or of a selected row with its columns."""
    return Order(
        id=row.id,
        key=row.key,
        body_hash=row.body_hash,
        genesis_hash=row.genesis_hash,
        wallet=Pubkey.from_string(row.wallet),
        request=QuoteRequest(
            input_mint=Pubkey.from_string(row.input_mint),
            output_mint=Pubkey.from_string(row.output_mint),
            amount=row.amount,
            mode=SwapMode(row.mode),
        ),
        slippage_bps=row.slippage_bps,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        limit_amount=row.limit_amount,
        options=row.options,
        state=OrderState(row.state),
        fencing=row.fencing,
        claimed_by=row.claimed_by,
        event_seq=row.event_seq,
        route=row.route,
        quoted=_amounts(row.quoted_in, row.quoted_out),
        simulated=_amounts(row.simulated_in, row.simulated_out),
        executed=_amounts(row.executed_in, row.executed_out),
        costs=costs_value(row.costs),
        failure=Failure(**row.failure) if row.failure is not None else None,
        cancel_requested_ms=row.cancel_requested_ms,
        deadline_ms=row.deadline_ms,
        priority=Priority(row.priority),
        promised=tuple(Promise(mint=Pubkey.from_string(mint), amount=int(amount)) for mint, amount in sorted(row.promised.items())),
        settled=bool(row.settled),
        regressed=bool(row.regressed),
    )


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "order_id": attempt.order_id,
        "number": attempt.number,
        "fencing": attempt.fencing,
        "message": attempt.message,
        "blockhash": attempt.blockhash,
        "last_valid_block_height": attempt.last_valid_block_height,
        "blockhash_slot": attempt.blockhash_slot,
        "signature": attempt.signature,
        "wire": attempt.wire,
        "simulated_in": attempt.simulated and attempt.simulated.amount_in,
        "simulated_out": attempt.simulated and attempt.simulated.amount_out,
        "expected_costs": _costs_json(attempt.expected_costs),
        "tracked": [str(account) for account in attempt.tracked],
        "outcome": attempt.outcome and str(attempt.outcome),
        "slot": attempt.slot,
        "error": _dict(attempt.error),
        "created_ms": attempt.created_ms,
        "signed_ms": attempt.signed_ms,
        "dead_at": attempt.dead_at,
    }


def attempt_value(row: Any) -> Attempt:
    return Attempt(
        id=row.id,
        order_id=row.order_id,
        number=row.number,
        fencing=row.fencing,
        message=row.message,
        blockhash=row.blockhash,
        last_valid_block_height=row.last_valid_block_height,
        blockhash_slot=row.blockhash_slot,
        created_ms=row.created_ms,
        signature=row.signature,
        wire=row.wire,
        signed_ms=row.signed_ms,
        simulated=_amounts(row.simulated_in, row.simulated_out),
        expected_costs=costs_value(row.expected_costs),
        tracked=tuple(Pubkey.from_string(account) for account in row.tracked),
        outcome=AttemptOutcome(row.outcome) if row.outcome is not None else None,
        slot=row.slot,
        error=row.error,
        dead_at=row.dead_at,
    )


def event_row(event: OrderEvent) -> dict[str, Any]:
    return {
        "order_id": event.order_id,
        "seq": event.seq,
        "kind": str(event.kind),
        "before": event.before and str(event.before),
        "after": str(event.after),
        "fencing": event.fencing,
        "at_ms": event.at_ms,
        "facts": dict(event.facts),
    }


def event_value(row: Any) -> OrderEvent:
    return OrderEvent(
        order_id=row.order_id,
        seq=row.seq,
        kind=EventKind(row.kind),
        before=OrderState(row.before) if row.before is not None else None,
        after=OrderState(row.after),
        fencing=row.fencing,
        at_ms=row.at_ms,
        facts=row.facts,
        position=row.position,
    )


def fill_row(fill: Fill) -> dict[str, Any]:
    return {
        "attempt_id": fill.attempt_id,
        "order_id": fill.order_id,
        "signature": fill.signature,
        "slot": fill.slot,
        "block_time": fill.block_time,
        "amount_in": fill.amounts.amount_in,
        "amount_out": fill.amounts.amount_out,
        "network_fee_lamports": fill.costs.network_fee_lamports,
        "priority_fee_lamports": fill.costs.priority_fee_lamports,
        "rent_lamports": fill.costs.rent_lamports,
        "rent_refunded_lamports": fill.costs.rent_refunded_lamports,
        "units_consumed": fill.units_consumed,
        "changes": {
            "wallet_lamports": str(fill.wallet_lamports_change),
            "wrapped_lamports": str(fill.wrapped_lamports_change),
            "other_lamports": str(fill.costs.other_lamports),
            "residuals": _residuals_json(fill.costs.residuals),
        },
    }


def fill_value(row: Any) -> Fill:
    return Fill(
        attempt_id=row.attempt_id,
        order_id=row.order_id,
        signature=row.signature,
        slot=row.slot,
        block_time=row.block_time,
        amounts=SwapAmounts(amount_in=row.amount_in, amount_out=row.amount_out),
        costs=Costs(
            network_fee_lamports=row.network_fee_lamports,
            priority_fee_lamports=row.priority_fee_lamports,
            rent_lamports=row.rent_lamports,
            rent_refunded_lamports=row.rent_refunded_lamports,
            other_lamports=int(row.changes["other_lamports"]),
            residuals=_residuals_value(row.changes["residuals"]),
        ),
        units_consumed=row.units_consumed,
        wallet_lamports_change=int(row.changes["wallet_lamports"]),
        wrapped_lamports_change=int(row.changes.get("wrapped_lamports", "0")),  # older journals do not have it
    )


def _dict(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _amounts(amount_in: int | None, amount_out: int | None) -> SwapAmounts | None:
    if amount_in is None or amount_out is None:
        return None
    return SwapAmounts(amount_in=amount_in, amount_out=amount_out)


def _residuals_json(residuals: tuple[Residual, ...]) -> list[dict[str, str]]:
    return [{"mint": str(residual.mint), "amount": str(residual.amount)} for residual in residuals]


def _residuals_value(stored: list[dict[str, str]]) -> tuple[Residual, ...]:
    return tuple(Residual(mint=Pubkey.from_string(item["mint"]), amount=int(item["amount"])) for item in stored)


def _costs_json(costs: Costs | None) -> dict[str, Any] | None:
    if costs is None:
        return None
    return {
        "network_fee_lamports": str(costs.network_fee_lamports),
        "priority_fee_lamports": str(costs.priority_fee_lamports),
        "rent_lamports": str(costs.rent_lamports),
        "rent_refunded_lamports": str(costs.rent_refunded_lamports),
        "other_lamports": str(costs.other_lamports),
        "residuals": _residuals_json(costs.residuals),
    }


def costs_value(stored: dict[str, Any] | None) -> Costs | None:
    if stored is None:
        return None
    return Costs(
        network_fee_lamports=int(stored["network_fee_lamports"]),
        priority_fee_lamports=int(stored["priority_fee_lamports"]),
        rent_lamports=int(stored["rent_lamports"]),
        rent_refunded_lamports=int(stored["rent_refunded_lamports"]),
        other_lamports=int(stored["other_lamports"]),
        residuals=_residuals_value(stored["residuals"]),
    )
