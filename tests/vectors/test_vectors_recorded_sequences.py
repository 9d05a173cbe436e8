"""Swaps executed one after another, with and without pauses, are what a walk through `next_pool` quotes: reserves, fees owed,
prices and volatility are carried on as the program stores them. Recorded by tests/differential/record_sequences.py."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES, decode_pool
from dexroute.types.accounts import ChainClock
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import state_named

FOLDER = Path(__file__).parent / "sequences"
SEQUENCES: list[tuple[str, int, dict[str, Any]]] = [
    (document["venue"], number, sequence)
    for path in sorted(FOLDER.glob("*.json.gz"))
    for document in [json.loads(gzip.decompress(path.read_bytes()))]
    for number, sequence in enumerate(document["sequences"])
]


def later(clock: ChainClock, seconds: int) -> ChainClock:
    return ChainClock(slot=clock.slot + seconds * 5 // 2, epoch=clock.epoch, unix_timestamp=clock.unix_timestamp + seconds)


@pytest.mark.parametrize(
    ("venue", "number", "sequence"), SEQUENCES, ids=lambda part: part if isinstance(part, (str, int)) else part["state"]
)
def test_next_pool_carries_on_as_the_program_does(venue: str, number: int, sequence: dict[str, Any]) -> None:
    state = state_named(venue, sequence["state"])
    pool = decode_pool(state.pool, state.snapshot)
    executed = 0
    for step in sequence["steps"]:
        pool = replace(pool, clock=later(pool.clock, int(step["pause"])))  # type: ignore[type-var, attr-defined]
        request = QuoteRequest(
            input_mint=Pubkey.from_string(step["input_mint"]),
            output_mint=Pubkey.from_string(step["output_mint"]),
            amount=int(step["amount"]),
            mode=SwapMode(step["mode"]),
        )
        if "ok" in step:
            quote = pool.quote(request)
            assert (str(quote.amount_in), str(quote.amount_out)) == (step["ok"]["amount_in"], step["ok"]["amount_out"])
            pool = quote.next_pool
            executed += 1
        else:
            with pytest.raises(QuoteError) as caught:
                pool.quote(request)
            assert caught.value.program_error == step["err"]["custom"]
    assert executed >= 2


def test_sequences_of_every_foreign_venue_were_found() -> None:
    assert {venue for venue, _, _ in SEQUENCES} == {venue.id for venue in VENUES} - {"dexroute-pool"}
    assert sum(len(sequence["steps"]) for _, _, sequence in SEQUENCES) >= 900
