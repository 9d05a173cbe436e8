"""Quotes that work out the pool after the swap when somebody asks for it: who compares many quotes asks for it of few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.types.fees import Fee

_set: Final = object.__setattr__


class DeferredQuote(SwapQuote):
    """A SwapQuote in everything. `settle` makes its `next_pool`, once; it is pure and refuses nothing: whatever the program would
    refuse was checked before the quote was given."""

    __slots__ = ("_made", "_settle")
    _made: Pool | None
    _settle: Callable[[], Pool] | None

    def __init__(
        self,
        *,
        amount_in: int,
        amount_out: int,
        fees: tuple[Fee, ...],
        settle: Callable[[], Pool] | None = None,
        next_pool: Pool | None = None,
    ) -> None:
        """Either `settle`, or the pool itself (which is what `dataclasses.replace` and copies give)."""
        _set(self, "amount_in", amount_in)
        _set(self, "amount_out", amount_out)
        _set(self, "fees", fees)
        _set(self, "_settle", settle)
        _set(self, "_made", next_pool)

    def __eq__(self, other: object) -> bool:
        """Equal to any SwapQuote of the same facts, however its pool was made."""
        if not isinstance(other, SwapQuote):
            return NotImplemented
        return _facts(self) == _facts(other)

    def __hash__(self) -> int:
        return hash((self.amount_in, self.amount_out, self.fees))

    @property
    def next_pool(self) -> Pool:
        made = self._made
        if made is None:
            assert self._settle is not None, "a quote has its pool, or the way to make it"
            made = self._settle()
            _set(self, "_made", made)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles carry the pool itself."""
        return _of, (self.amount_in, self.amount_out, self.fees, self.next_pool)


def _of(amount_in: int, amount_out: int, fees: tuple[Fee, ...], next_pool: Pool) -> DeferredQuote:
    return DeferredQuote(amount_in=amount_in, amount_out=amount_out, fees=fees, next_pool=next_pool)


def _facts(quote: SwapQuote) -> tuple[int, int, tuple[Fee, ...], Pool]:
    return quote.amount_in, quote.amount_out, quote.fees, quote.next_pool
