"""Quotes that work out fees by kind and the pool after the swap when somebody asks: who compares many quotes asks it of few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.types.fees import Fee, FeeKind
from dexroute.types.mints import Mint

POOL, CREATOR, TRANSFER = FeeKind
"""By name: looking one up in the enumeration takes as long as a fee's arithmetic."""

_slots: Final[dict[str, Any]] = {name: SwapQuote.__dict__[name] for name in SwapQuote.__slots__}
_set_amount_in: Final = _slots["amount_in"].__set__  # what a frozen dataclass does in the end, without its detours
_set_amount_out: Final = _slots["amount_out"].__set__
_get_fees, _set_fees = _slots["fees"].__get__, _slots["fees"].__set__
_get_next_pool, _set_next_pool = _slots["next_pool"].__get__, _slots["next_pool"].__set__


class DeferredQuote(SwapQuote):
    """A SwapQuote in everything. A venue derives its own, whose `_fees` and `_settled` make the rest of `facts`, each once.

    They are pure and refuse nothing: whatever the program would refuse was checked before the quote was given.
    """

    __slots__ = ("_facts",)
    _facts: Any

    def __init__(self, amount_in: int, amount_out: int, facts: Any = None, **made: Any) -> None:
        """Either `facts`, or `fees` and `next_pool` themselves (which is what `dataclasses.replace` and copies give)."""
        _set_amount_in(self, amount_in)
        _set_amount_out(self, amount_out)
        _set_facts(self, facts)
        _set_fees(self, None)
        for name, value in made.items():
            _slots[name].__set__(self, value)

    def _fees(self) -> tuple[Fee, ...]:
        """Fees by kind, from `self._facts`."""
        raise NotImplementedError

    def _settled(self) -> Pool:
        """The pool after the swap, from `self._facts`."""
        raise NotImplementedError

    @property
    def fees(self) -> tuple[Fee, ...]:
        fees: tuple[Fee, ...] | None = _get_fees(self)
        if fees is None:
            fees = self._fees()
            _set_fees(self, fees)
        return fees

    @property
    def next_pool(self) -> Pool:
        try:
            return _get_next_pool(self)  # type: ignore[no-any-return]
        except AttributeError:
            pool = self._settled()
            _set_next_pool(self, pool)
            return pool

    def __eq__(self, other: object) -> bool:
        """Equal to any SwapQuote of the same facts, however its pool was made."""
        if not isinstance(other, SwapQuote):
            return NotImplemented
        return _told(self) == _told(other)

    def __hash__(self) -> int:
        return hash((self.amount_in, self.amount_out, self.fees))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles carry fees and pool themselves."""
        return _plain, _told(self)


def fees_by_kind(mints: Sequence[Mint], *taken: tuple[FeeKind, int, int]) -> tuple[Fee, ...]:
    """Of (kind, index of the mint, base units) those that took something."""
    return tuple([Fee(kind=kind, mint=mints[index].address, amount=amount) for kind, index, amount in taken if amount])


_set_facts: Final = DeferredQuote.__dict__["_facts"].__set__


def _plain(amount_in: int, amount_out: int, fees: tuple[Fee, ...], next_pool: Pool) -> SwapQuote:
    return SwapQuote(amount_in=amount_in, amount_out=amount_out, fees=fees, next_pool=next_pool)


def _told(quote: SwapQuote) -> tuple[int, int, tuple[Fee, ...], Pool]:
    return quote.amount_in, quote.amount_out, quote.fees, quote.next_pool
