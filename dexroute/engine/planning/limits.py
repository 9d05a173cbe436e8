"""The limits a transaction carries: one for the swap as a whole, shared out over its legs, and one for each hop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dexroute.engine.routing import RouteQuote
from dexroute.errors import InvalidAmount, SlippageExceeded
from dexroute.math.rounding import BPS
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.checks import require_whole
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop, Leg


def swap_limit(quote: RouteQuote, request: QuoteRequest, slippage_bps: int, *, fixed: int | None = None) -> int:
    """Least output (exact in, rounded down) or most input (exact out, rounded up) the chain is to accept, base units.

    `fixed` is a limit promised earlier; it is kept as it is. Raises InvalidAmount when the slippage is not 0 to 9,999 bps,
    SlippageExceeded when the quote does not meet the fixed limit.
    """
    check_slippage(slippage_bps)
    exact_in = request.mode is SwapMode.EXACT_IN
    if fixed is not None:
        quoted = quote.amount_out if exact_in else quote.amount_in
        unit = f"base units of {request.output_mint if exact_in else request.input_mint}"
        if quoted < fixed if exact_in else quoted > fixed:
            raise SlippageExceeded(
                f"the best route now {'returns' if exact_in else 'costs'} {quoted} {unit}, "
                f"and the order's limit is {fixed} {unit}; "
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
    """What one hop of a leg is asked to do, and its limit. `request` and `limit` are the leg's.

    Exact in: a hop must deliver at least what the next one spends, and the last at least `limit`. Exact out: a hop may take no
    more than the one before it delivers, and the first no more than `limit`. So no hop ever spends what is not
    there, and what is left of an intermediate token stays with the user. What the market gives beyond an exact-out quote
    is not spent: it stays in the input token.
    """
    hop = hops[index]
    last = index == len(hops) - 1
    if request.mode is SwapMode.EXACT_IN:
        amount, bound = hop.amount_in, limit if last else hops[index + 1].amount_in
    else:
        amount, bound = request.amount if last else hop.amount_out, limit if index == 0 else hops[index - 1].amount_out
    return QuoteRequest(input_mint=hop.input_mint, output_mint=hop.output_mint, amount=amount, mode=request.mode), bound


def leg_requests(legs: Sequence[Leg], request: QuoteRequest) -> tuple[QuoteRequest, ...]:
    """Each leg's part of the request. Exact out: the last leg owes what those before it do not deliver, so that the parts sum to
    the amount asked for even where a pool delivers a unit more than it was asked for."""
    if request.mode is SwapMode.EXACT_IN:
        amounts = [leg.amount_in for leg in legs]
    else:
        amounts = [leg.amount_out for leg in legs[:-1]]
        amounts.append(request.amount - sum(amounts))
    return tuple(replace(request, amount=amount) for amount in amounts)


def leg_limits(legs: Sequence[Leg], mode: SwapMode, limit: int, slacks: Sequence[int] = ()) -> tuple[int, ...]:
    """Each leg's share of the route's limit, in the legs' order: least output (exact in) or most input (exact out), base units.

    Shares follow what the legs are quoted at, so that every leg may fall behind by the same part as the whole; the units that
    rounding leaves over go to the largest fractions, the earlier leg first among equals; to a leg whose last program may round
    some away (`slacks`, by leg) only when no other is left, so that it need not promise all it is quoted at. They sum to `limit`
    exactly, except where that would leave a leg without a limit: 0 on chain is none, so an exact-in leg has at least 1.

    No program sees more than one leg, so the chain cannot hold one total. Shares are stricter than it: a leg may miss its
    own although the others would make up for it, and the (atomic) transaction then fails. They are never laxer.
    """
    exact_in = mode is SwapMode.EXACT_IN
    quoted = [leg.amount_out if exact_in else leg.amount_in for leg in legs]
    total = sum(quoted)
    shares = [limit * amount // total for amount in quoted]
    unsure = slacks or (0,) * len(legs)
    fractions = sorted(range(len(legs)), key=lambda index: (unsure[index], -(limit * quoted[index] % total), index))
    for index in fractions[: limit - sum(shares)]:
        shares[index] += 1
    return tuple(max(share, 1) if exact_in else share for share in shares)


def check_slippage(slippage_bps: int) -> None:
    """Raises InvalidAmount when a slippage is not 0 to 9,999 bps: 10,000 would accept nothing at all for the whole input.
    UsageError when it is no whole number."""
    require_whole("slippage", slippage_bps)
    if not 0 <= slippage_bps < BPS:
        raise InvalidAmount(f"slippage of {slippage_bps} bps is not between 0 and {BPS - 1}", slippage_bps=slippage_bps)
