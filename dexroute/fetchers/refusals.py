"""Refusals said aloud: curve and fee code knows why, the pool knows where; together they make one message.

An amount is said as `N base units of MINT`, so that a terminal can show it in whole tokens. Code that knows no mints says `N base
units in` or `N base units out`: the token the swap pays or receives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dexroute.errors import AmountTooSmall, PairNotInPool, QuoteError, QuoteOverflow
from dexroute.fetchers.base import Pool, SwapRequest
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode


@contextmanager
def refusals_explained(pool: Pool, request: QuoteRequest) -> Iterator[None]:
    """Re-raises a QuoteError from inside the block with the pool, its slot and the swap in message and context."""
    try:
        yield
    except QuoteError as error:
        raise explained(error, pool, request) from error


def explained(error: QuoteError, pool: Pool, request: QuoteRequest) -> QuoteError:
    """The refusal with the pool, its slot and the swap in message and context. `quote` has no time for a block around itself."""
    exact_in = request.mode is SwapMode.EXACT_IN
    why = error.message.replace(" base units in", f" base units of {request.input_mint}")
    why = why.replace(" base units out", f" base units of {request.output_mint}")
    code = f" (program error {error.program_error})" if error.program_error is not None else ""
    place = {
        "program_error": error.program_error,
        "pool": str(pool.address),
        "venue": pool.venue_id,
        "slot": pool.slot,
        "input_mint": str(request.input_mint),
        "output_mint": str(request.output_mint),
        "amount": str(request.amount),
        "mode": str(request.mode),
    }
    return type(error)(
        f"{pool.venue_id} pool {pool.address} at slot {pool.slot} refuses {request.mode} of {request.amount} base units of "
        f"{request.input_mint if exact_in else request.output_mint}, {request.input_mint} to {request.output_mint}: {why}{code}",
        **(error.context | place),
    )


def input_index(pool: Pool, request: QuoteRequest) -> int:
    """Which of the pool's two mints comes in (0 or 1). Raises PairNotInPool."""
    first, second = pool.mints
    asked = request.input_mint, request.output_mint
    if asked == (first.address, second.address):
        return 0
    if asked == (second.address, first.address):
        return 1
    raise PairNotInPool(f"the pool holds {first.address} and {second.address}; ask for this pair or another pool")


def require_u64(amount: int) -> None:
    """An amount an instruction can carry. Raises AmountTooSmall or QuoteOverflow."""
    if amount < 0:
        raise AmountTooSmall(f"{amount} is negative; ask for at least 1")
    if amount > U64_MAX:
        raise QuoteOverflow(f"{amount} does not fit the 64 bits of a token amount; ask for less")


def instruction_direction(pool: Pool, request: SwapRequest) -> int:
    """The input index for an instruction, after its pair, amount and limit were found possible. Raises QuoteError."""
    with refusals_explained(pool, request.quote):
        index = input_index(pool, request.quote)
        require_u64(request.quote.amount)
        require_u64(request.limit)
        if request.quote.amount == 0:
            raise AmountTooSmall("a swap of nothing; ask for at least 1")
        return index
