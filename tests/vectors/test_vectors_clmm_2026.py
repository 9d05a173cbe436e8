"""What the CLMM program's 2026 source makes of states that the build of April 2026 does not know: fees on the output, dynamic
fees, limit orders. Recorded from the public source (its own `swap_internal`), since no build of it is at hand."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dexroute.errors import QuoteError
from dexroute.fetchers.curve import curve_of
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY, TickArrayBitmap
from dexroute.fetchers.raydium.clmm.decode import decode_clmm_pool
from dexroute.fetchers.raydium.clmm.dynamic_fee import DynamicFee
from dexroute.fetchers.raydium.clmm.ladder import TickLadder
from dexroute.fetchers.raydium.clmm.limit_orders import LimitOrders
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.fetchers.raydium.clmm.walk_2026 import fee_on_input, walk_2026
from tests.conformance.test_conformance_curves import bound, roundings, worth
from tests.conformance.test_conformance_quotes import LADDER, attempt, directions
from tests.vectors import state_named

FILE = Path(__file__).parent / "raydium-clmm-2026-07.json.gz"
SCENARIOS: list[dict[str, Any]] = json.loads(gzip.decompress(FILE.read_bytes()))["scenarios"]


@pytest.fixture(scope="module")
def plain() -> ClmmPool:
    state = state_named("raydium-clmm", "one-position")
    return decode_clmm_pool(state.pool, state.snapshot)


def pool_of(plain: ClmmPool, scenario: dict[str, Any]) -> ClmmPool:
    spacing, ticks = scenario["tick_spacing"], scenario["ticks"]
    dynamic = scenario["dynamic_fee"]
    arrays = {entry[0] // (TICKS_PER_ARRAY * spacing) for entry in ticks}
    return replace(
        plain,
        clock=replace(plain.clock, unix_timestamp=scenario["now"]),
        trade_fee_ppm=scenario["trade_fee_ppm"],
        tick_spacing=spacing,
        liquidity=int(scenario["liquidity"]),
        sqrt_price_x64=int(scenario["sqrt_price_x64"]),
        tick_current=scenario["tick_current"],
        bitmap=TickArrayBitmap(bits=sum(1 << number + 512 * 15 for number in arrays), extended=True),
        ladder=TickLadder(
            ticks=tuple(entry[0] for entry in ticks),
            nets=tuple(int(entry[1]) for entry in ticks),
            orders={
                entry[0]: LimitOrders(waiting=int(entry[2]), part_filled=int(entry[3]), has_liquidity=entry[4])
                for entry in ticks
                if len(entry) > 2
            },
            unread_below=None,
            unread_above=None,
        ),
        fee_on=scenario["fee_on"],
        dynamic_fee=None if dynamic is None else DynamicFee(**dynamic),
    )


def result_of(pool: ClmmPool, scenario: dict[str, Any]) -> dict[str, Any] | None:
    amount, down, exact_in = int(scenario["amount"]), scenario["token_0_in"], scenario["exact_in"]
    try:
        walked = walk_2026(pool, amount, down=down, exact_in=exact_in)
    except QuoteError:
        return None
    swapped = amount - walked.left
    moved = (swapped, walked.calculated) if down == exact_in else (walked.calculated, swapped)
    fee_on_0 = fee_on_input(pool.fee_on, 0 if down else 1) == down
    dynamic = walked.dynamic_fee
    return {
        "amount_0": str(moved[0]),
        "amount_1": str(moved[1]),
        "sqrt_price_x64": str(walked.sqrt_price_x64),
        "tick": walked.tick,
        "liquidity": str(walked.liquidity),
        "fee_0": str(walked.fee if fee_on_0 else 0),
        "fee_1": str(0 if fee_on_0 else walked.fee),
        "index_reference": dynamic.index_reference if dynamic else 0,
        "volatility_reference": dynamic.volatility_reference if dynamic else 0,
        "volatility": dynamic.volatility if dynamic else 0,
        "last_update": dynamic.last_update if dynamic else 0,
        "orders": sorted([tick, str(left.waiting), str(left.part_filled)] for tick, left in walked.ladder.orders.items()),
    }


def test_every_scenario_ends_as_in_the_programs_source(plain: ClmmPool) -> None:
    executed = refused = 0
    for number, scenario in enumerate(SCENARIOS):
        pool = pool_of(plain, scenario)
        assert pool.has_2026_features
        assert result_of(pool, scenario) == scenario["result"], number
        executed += scenario["result"] is not None
        refused += scenario["result"] is None
    assert executed >= 439
    assert refused >= 100


def test_the_scenarios_cover_what_the_source_added() -> None:
    done = [scenario for scenario in SCENARIOS if scenario["result"] is not None]
    assert sum(scenario["fee_on"] > 0 for scenario in done) >= 100
    assert sum(scenario["dynamic_fee"] is not None for scenario in done) >= 100
    filled = 0
    for scenario in done:
        before = sorted([entry[0], entry[2], entry[3]] for entry in scenario["ticks"] if len(entry) > 2)
        filled += before != scenario["result"]["orders"]
    assert filled >= 50


def test_curves_follow_dynamic_fees_and_limit_orders(plain: ClmmPool) -> None:
    """Never below one swap or two; above one by rounding only where no dynamic fee remembers."""
    compared = split = tight = 0
    for scenario in SCENARIOS[::6]:
        pool = replace(pool_of(plain, scenario), vault_amounts=(2**63, 2**63))
        for pair in directions(pool):
            for amount in LADDER[6::5]:
                whole, first = attempt(pool, pair, amount), attempt(pool, pair, amount // 3)
                if whole is None:
                    continue
                curve = curve_of(pool, *pair, most_in=amount)
                assert whole.amount_out <= bound(curve, amount)
                compared += 1
                second = first and attempt(first.next_pool, pair, amount - amount // 3)
                if first is not None and second is not None:
                    assert first.amount_out + second.amount_out <= bound(curve, amount) + worth(curve, amount)
                    split += 1
                if pool.dynamic_fee is None:
                    assert curve.amount_out(float(amount)) - whole.amount_out <= 1e-6 * whole.amount_out + roundings(curve)
                    tight += 1
    assert min(compared, split, tight) > 200
