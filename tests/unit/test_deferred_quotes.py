"""A deferred quote is a SwapQuote in everything, and makes fees and the pool after the swap once, when asked."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from dexroute.fetchers import decode_pool
from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.fetchers.deferred import DeferredQuote, fees_by_kind
from dexroute.types.fees import Fee, FeeKind
from tests.vectors import state_named


class Counted(DeferredQuote):
    """Its facts: the pool, and what was made of it in which order."""

    __slots__ = ()
    _facts: tuple[Pool, list[str]]

    def _fees(self) -> tuple[Fee, ...]:
        self._facts[1].append("fees")
        return fees_by_kind(self._facts[0].mints, (FeeKind.POOL, 1, 5), (FeeKind.TRANSFER, 0, 0))

    def _settled(self) -> Pool:
        self._facts[1].append("pool")
        return self._facts[0]


def test_fees_and_the_next_pool_are_made_once_and_only_when_asked_for() -> None:
    state = state_named("raydium-cpmm", "plain")
    pool = decode_pool(state.pool, state.snapshot)
    made: list[str] = []
    quote = Counted(1, 2, (pool, made))
    assert (quote.amount_in, quote.amount_out) == (1, 2) and made == []
    assert quote.next_pool is quote.next_pool is pool and made == ["pool"]
    assert quote.fees is quote.fees and made == ["pool", "fees"]
    assert quote.fees == (Fee(kind=FeeKind.POOL, mint=pool.mints[1].address, amount=5),)


def test_it_is_a_frozen_value_like_any_quote() -> None:
    state = state_named("raydium-cpmm", "plain")
    pool = decode_pool(state.pool, state.snapshot)
    executed = sorted(swap.amount_out or 0 for swap in state.swaps)
    request = next(swap.request for swap in state.swaps if swap.amount_out == executed[len(executed) // 2])
    quote, again = pool.quote(request), pool.quote(request)
    assert isinstance(quote, SwapQuote) and dataclasses.is_dataclass(quote)
    assert quote == again and hash(quote) == hash(again) and repr(quote) == repr(again)
    assert quote != pool.quote(dataclasses.replace(request, amount=request.amount - 1))
    after = quote.next_pool.quote(request)
    assert after.amount_in * quote.amount_out > quote.amount_in * after.amount_out, "the price moved"
    assert copy.copy(quote) == quote and copy.copy(quote).next_pool == quote.next_pool
    with pytest.raises(dataclasses.FrozenInstanceError):
        quote.amount_in = 0  # type: ignore[misc]


def test_it_survives_a_pickle_where_its_pool_does() -> None:
    quote = DeferredQuote(1, 2, fees=(), next_pool=7)
    assert pickle.loads(pickle.dumps(quote)) == quote and copy.deepcopy(quote) == quote
    assert dataclasses.replace(quote, amount_out=3) != quote == dataclasses.replace(quote)
