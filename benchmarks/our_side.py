"""Our side of the comparison: warm quotes, and the memory of loaded pools."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.recordings import Chosen
from dexroute.fetchers import decode_pool
from dexroute.fetchers.base import Pool, SwapQuote
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.requests import QuoteRequest

_BATCH_NS = 400_000
_BATCHES = 5
_WARM_ROUNDS = 3
_COPIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OurQuotes:
    """Of one state, in the order of its swaps: amounts, and nanoseconds of a warm quote: of its amounts alone, with its fees by
    kind, and with fees and the pool after it."""

    amounts: tuple[tuple[int, int], ...]
    amounts_ns: tuple[float, ...]
    ns: tuple[float, ...]
    settled_ns: tuple[float, ...]


def quote_all(state: Chosen) -> OurQuotes:
    """Every chosen swap of a state, measured as quotes.mjs measures."""
    pool = decode_pool(state.state.pool, state.state.snapshot)
    requests = [swap.request for swap in state.swaps]
    for _ in range(_WARM_ROUNDS):
        quotes = [pool.quote(request) for request in requests]
    return OurQuotes(
        amounts=tuple((quote.amount_in, quote.amount_out) for quote in quotes),
        amounts_ns=tuple(_time(pool.quote, request) for request in requests),
        ns=tuple(_time(lambda request: pool.quote(request).fees, request) for request in requests),
        settled_ns=tuple(_time(lambda request: _all_of(pool.quote(request)), request) for request in requests),
    )


def _all_of(quote: SwapQuote) -> object:
    return quote.fees, quote.next_pool


def _time(quote: Callable[[QuoteRequest], object], request: QuoteRequest) -> float:
    now = time.perf_counter_ns
    once = now()
    quote(request)
    count = max(1, round(_BATCH_NS / max(1, now() - once)))
    samples = []
    for _ in range(_BATCHES):
        started = now()
        for _ in range(count):
            quote(request)
        samples.append((now() - started) / count)
    return min(samples)  # what else the machine does only ever adds


def memory_of_a_pool(state: Chosen) -> float:
    """Bytes a loaded pool keeps alive, whatever it still holds of its account bytes included."""
    decode_pool(state.state.pool, state.state.snapshot)  # what venues share between pools is there before
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        pools: Sequence[Pool] = [decode_pool(state.state.pool, _fresh(state)) for _ in range(_COPIES)]
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / len(pools)
    finally:
        tracemalloc.stop()


def _fresh(state: Chosen) -> AccountSnapshot:
    accounts = {
        address: AccountData(owner=account.owner, lamports=account.lamports, data=bytes(bytearray(account.data)))
        for address, account in state.state.accounts.items()
    }
    return AccountSnapshot(clock=state.state.clock, accounts=accounts)
