"""Refusals said aloud: curve and fee code knows why, the pool knows where; together they make one message."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn

from dexroute.errors import AmountTooSmall, PairNotInPool, QuoteError, QuoteOverflow
from dexroute.fetchers.base import Pool, SwapRequest
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest


class refusals_explained:  # reads as the block it opens; a generator would cost every quote a microsecond
    """Re-raises a QuoteError from inside the block with the pool, its slot and the swap in message and context."""

    __slots__ = ("_pool", "_request")

    def __init__(self, pool: Pool, request: QuoteRequest) -> None:
        self._pool = pool
        self._request = request

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, QuoteError):
            _explain(error, self._pool, self._request)


def _explain(error: QuoteError, pool: Pool, request: QuoteRequest) -> NoReturn:
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
    raise type(error)(
        f"{pool.venue_id} pool {pool.address} at slot {pool.slot} refuses {request.mode} of {request.amount} base units, "
        f"{request.input_mint} to {request.output_mint}: {error.message}{code}",
        **(error.context | place),
    ) from error


def input_index(pool: Pool, request: QuoteRequest) -> int:
    """Which of the pool's two mints comes in (0 or 1). Raises PairNotInPool."""
    first, second = pool.mints[0].address, pool.mints[1].address
    if (request.input_mint, request.output_mint) == (first, second):
        return 0
    if (request.input_mint, request.output_mint) == (second, first):
        return 1
    raise PairNotInPool(f"the pool holds {first} and {second}; ask for this pair or another pool")


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
