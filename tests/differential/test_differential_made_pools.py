"""Random pools made by the venues' own instructions in their real programs, and traded on: what a quote says is what happens, to
the last unit and to the last field of the pool left behind; what it refuses fails, with the code it names.

`DEXROUTE_MADE_POOLS` says how many pools of each venue are tried. Skipped, with the reason, where the program is absent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from solders.transaction_metadata import FailedTransactionMetadata

from dexroute.errors import QuoteError
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.making.meteora_damm_v1 import DammV1Maker
from tests.differential.making.meteora_damm_v2 import DammV2Maker
from tests.differential.making.meteora_dlmm import DlmmMaker
from tests.differential.making.pools import Made, Maker, magnitude
from tests.differential.making.raydium_amm_v4 import AmmV4Maker
from tests.differential.making.raydium_clmm import ClmmMaker
from tests.differential.making.raydium_cpmm import CpmmMaker
from tests.differential.making.stage import START, MakingRefused, Stage
from tests.differential.world import ProgramAbsent, input_rounded_otherwise

POOLS: Final = int(os.environ.get("DEXROUTE_MADE_POOLS", "150"))
SWAPS: Final = 8
EXAMPLES = settings(
    max_examples=POOLS, phases=(Phase.explicit, Phase.generate), database=None, suppress_health_check=list(HealthCheck)
)
MAKERS: Final[dict[str, Callable[[Stage], Maker]]] = {
    "raydium-amm-v4": AmmV4Maker,
    "raydium-cpmm": CpmmMaker,
    "raydium-clmm": ClmmMaker,
    "meteora-damm-v1": DammV1Maker,
    "meteora-damm-v2": DammV2Maker,
    "meteora-dlmm": DlmmMaker,
}


@dataclass(slots=True)
class Tally:
    """What happened: a test in which nothing did would prove nothing."""

    made: int = 0
    unmade: int = 0
    executed: int = 0
    refused: int = 0
    unaffordable: int = 0
    disturbed: int = 0


@pytest.mark.parametrize("venue", MAKERS)
def test_made_pools_do_what_their_quotes_say(venue: str) -> None:
    try:
        stage = Stage(venue)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    maker, tally = MAKERS[venue](stage), Tally()

    @EXAMPLES
    @given(seed=st.integers(0, 2**63))
    def trade(seed: int) -> None:
        rng = Random(seed)
        stage.set_clock(START)
        try:
            made = maker.make(rng)
        except MakingRefused:
            tally.unmade += 1
            return
        tally.made += 1
        for _ in range(SWAPS):
            hold_to_its_word(stage, made, rng, tally)
            if rng.random() < 0.4:
                disturb(stage, maker, rng, tally)

    trade()
    print(f"\n{venue}: {tally}")
    assert tally.made >= POOLS // 2, tally
    assert tally.executed >= 2 * tally.made, tally
    assert tally.refused >= POOLS // 10, tally
    assert tally.disturbed >= tally.made // 4, tally


def disturb(stage: Stage, maker: Maker, rng: Random, tally: Tally) -> None:
    """Time passes, or something else happens to the pool."""
    if rng.random() < 0.5:
        stage.later(rng.choice((0, 1, 7, 31, 100, 700, 4_000, 100_000)))
        return
    try:
        maker.disturb(rng)
    except MakingRefused:
        return
    tally.disturbed += 1


def drawn_request(made: Made, mode: SwapMode, rng: Random) -> QuoteRequest:
    mint_in, mint_out = rng.sample(list(made.depths), 2)
    depth = made.depths[mint_in if mode is SwapMode.EXACT_IN else mint_out]
    amount = rng.choice((magnitude(rng, 60), rng.randint(1, max(1, depth)), rng.randint(1, max(1, depth // 50))))
    return QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode)


def hold_to_its_word(stage: Stage, made: Made, rng: Random, tally: Tally) -> None:
    """One swap of the pool as it is now on the chain, held against its quote whatever the quote says."""
    stage.enter(made.address)
    modes = list(SwapMode) if stage.venue.capabilities.exact_out else [SwapMode.EXACT_IN]
    request = drawn_request(made, rng.choice(modes), rng)
    held = stage.balance(request.input_mint)
    try:
        quote = stage.quote(request)
    except QuoteError as refusal:
        if (request.mode is SwapMode.EXACT_IN and request.amount > held) or input_rounded_otherwise(stage.pool, request):
            tally.unaffordable += 1
            return
        result = stage.swap(stage.pool, request, 0 if request.mode is SwapMode.EXACT_IN else U64_MAX)
        assert isinstance(result, FailedTransactionMetadata), (str(stage), request, refusal)
        code = re.search(r"Custom\D*(\d+)", str(result.err()))
        if refusal.program_error is not None and not _user_was_short(request, result):
            assert code is not None, (str(stage), request, refusal, result)
            assert int(code[1]) == refusal.program_error, (str(stage), request, refusal, result)
        tally.refused += 1
        return
    if not stage.affords(request, quote):
        tally.unaffordable += 1
        return
    stage.assert_executes(stage.pool, request, quote)
    tally.executed += 1


def _user_was_short(request: QuoteRequest, result: FailedTransactionMetadata) -> bool:
    """Whether a refused exact output failed for want of input before the program came to its own reason."""
    return request.mode is SwapMode.EXACT_OUT and any("insufficient funds" in line for line in result.meta().logs())
