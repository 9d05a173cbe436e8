"""A market of all venues over common mints in one LiteSVM: pools made by the real programs' own instructions, and ours.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers import VENUES
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TransferFee
from tests.differential.making.meteora_damm_v1 import DammV1Maker
from tests.differential.making.meteora_damm_v2 import DammV2Maker
from tests.differential.making.meteora_dlmm import DlmmMaker
from tests.differential.making.pools import Maker, Wish
from tests.differential.making.raydium_amm_v4 import AmmV4Maker
from tests.differential.making.raydium_clmm import ClmmMaker
from tests.differential.making.raydium_cpmm import CpmmMaker
from tests.differential.making.stage import MakingRefused, Stage
from tests.engine.leg_world import World
from tests.engine.svm_cluster import SOL, SvmCluster

MAKERS: Final[dict[str, Callable[[Stage], Maker]]] = {
    "raydium-amm-v4": AmmV4Maker,
    "raydium-cpmm": CpmmMaker,
    "raydium-clmm": ClmmMaker,
    "meteora-damm-v1": DammV1Maker,
    "meteora-damm-v2": DammV2Maker,
    "meteora-dlmm": DlmmMaker,
}
OURS: Final = "dexroute-pool"
# What a base unit is worth, in units of A's: A and B are dollars, S is SOL, T takes a transfer fee, U is of Token-2022 without one.
WORTH: Final = {"A": 1.0, "B": 1.0, "C": 0.04, "D": 7.0, "S": 0.15, "T": 2.0, "U": 1.0}
DEPTHS: Final = (10**9, 10**11, 10**12)
_TRIES: Final = 20


class ForeignMarket:
    """`world` holds mints and pools by name; a pool's name is its pair and a number. `venue_of` tells which venue made it.

    `pools_each` pools of every venue are asked for, over random pairs. Raises ProgramAbsent.
    """

    def __init__(self, rng: Random, *, pools_each: int, letters: str = "ABCSTU", fee: TransferFee | None = None) -> None:
        cluster = SvmCluster()
        stages = {venue: Stage(venue, cluster.svm) for venue in MAKERS}
        self.mints = {letter: SOL for letter in letters if letter == "S"}
        for letter in letters:
            if letter == "T":
                self.mints[letter] = cluster.new_mint(fee or TransferFee(epoch=0, bps=rng.choice((1, 37, 300)), maximum=10**15))
            elif letter != "S":
                self.mints[letter] = cluster.new_mint(program=TOKEN_2022_PROGRAM_ID) if letter == "U" else cluster.new_mint()
        for stage in stages.values():
            for mint in self.mints.values():
                stage.hold(mint)
        makers = {venue: MAKERS[venue](stage) for venue, stage in stages.items()}
        self.world = World(cluster, self.mints, {}, venues=VENUES)
        self.venue_of: dict[Pubkey, str] = {}
        self.refused: list[str] = []
        self._pools: dict[str, Pubkey] = {}
        for venue in (*makers, OURS):
            for _ in range(pools_each):
                self._make(rng, venue, makers.get(venue))
        self.world = World(cluster, self.mints, self._pools, venues=VENUES)
        stages["raydium-cpmm"].later(5)

    def _make(self, rng: Random, venue: str, maker: Maker | None) -> None:
        with_2022 = venue == OURS or VENUES[venue].capabilities.token_2022
        letters = [letter for letter in self.mints if with_2022 or letter not in "TU"]
        for _ in range(_TRIES):
            first, second = rng.sample(letters, 2)
            depth = rng.choice(DEPTHS)
            drift = rng.choice((1.0, 1.0, rng.uniform(0.98, 1.02)))
            wish = Wish(
                amounts={
                    self.mints[first]: int(depth / WORTH[first]),
                    self.mints[second]: int(depth / WORTH[second] * drift),
                }
            )
            name = f"{first}{second}{len(self._pools)}"
            try:
                if maker is None:
                    made = self.world.cluster.pool(wish.amounts, index=len(self._pools))
                else:
                    made = maker.make(rng, wish).address
            except MakingRefused as refusal:
                self.refused.append(f"{venue} {name}: {str(refusal)[-300:]}")
                continue
            self._pools[name] = made
            self.venue_of[made] = venue
            return
        raise AssertionError(f"no pool of {venue} could be made: {self.refused[-3:]}")
