"""A broken pool among good ones costs them nothing: whatever its accounts say, the others still answer, and the bound holds.

A pool of DAMM v2 with a square-root price of 0 once ended every search of its market in a division by zero.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest

from dexroute.engine.routing import RouteOptions, solve_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import DecodeError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.curve import curve_of
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import cases_of
from tests.conformance.changed_accounts import decode, needed_by
from tests.conformance.test_conformance_quotes import attempt, directions
from tests.engine.routing_oracle import assert_executes
from tests.engine.small_market import pool as constant_product

TRIED_A_VENUE: Final = 60
EXTREMES: Final = (b"\0", b"\xff", b"\x7f", b"\x01", b"\x80")


def changed(account: AccountData, rng: Random) -> AccountData:
    """With bits, or whole numbers, of it turned over."""
    content = bytearray(account.data)
    for _ in range(rng.choice((1, 2, 8))):
        width = rng.choice((1, 2, 4, 8, 16))
        at = rng.randrange(8, max(len(content) - width, 9))
        content[at : at + width] = rng.choice((rng.randbytes(width), rng.choice(EXTREMES) * width))[: len(content) - at]
    return replace(account, data=bytes(content))


def beside_good_ones(broken: Pool, rng: Random) -> int:
    """Routes through a market of this pool and two others; how many."""
    first, second = broken.mints
    good = [constant_product(f"good {number}", (first, second), (10**12, 10**12)) for number in (0, 1)]
    market, routes = Market([broken, *good]), 0
    for pair in directions(broken):
        for mode in SwapMode:
            request = QuoteRequest(
                input_mint=pair[0], output_mint=pair[1], amount=rng.choice((10**3, 10**6, 10**9, 10**11)), mode=mode
            )
            alone = good[0].quote(request)
            solution = solve_route(market, request, RouteOptions(room=AnyRoom()))
            found, certificate = solution.quote, solution.certificate
            assert_executes([broken, *good], request, found)
            assert certificate is not None
            if mode is SwapMode.EXACT_IN:
                assert alone.amount_out <= found.amount_out <= certificate.bound
            else:
                assert alone.amount_in >= found.amount_in >= certificate.bound
            routes += 1
    return routes


@pytest.mark.parametrize("venue_id", [venue.id for venue in VENUES])
def test_a_pool_of_changed_accounts_spoils_no_route(venue_id: str) -> None:
    rng, routes = Random(venue_id), 0
    cases = cases_of(venue_id)
    for _ in range(TRIED_A_VENUE):
        case = rng.choice(cases)
        accounts = dict(needed_by(case))
        mints = {mint.address for mint in case.pool().mints}
        for address in rng.sample(sorted(set(accounts) - mints, key=bytes), 1) + [case.address] * rng.randint(0, 1):
            account = accounts[address]
            if account is not None and len(account.data) > 8:
                accounts[address] = changed(account, rng)
        try:
            broken = decode(case, accounts)
        except DecodeError:
            continue
        if len({mint.address for mint in broken.mints}) == 2 and all(mint.transfer_fee is None for mint in broken.mints):
            routes += beside_good_ones(broken, rng)
    assert routes >= 20


def _damm_v2(**state: Any) -> list[Pool]:
    pools = [case.pool() for case in cases_of("meteora-damm-v2")]
    return [replace(one, **state) for one in pools if isinstance(one, DammV2Pool) and not one.compounds and one.tradable().ok]


@pytest.mark.parametrize("state", [{"sqrt_price_x64": 0}, {"sqrt_min_x64": 0}, {"liquidity": 0}, {"liquidity": 2**128 - 1}])
def test_no_price_at_all_is_no_pool_and_no_crash(state: dict[str, int]) -> None:
    rng = Random(1)
    pools = _damm_v2(**state)
    for one in pools[:4]:
        if "sqrt_price_x64" in state or state.get("liquidity") == 0:
            assert not one.tradable().ok
        for pair in directions(one):
            curve = curve_of(one, *pair, most_in=U64_MAX)
            quoted = attempt(one, pair, 10**6)
            assert quoted is None or quoted.amount_out <= curve.amount_out(10.0**6) * (1 + 1e-9) + 2
        if all(mint.transfer_fee is None for mint in one.mints):
            beside_good_ones(one, rng)
    assert len(pools) >= 4
