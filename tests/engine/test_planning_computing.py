"""A pair of many filled bins, swapped through its real program up to what a transaction can compute: what is proposed is executed,
what cannot be is not proposed, and how much of it can is said.

Skipped, with the reason, where the program is absent.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.planning import OneTransaction
from dexroute.engine.routing import RouteOptions
from dexroute.errors import RouteNotFound
from dexroute.fetchers import VENUES
from dexroute.fetchers.meteora.dlmm.addresses import EVENT_AUTHORITY, PROGRAM_ID
from dexroute.sdk.terms import SwapTerms
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.making.anchor import SYSTEM_PROGRAM, Marked, i32, instruction, u16, u32, u64
from tests.differential.making.meteora_dlmm import DlmmMaker
from tests.differential.making.pools import Wish
from tests.differential.making.stage import Stage
from tests.differential.world import ProgramAbsent
from tests.engine.leg_world import World, a_user, executes_as_said
from tests.engine.svm_cluster import SOL, SvmCluster
from tests.engine.world_quoter import planned_of, world_quoter

_WIDTH: Final = 70
_DEPOSIT: Final = 10**9
# A seed by which a pair's bins are a hundredth of a per cent apart: 280 of them move its price by a few per cent.
_CLOSE_BINS: Final = 2


class FullBins(DlmmMaker):
    """Positions side by side above the price, the same in each of their bins: four deposits are 280 bins."""

    _deposits = 0

    def _deposit(self, rng: Random) -> None:
        lower = self._active + self._deposits * _WIDTH
        self._deposits += 1
        position = Pubkey.new_unique()
        opening: list[Marked] = [(self._user, "ws"), (position, "ws"), self._pair, (self._user, "s"), SYSTEM_PROGRAM]
        bounds = i32(lower) + i32(_WIDTH)
        self._stage.run(instruction(PROGRAM_ID, "initialize_position2", bounds, *opening, EVENT_AUTHORITY, PROGRAM_ID))
        share, rest = divmod(10_000, _WIDTH)
        arguments = u64(_DEPOSIT) + u64(0) + u32(_WIDTH)
        arguments += b"".join(i32(lower + at) + u16(share + (at < rest)) + u16(10_000 if at == 0 else 0) for at in range(_WIDTH))
        arrays = self._arrays_of([lower, lower + _WIDTH - 1])
        accounts: list[Marked] = [(position, "w"), *self._sides(), EVENT_AUTHORITY, PROGRAM_ID, *arrays]
        self._stage.run(instruction(PROGRAM_ID, "add_liquidity2", arguments + u32(0), *accounts))


@pytest.mark.parametrize("mode", SwapMode)
async def test_what_a_transaction_cannot_compute_is_not_proposed(mode: SwapMode, tmp_path: Path) -> None:
    cluster = SvmCluster()
    try:
        stage = Stage("meteora-dlmm", cluster.svm)
        maker = FullBins(stage)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    mints = {letter: cluster.new_mint() for letter in "AB"}
    for mint in mints.values():
        stage.hold(mint)
    pair = maker.make(Random(_CLOSE_BINS), Wish(amounts=dict.fromkeys(mints.values(), _DEPOSIT))).address
    world = World(cluster, {**mints, "S": SOL}, {"AB0": pair}, venues=VENUES)
    bought, paid = (await world.states())[pair].mints
    user = a_user(world, "AB", held=10**12)
    quoting = world_quoter(world, user, tmp_path)

    async def swapped(amount: int) -> int:
        """The compute units it took. Raises RouteNotFound."""
        request = QuoteRequest(input_mint=paid.address, output_mint=bought.address, amount=amount, mode=mode)
        terms = SwapTerms(request=request, slippage_bps=50, route=RouteOptions(pools=frozenset({pair})))
        quote = await quoting.quoter.quote(terms, swappable=True, for_signing=True)
        planned = planned_of(quote)
        expected = OneTransaction(request, user=user.pubkey(), held=[paid.address, bought.address]).measure(
            quote.best.route.legs, quote.pools
        )[2]
        units: int = (await executes_as_said(world, planned, user)).facts["compute_units"]
        assert units <= expected <= 1_400_000
        return units

    most = 0
    for part in (1, 5, 30):
        most = max(most, await swapped(_DEPOSIT * part // 100))
    with pytest.raises(RouteNotFound, match=r"compute units of 1400000\. Ask for less at once") as caught:
        await swapped(_DEPOSIT * 35 // 10)
    fillable = int(caught.value.context["most_fillable"])
    assert _DEPOSIT < fillable < _DEPOSIT * 35 // 10
    assert await swapped(fillable) > 1_000_000 > most > 150_000
