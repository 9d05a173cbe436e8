"""Pools of every venue emptied, filled and tilted beyond what anybody would trade in: curves must be true there too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from dexroute.fetchers.base import Pool
from dexroute.fetchers.meteora.damm_v1.curves import StableCurve
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.fetchers.meteora.dlmm.bins import Bin
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.rounding import U64_MAX

_HALF: Final = U64_MAX // 2


def some_amount(rng: Random) -> int:
    """1 to 2^64 - 1: as often of few units as of any magnitude."""
    return min(int(10.0 ** rng.uniform(0.0, rng.choice((1, 4, 7, 12, 19.3)))), U64_MAX)


def _two(rng: Random) -> tuple[int, int]:
    return min(some_amount(rng), U64_MAX - 1), min(some_amount(rng), U64_MAX - 1)


def _amm_v4(pool: AmmV4Pool, rng: Random) -> Pool:
    return replace(pool, vault_amounts=_two(rng), need_take_pnl=(0, 0), open_orders=None)


def _cpmm(pool: CpmmPool, rng: Random) -> Pool:
    return replace(pool, vault_amounts=_two(rng), protocol_fees=(0, 0), fund_fees=(0, 0), creator_fees=(0, 0))


def _dexroute_pool(pool: DexroutePool, rng: Random) -> Pool:
    return replace(pool, reserves=_two(rng), protocol_fees=(0, 0))


def _damm_v1(pool: DammV1Pool, rng: Random) -> Pool:
    """Half of them with vaults whose shares are worth more than a unit, and that others hold too."""
    sides = []
    for side, share in zip(pool.sides, _two(rng), strict=True):
        supply = share + rng.choice((0, share // 3))
        total = supply + rng.choice((0, supply // 7))
        sides.append(replace(side, total=total, cash=total, supply=supply, share=share, locked_profit=0))
    curve = pool.curve
    if isinstance(curve, StableCurve):
        curve = replace(curve, amp=rng.choice((1, 2, 10, 100, 1_000, 10_000)))
    return replace(pool, sides=(sides[0], sides[1]), curve=curve)


def _damm_v2(pool: DammV2Pool, rng: Random) -> Pool:
    amounts = _two(rng) if pool.compounds else (_HALF, _HALF)
    liquidity = max(int(pool.liquidity * 10.0 ** rng.uniform(-14.0, 4.0)), 1)
    return replace(pool, amounts=amounts, vault_amounts=(_HALF, _HALF), liquidity=liquidity)


def _clmm(pool: ClmmPool, rng: Random) -> Pool:
    """The liquidity between any two ticks a fraction or a multiple of what it was."""
    times = 10 ** rng.randint(0, 4)
    per = 10 ** rng.randint(0, 16)
    ladder, nets = pool.ladder, list(pool.ladder.nets)
    current = ladder.first(pool.tick_current, down=False)
    level = pool.liquidity
    for place in range(current, len(nets)):
        after = level + ladder.nets[place]
        nets[place], level = after * times // per - level * times // per, after
    level = pool.liquidity
    for place in range(current - 1, -1, -1):
        below = level - ladder.nets[place]
        nets[place], level = level * times // per - below * times // per, below
    return replace(pool, liquidity=pool.liquidity * times // per, ladder=replace(ladder, nets=tuple(nets)))


def _dlmm(pool: DlmmPool, rng: Random) -> Pool:
    """Every filled bin with other amounts of what it held."""

    def refilled(entry: Bin) -> Bin:
        return entry._replace(x=entry.x and some_amount(rng) // 2, y=entry.y and some_amount(rng) // 2)

    arrays = {}
    for index, array in pool.arrays.items():
        filled = {array.first_id + place: refilled(entry) for place, entry in enumerate(array.bins) if entry is not None}
        arrays[index] = array.with_bins(filled)
    return replace(pool, arrays=arrays, reserve_amounts=(_HALF, _HALF))


RESHAPED: Final[dict[str, Callable[[Any, Random], Pool]]] = {
    "raydium-amm-v4": _amm_v4,
    "raydium-cpmm": _cpmm,
    "raydium-clmm": _clmm,
    "meteora-damm-v1": _damm_v1,
    "meteora-damm-v2": _damm_v2,
    "meteora-dlmm": _dlmm,
    "dexroute-pool": _dexroute_pool,
}
"""By venue: a state of one with other contents, drawn from the generator."""
