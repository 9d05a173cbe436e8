"""The order's limit, held against every quote and simulation before anything is signed. The chain holds it again, at the price
of a fee."""

from __future__ import annotations

from dexroute.errors import SlippageExceeded
from dexroute.types.orders import Order, SwapAmounts
from dexroute.types.requests import SwapMode


def check_limit(order: Order, limit_amount: int | None, amounts: SwapAmounts, what: str) -> None:
    """Raises SlippageExceeded when `amounts` are beyond the limit: too little out (exact in), too much in (exact out)."""
    if limit_amount is None:
        return
    if order.request.mode is SwapMode.EXACT_IN:
        unit = f"base units of {order.request.output_mint}"
        kept, got = amounts.amount_out >= limit_amount, f"{amounts.amount_out} {unit} would come out, less than the {limit_amount}"
    else:
        unit = f"base units of {order.request.input_mint}"
        kept, got = amounts.amount_in <= limit_amount, f"{amounts.amount_in} {unit} would go in, more than the {limit_amount}"
    if not kept:
        raise SlippageExceeded(
            f"order {order.id} as {what} now: {got} {unit} that were accepted; take a new quote or allow more slippage",
            order=order.id,
            limit=str(limit_amount),
            amount_in=str(amounts.amount_in),
            amount_out=str(amounts.amount_out),
        )
