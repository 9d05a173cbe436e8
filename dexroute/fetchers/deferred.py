"""Quotes that work out the pool after the swap when somebody asks for it: who compares many quotes asks for it of few."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.types.fees import Fee

_set: Final = object.__setattr__


class DeferredQuote(SwapQuote):
    """A SwapQuote in everything. `settle` makes its `next_pool`, once; it is pure and refuses nothing: whatever the program would
    refuse was checked before the quote was given."""

    __slots__ = ("_made", "_settle")
    _made: Pool | None
    _settle: Callable[[], Pool]

    def __init__(self, *, amount_in: int, amount_out: int, fees: tuple[Fee, ...], settle: Callable[[], Pool]) -> None:
        _set(self, "amount_in", amount_in)
        _set(self, "amount_out", amount_out)
        _set(self, "fees", fees)
        _set(self, "_settle", settle)
        _set(self, "_made", None)

    @property
    def next_pool(self) -> Pool:
        made = self._made
        if made is None:
            made = self._settle()
            _set(self, "_made", made)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles carry the pool itself."""
        return _of, (self.amount_in, self.amount_out, self.fees, self.next_pool)


def _of(amount_in: int, amount_out: int, fees: tuple[Fee, ...], next_pool: Pool) -> DeferredQuote:
    return DeferredQuote(amount_in=amount_in, amount_out=amount_out, fees=fees, settle=partial(_itself, next_pool))


def _itself(pool: Pool) -> Pool:
    return pool
