"""One hop through one pool: quoted, or refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey

from dexroute.engine.routing.market import swap_compute_units
from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PoolNotTradable, QuoteError
from dexroute.fetchers.base import Pool, SwapQuote, quoted_units
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop


@dataclass(frozen=True, slots=True)
class QuotedHop:
    """`pool` before the swap; `quote.next_pool` is the pool after it."""

    pool: Pool
    hop: Hop
    compute_units: int
    quote: SwapQuote


@dataclass(frozen=True, slots=True)
class RefusedHop:
    pool: Pool
    error: QuoteError


def quote_hop(pool: Pool, input_mint: Pubkey, output_mint: Pubkey, amount: int, mode: SwapMode) -> QuotedHop | RefusedHop:
    """The pool's quote as a hop. A pool that is closed, that would not take the whole input or deliver the whole output, or
    that would pay nothing is refused."""
    try:
        return _quoted(pool, QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=amount, mode=mode))
    except QuoteError as error:
        return RefusedHop(pool, error)


def _quoted(pool: Pool, request: QuoteRequest) -> QuotedHop:
    name = f"pool {pool.address} ({pool.venue_id})"
    where: dict[str, Any] = {"pool": str(pool.address), "slot": pool.slot}
    state = pool.tradable()
    if not state.ok:
        raise PoolNotTradable(f"{name} takes no swaps at slot {pool.slot}: {state.reason or 'no reason given'}", **where)
    if request.amount == 0:
        raise AmountTooSmall(f"{name}: nothing would be left to swap", **where)
    quote = pool.quote(request)
    if request.mode is SwapMode.EXACT_IN and quote.amount_in != request.amount:
        paid = _unit(request.input_mint)
        raise ExceedsLiquidity(
            f"{name} would take only {quote.amount_in} {paid} of the {request.amount} {paid} offered; ask for less",
            amount_in=str(quote.amount_in),
            **where,
        )
    if request.mode is SwapMode.EXACT_OUT and quote.amount_out < request.amount:
        got = _unit(request.output_mint)
        raise ExceedsLiquidity(
            f"{name} would deliver only {quote.amount_out} {got} of the {request.amount} {got} asked for; ask for less",
            amount_out=str(quote.amount_out),
            **where,
        )
    if quote.amount_out == 0 or quote.amount_in == 0:
        paid, got = _unit(request.input_mint), _unit(request.output_mint)
        raise AmountTooSmall(
            f"{name} would take {quote.amount_in} {paid} and deliver {quote.amount_out} {got}: no swap; ask for more",
            amount_in=str(quote.amount_in),
            amount_out=str(quote.amount_out),
            **where,
        )
    hop = Hop(
        venue_id=pool.venue_id,
        pool=pool.address,
        input_mint=request.input_mint,
        output_mint=request.output_mint,
        amount_in=quote.amount_in,
        amount_out=quote.amount_out,
        fees=quote.fees,
    )
    return QuotedHop(pool, hop, quoted_units(quote) or swap_compute_units(pool.venue_id), quote)


def _unit(mint: Pubkey) -> str:
    return f"base units of {mint}"
