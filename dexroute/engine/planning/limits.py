"""The limits a transaction carries: one for the swap as a whole, one for each hop."""

from __future__ import annotations

from dexroute.engine.routing import RouteQuote
from dexroute.errors import InvalidAmount, SlippageExceeded, TransactionTooLarge
from dexroute.math.rounding import BPS
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop


def swap_limit(quote: RouteQuote, request: QuoteRequest, slippage_bps: int, *, fixed: int | None = None) -> int:
    """Least output (exact in, rounded down) or most input (exact out, rounded up) the chain is to accept, base units.

    `fixed` is a limit promised earlier; it is kept as it is. Raises InvalidAmount when the slippage is not 0 to 9,999 bps,
    SlippageExceeded when the quote does not meet the fixed limit.
    """
    if not 0 <= slippage_bps < BPS:
        raise InvalidAmount(f"slippage of {slippage_bps} bps is not between 0 and {BPS - 1}", slippage_bps=slippage_bps)
    exact_in = request.mode is SwapMode.EXACT_IN
    if fixed is not None:
        quoted = quote.amount_out if exact_in else quote.amount_in
        if quoted < fixed if exact_in else quoted > fixed:
            raise SlippageExceeded(
                f"the best route now {'returns' if exact_in else 'costs'} {quoted} base units of "
                f"{request.output_mint if exact_in else request.input_mint}, and the order's limit is {fixed}; "
                "ask for a new quote, or place a new order with more slippage",
                quoted=str(quoted),
                limit=str(fixed),
                mode=request.mode.value,
            )
        return fixed
    if not exact_in:
        return max_amount_in(quote.amount_in, slippage_bps)
    # 0 on chain is no limit at all; one base unit is the least that still is one.
    return max(min_amount_out(quote.amount_out, slippage_bps), 1)


def hop_request(hops: tuple[Hop, ...], index: int, request: QuoteRequest, limit: int) -> tuple[QuoteRequest, int]:
    """What one hop of a leg is asked to do, and its limit.

    Exact in: a hop must deliver at least what the next one spends, and the last at least `limit`. Exact out: a hop may take no
    more than the one before it delivers, and the first no more than `limit`. So no hop ever spends what is not
    there, and what is left of an intermediate token stays with the user.
    """
    hop = hops[index]
    last = index == len(hops) - 1
    if request.mode is SwapMode.EXACT_IN:
        amount, bound = hop.amount_in, limit if last else hops[index + 1].amount_in
    else:
        amount, bound = request.amount if last else hop.amount_out, limit if index == 0 else hops[index - 1].amount_out
    return QuoteRequest(input_mint=hop.input_mint, output_mint=hop.output_mint, amount=amount, mode=request.mode), bound


def only_leg(quote: RouteQuote) -> tuple[Hop, ...]:
    """The hops of a route of one leg. Raises TransactionTooLarge for more: shares of a limit are not planned yet."""
    if len(quote.route.legs) != 1:
        raise TransactionTooLarge(
            f"the route has {len(quote.route.legs)} legs and one transaction here carries one; ask for --max-splits 1",
            legs=len(quote.route.legs),
        )
    return quote.route.legs[0].hops
