"""Accounts hold 2^64 - 1 and pay what they have: a curve ends where a pool's do, and a quote takes all that the curve says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest
from solders.pubkey import Pubkey

from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.curve import curve_of
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest
from tests.conformance.cases import cases_of
from tests.conformance.test_conformance_quotes import attempt, directions

VENUE_IDS: Final = pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])


def _in_tuple(field: str) -> Callable[[Any, int, int], Pool]:
    def with_held(pool: Any, index: int, amount: int) -> Pool:
        held = list(getattr(pool, field))
        held[index] = amount
        full: Pool = replace(pool, **{field: tuple(held)})
        return full

    return with_held


def _in_vault(pool: Any, index: int, amount: int) -> Pool:
    sides = list(pool.sides)
    sides[index] = replace(sides[index], total=amount, cash=amount, supply=amount, share=amount // 3, locked_profit=0)
    full: Pool = replace(pool, sides=tuple(sides))
    return full


WITH_HELD: Final[dict[str, Callable[[Any, int, int], Pool]]] = {
    "raydium-amm-v4": _in_tuple("vault_amounts"),
    "raydium-cpmm": _in_tuple("vault_amounts"),
    "raydium-clmm": _in_tuple("vault_amounts"),
    "meteora-damm-v1": _in_vault,
    "meteora-damm-v2": _in_tuple("vault_amounts"),
    "meteora-dlmm": _in_tuple("reserve_amounts"),
    "dexroute-pool": _in_tuple("reserves"),
}
"""The pool with an account of its own that holds so much of one mint."""


def largest_taken(pool: Pool, pair: tuple[Pubkey, Pubkey], refused: int) -> int:
    """By halving, below an amount that is refused."""
    taken = refused
    while taken and attempt(pool, pair, taken) is None:
        refused, taken = taken, taken // 2
    while refused - taken > 1:
        middle = (taken + refused) // 2
        taken, refused = (taken, middle) if attempt(pool, pair, middle) is None else (middle, refused)
    return taken


@VENUE_IDS
def test_a_curve_ends_where_the_account_is_full(venue_id: str) -> None:
    rng, compared = Random(venue_id), 0
    for case in cases_of(venue_id):
        plain = case.pool()
        if not plain.tradable().ok:
            continue
        for index_in, pair in enumerate(directions(plain)):
            takes = curve_of(plain, *pair, most_in=U64_MAX).capacity_in
            room = int(min(takes, 1e18) * rng.uniform(0.01, 0.5))
            full = WITH_HELD[venue_id](plain, index_in, U64_MAX - room)
            curve = curve_of(full, *pair, most_in=U64_MAX)
            if room < 10**6 or curve.capacity_in < 10**6:
                continue
            taken = largest_taken(full, pair, U64_MAX)
            assert taken <= curve.capacity_in * (1 + 1e-9) + 2, (case, pair)
            if taken > room // 2 and not case.fee_follows_swaps:  # else it is not the room that ends it
                assert taken >= curve.capacity_in * (1 - 2e-6) - 2, (case, pair)
                compared += 1
    assert compared >= 4


@VENUE_IDS
def test_an_account_that_is_full_takes_nothing(venue_id: str) -> None:
    compared = 0
    for case in cases_of(venue_id):
        plain = case.pool()
        if not plain.tradable().ok:
            continue
        for index_in, pair in enumerate(directions(plain)):
            full = WITH_HELD[venue_id](plain, index_in, U64_MAX)
            assert curve_of(full, *pair, most_in=U64_MAX).capacity_in <= 64, (case, pair)
            with pytest.raises(QuoteError):
                full.quote(QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=10**6))
            compared += 1
    assert compared >= 10


@pytest.mark.parametrize("venue_id", ["raydium-clmm", "meteora-damm-v2", "meteora-dlmm"])
def test_a_curve_promises_no_more_than_the_account_holds(venue_id: str) -> None:
    """Liquidity may say more than the account has."""
    compared = 0
    for case in cases_of(venue_id):
        plain = case.pool()
        for index_in, pair in enumerate(directions(plain)):
            whole = curve_of(plain, *pair, most_in=U64_MAX)
            if min(whole.capacity_in, whole.capacity_out) < 10**6 or whole.capacity_out > 2.0**63 or case.fee_follows_swaps:
                continue
            if plain.mints[1 - index_in].transfer_fee is not None:
                continue
            held = int(whole.capacity_out / 3)
            short = WITH_HELD[venue_id](plain, 1 - index_in, held)
            curve = curve_of(short, *pair, most_in=U64_MAX)
            assert abs(curve.capacity_out - held) <= 1e-6 * held
            taken = largest_taken(short, pair, int(curve.capacity_in * 1.3) + 2)
            paid = attempt(short, pair, taken)
            assert paid is not None and paid.amount_out >= 0.999 * held, (case, pair, taken, curve.capacity_in)
            compared += 1
    assert compared >= 4
