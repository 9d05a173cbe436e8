"""Orders as rows of a ledger: what was quoted, simulated and executed, and every cost apart. `COLUMNS` says what each cell means.

One row an order. What only the chain can tell (executed amounts, costs, slot) is empty for an order that never landed, so the
columns can be summed: every base unit that left or reached the wallet stands in exactly one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.receipt import Receipt, receipt_of, tip_paid
from dexroute.sdk.token import Token
from dexroute.types.amounts import format_ui_amount
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import OrderHistory

Cell = int | str | Decimal | None
"""A number in base units, lamports or milliseconds; words; an exact decimal number; nothing known."""

_AMOUNTS: Final = ("quoted_in", "quoted_out", "simulated_in", "simulated_out", "executed_in", "executed_out")
_COSTS: Final = {
    "network_fee": "the network's base fee",
    "priority_fee": "paid for compute units",
    "tip": "paid to Jito's tip accounts",
    "rent_created": "locked in token accounts that stay open",
    "rent_refunded": "back from token accounts that closed",
    "other": "left the wallet for none of these (negative: came)",
}
_SOL_DECIMALS: Final = 9

COLUMNS: Final[Mapping[str, str]] = {
    "order_id": "the order's id",
    "key": "the caller's idempotency key",
    "state": "PENDING, ROUTING, BUILDING, SUBMITTED, CONFIRMED, FAILED or CANCELLED",
    "final": "yes: nothing on chain can change this row any more",
    "created_at": "when the order was placed (UTC)",
    "signed_at": "when the transaction that landed, or the one alive, was signed (UTC)",
    "landed_at": "the block's time (UTC)",
    "updated_at": "the order's last step (UTC)",
    "wallet": "the address that paid",
    "genesis_hash": "the cluster",
    "mode": "exact_in or exact_out",
    "input_mint": "the token paid",
    "input_symbol": "its symbol, where a list of yours names it",
    "input_decimals": "its decimals, where known",
    "output_mint": "the token received",
    "output_symbol": "its symbol",
    "output_decimals": "its decimals",
    "slippage_bps": "slippage accepted, basis points",
    "max_amount_in": "the most the chain would take, base units",
    "min_amount_out": "the least it would give, base units",
    **{name: f"amount {name.replace('_', ', ')}, base units" for name in _AMOUNTS},
    **{f"{name}_ui": f"{name} in whole tokens" for name in _AMOUNTS},
    **{f"{name}_lamports": f"{meaning}, lamports" for name, meaning in _COSTS.items()},
    **{f"{name}_sol": f"{name}_lamports in SOL" for name in _COSTS},
    "residuals": "left over of other mints: MINT:BASE_UNITS, a space between (signed)",
    "residuals_ui": "the same in whole tokens; nothing after the colon where decimals are unknown",
    "wallet_lamports_change": "change of the wallet account's own lamports",
    "wrapped_lamports_change": "change of wrapped SOL that was there before or stayed",
    "units_consumed": "compute units",
    "attempts": "transactions begun",
    "outcomes": "what became of each: landed, landed_with_error, never_signed, expired, alive",
    "signature": "of the transaction that landed, or of the one alive",
    "slot": "where it landed",
    "venues": "venues of the route, in order, each once",
    "route": "VENUE:POOL hops joined by >, legs by |",
    "failure_code": "why it failed",
    "failure_message": "the same in words",
}
"""Columns in their order, with their meaning. New ones are added at the end only."""


def ledger_row(history: OrderHistory, tokens: Mapping[Pubkey, Token]) -> dict[str, Cell]:
    """The row of an order, its columns in order. `tokens` gives symbols and decimals as far as they are known."""
    receipt = receipt_of(history)
    order, fill, attempt = receipt.order, receipt.fill, receipt.attempt
    paid, got = tokens.get(order.request.input_mint), tokens.get(order.request.output_mint)
    cells: dict[str, Cell] = {
        "order_id": order.id,
        "key": order.key,
        "state": str(order.state),
        "final": "yes" if order.settled else "no",
        "created_at": utc(order.created_ms),
        "signed_at": utc(attempt.signed_ms) if attempt else None,
        "landed_at": utc(fill.block_time * 1_000) if fill and fill.block_time is not None else None,
        "updated_at": utc(order.updated_ms),
        "wallet": str(order.wallet),
        "genesis_hash": order.genesis_hash,
        "mode": str(order.request.mode),
        "input_mint": str(order.request.input_mint),
        "output_mint": str(order.request.output_mint),
        "slippage_bps": order.slippage_bps,
        "max_amount_in": order.max_amount_in,
        "min_amount_out": order.min_amount_out,
        "attempts": len(history.attempts),
        "outcomes": " ".join(str(one.outcome or "alive") for one in history.attempts),
        "signature": receipt.signature,
        "slot": attempt.slot if attempt else None,
        "units_consumed": fill.units_consumed if fill else None,
        "failure_code": order.failure.code if order.failure else None,
        "failure_message": order.failure.message if order.failure else None,
    }
    for side, token in (("input", paid), ("output", got)):
        if token is not None:
            cells |= {f"{side}_symbol": token.symbol, f"{side}_decimals": token.decimals}
    for name, amounts in (("quoted", order.quoted), ("simulated", order.simulated), ("executed", fill.amounts if fill else None)):
        if amounts is not None:
            cells |= {f"{name}_in": amounts.amount_in, f"{name}_in_ui": ui_amount(amounts.amount_in, paid)}
            cells |= {f"{name}_out": amounts.amount_out, f"{name}_out_ui": ui_amount(amounts.amount_out, got)}
    cells |= _route_cells(receipt) | _fill_cells(receipt, tokens)
    return {name: cells.get(name) for name in COLUMNS}


def ledger_mints(history: OrderHistory) -> tuple[Pubkey, ...]:
    """The mints whose decimals a row needs."""
    request = history.order.request
    left_over = (residual.mint for fill in history.fills for residual in fill.costs.residuals)
    return tuple(dict.fromkeys((request.input_mint, request.output_mint, *left_over)))


def ui_amount(amount: int, token: Token | None) -> Decimal | None:
    """Exactly; None where the decimals are not known."""
    return None if token is None else Decimal(format_ui_amount(amount, token.decimals))


def utc(at_ms: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    if at_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(at_ms // 1_000, UTC).replace(microsecond=at_ms % 1_000 * 1_000)
    except (ValueError, OverflowError, OSError):  # a clock, or a node, beyond the year 9999
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _route_cells(receipt: Receipt) -> dict[str, Cell]:
    legs: list[dict[str, Any]] = list((receipt.order.route or {}).get("legs", ()))
    if not legs:
        return {}
    hops = [hop for leg in legs for hop in leg["hops"]]
    return {
        "venues": " ".join(dict.fromkeys(str(hop["venue"]) for hop in hops)),
        "route": "|".join(">".join(f"{hop['venue']}:{hop['pool']}" for hop in leg["hops"]) for leg in legs),
    }


def _fill_cells(receipt: Receipt, tokens: Mapping[Pubkey, Token]) -> dict[str, Cell]:
    fill = receipt.fill
    if fill is None:
        return {}
    costs, tip = fill.costs, tip_paid(receipt)
    lamports = {
        "network_fee": costs.network_fee_lamports,
        "priority_fee": costs.priority_fee_lamports,
        "tip": tip,
        "rent_created": costs.rent_lamports,
        "rent_refunded": costs.rent_refunded_lamports,
        "other": costs.other_lamports - tip,
    }
    sol = Token(mint=NATIVE_MINT, symbol="SOL", decimals=_SOL_DECIMALS)
    return {
        **{f"{name}_lamports": amount for name, amount in lamports.items()},
        **{f"{name}_sol": ui_amount(amount, sol) for name, amount in lamports.items()},
        "residuals": " ".join(f"{residual.mint}:{residual.amount}" for residual in costs.residuals),
        "residuals_ui": " ".join(_residual_ui(residual.mint, residual.amount, tokens) for residual in costs.residuals),
        "wallet_lamports_change": fill.wallet_lamports_change,
        "wrapped_lamports_change": fill.wrapped_lamports_change,
    }


def _residual_ui(mint: Pubkey, amount: int, tokens: Mapping[Pubkey, Token]) -> str:
    token = tokens.get(mint)
    return f"{mint}:{'' if token is None else format_ui_amount(amount, token.decimals)}"
