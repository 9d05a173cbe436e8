"""A deferred quote is a SwapQuote in everything, and makes the pool after the swap once, when it is asked for."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from dexroute.fetchers import decode_pool
from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.fetchers.deferred import DeferredQuote
from tests.vectors import state_named


def test_the_next_pool_is_made_once_and_only_when_asked_for() -> None:
    state = state_named("raydium-cpmm", "plain")
    pool = decode_pool(state.pool, state.snapshot)
    made: list[Pool] = []

    def settle() -> Pool:
        made.append(pool)
        return pool

    quote = DeferredQuote(amount_in=1, amount_out=2, fees=(), settle=settle)
    assert (quote.amount_in, quote.amount_out, quote.fees) == (1, 2, ()) and made == []
    assert quote.next_pool is quote.next_pool is pool and made == [pool]


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
    quote = DeferredQuote(amount_in=1, amount_out=2, fees=(), settle=lambda: 7)  # type: ignore[arg-type,return-value]
    assert pickle.loads(pickle.dumps(quote)) == quote and copy.deepcopy(quote) == quote
