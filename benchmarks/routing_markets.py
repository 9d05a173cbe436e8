"""Markets of all seven kinds of pool, made to order: every mint has one worth, and every pool quotes it but for a small deviation.

Without arbitrage a deviation stays inside the pool's own fee, so no way round gains anything (each swap fetches at most what it is
worth), while which pool is best for which amount stays open. With arbitrage deviations are several fees wide.
Values are made from recorded states with `dataclasses.replace`; no account bytes lie behind them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct
from dexroute.fetchers.meteora.dlmm.bins import Bin, BinArray
from dexroute.fetchers.meteora.dlmm.bitmap import BINS_PER_ARRAY, EXTENSION_REACH, ArrayBitmap
from dexroute.fetchers.meteora.dlmm.fees import Volatility
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.volatility import Volatility as PoolVolatility
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY, TickArrayBitmap
from dexroute.fetchers.raydium.clmm.ladder import TickLadder
from dexroute.fetchers.recorded import PACKAGED, read_recorded
from dexroute.math.bin_price import bin_price_x64
from dexroute.math.tick import tick_at_sqrt_price
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import TOKEN_PROGRAM_ID, Mint

CLOCK: Final = ChainClock(slot=400_000_000, epoch=925, unix_timestamp=1_800_000_000)
_HUBS: Final = 4
_BITMAP_MIDDLE: Final = 512 * 15


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedMarket:
    """`worths`: of one base unit of each mint, in base units of a unit of account. `depths`: what pools hold of each mint
    in all, in the same unit. The first few mints are hubs."""

    pools: tuple[Pool, ...]
    mints: tuple[Mint, ...]
    worths: tuple[float, ...]
    depths: tuple[float, ...]

    def amount(self, mint: int, worth: float) -> int:
        """Base units of a mint that are worth so much, at least 1."""
        return max(1, round(worth / self.worths[mint]))


def generated_market(pools: int, mints: int, *, seed: int, arbitrage: bool = False, deepest: float = 3e12) -> GeneratedMarket:
    """`deepest`: the worth that the largest pools hold on one side, in base units of account; the smallest a ten-thousandth."""
    rng = random.Random(seed)  # noqa: S311
    held = tuple(Mint(address=_key(rng), decimals=6, token_program=TOKEN_PROGRAM_ID) for _ in range(mints))
    worths = tuple(10.0 ** rng.uniform(-2.0, 2.0) for _ in range(mints))
    hubs = min(_HUBS, mints)
    makers = list(_MAKERS.values())
    made: list[Pool] = []
    depths = [0.0] * mints
    for number in range(pools):
        first, second = _pair(rng, number, mints, hubs)
        if bytes(held[first].address) > bytes(held[second].address):
            first, second = second, first
        fee = rng.choice((1e-4, 5e-4, 2.5e-3, 1e-2))
        deviation = rng.gauss(0.0, 3.0 * fee) if arbitrage else rng.uniform(-0.9, 0.9) * fee
        make = makers[number % len(makers)]
        if make is _dlmm:
            deviation /= 2.0  # the price of a bin is up to half a step off besides
        side = deepest * 10.0 ** rng.uniform(-4.0, 0.0)
        depths[first] += side
        depths[second] += side
        spot = worths[first] / worths[second] * math.exp(deviation)
        reserves = max(10, round(side / worths[first])), max(10, round(side / worths[first] * spot))
        made.append(make(rng, (held[first], held[second]), spot, reserves, fee))
    return GeneratedMarket(pools=tuple(made), mints=held, worths=worths, depths=tuple(depths))


def _pair(rng: random.Random, number: int, mints: int, hubs: int) -> tuple[int, int]:
    """Every mint is joined to a hub first; then hubs among themselves, hubs to any, and any to any."""
    if hubs <= number < mints:
        return number, rng.randrange(hubs)
    kind = rng.random()
    first = rng.randrange(hubs) if kind < 0.75 else rng.randrange(mints)
    second = first
    while second == first:
        second = rng.randrange(hubs) if kind < 0.2 else rng.randrange(mints)
    return first, second


def _key(rng: random.Random) -> Pubkey:
    return Pubkey.from_bytes(rng.randbytes(32))


@cache
def _template(venue: str, name: str) -> Any:
    state = read_recorded(next(path for path in sorted((PACKAGED / venue).glob("*.json.gz")) if path.name.startswith(name)))
    return VENUES[venue].decode_pool(state.pool, state.snapshot)


Mints = tuple[Mint, Mint]
Reserves = tuple[int, int]


def _amm_v4(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    return replace(  # type: ignore[no-any-return]
        _template("raydium-amm-v4", "plain"),
        address=_key(rng),
        clock=CLOCK,
        mints=mints,
        vaults=(_key(rng), _key(rng)),
        vault_amounts=reserves,
        need_take_pnl=(0, 0),
        pool_open_time=0,
        orderbook_to_init_time=0,
        fee_numerator=round(fee * 10**6),
        fee_denominator=10**6,
    )


def _cpmm(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    template = _template("raydium-cpmm", "plain")
    return replace(  # type: ignore[no-any-return]
        template,
        address=_key(rng),
        clock=CLOCK,
        mints=mints,
        vaults=(_key(rng), _key(rng)),
        vault_amounts=reserves,
        protocol_fees=(0, 0),
        fund_fees=(0, 0),
        creator_fees=(0, 0),
        open_time=0,
        rates=replace(template.rates, trade_ppm=round(fee * 10**6), creator_ppm=0),
        observation=_key(rng),
    )


def _clmm(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    spacing = {1e-4: 1, 5e-4: 10, 2.5e-3: 60, 1e-2: 120}[fee]
    root = math.sqrt(spot)
    sqrt_price = int(root * 2.0**64)
    current = tick_at_sqrt_price(sqrt_price)
    nets: dict[int, int] = {}
    liquidity = 0
    # Wide positions hold little, narrow ones most of it; all of them are in range.
    for width, part in ((20_000, 0.1), (3_000, 0.2), (600, 0.3), (120, 0.4)):
        reach = max(width, 2 * spacing)
        lower = (current - rng.randint(reach // 2, reach)) // spacing * spacing
        upper = (current + rng.randint(reach // 2, reach)) // spacing * spacing + spacing
        amount = int(reserves[1] * part / (root - 1.0001 ** (lower / 2)))
        nets[lower] = nets.get(lower, 0) + amount
        nets[upper] = nets.get(upper, 0) - amount
        liquidity += amount
    ticks = tuple(sorted(nets))
    bits = 0
    for tick in ticks:
        bits |= 1 << tick // (TICKS_PER_ARRAY * spacing) + _BITMAP_MIDDLE
    return replace(  # type: ignore[no-any-return]
        _template("raydium-clmm", "used"),
        address=_key(rng),
        clock=CLOCK,
        mints=mints,
        vaults=(_key(rng), _key(rng)),
        vault_amounts=(2**63, 2**63),
        trade_fee_ppm=round(fee * 10**6),
        tick_spacing=spacing,
        liquidity=liquidity,
        sqrt_price_x64=sqrt_price,
        tick_current=current,
        bitmap=TickArrayBitmap(bits=bits, extended=True),
        ladder=TickLadder(ticks=ticks, nets=tuple(nets[tick] for tick in ticks), orders={}, unread_below=None, unread_above=None),
        fee_on=0,
        dynamic_fee=None,
        status=0,
        open_time=0,
    )


def _damm_v1(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    template = _template("meteora-damm-v1", "product")
    sides = tuple(
        replace(side, enabled=True, total=amount, cash=amount, supply=amount, share=amount, locked_profit=0)
        for side, amount in zip(template.sides, reserves, strict=True)
    )
    return replace(  # type: ignore[no-any-return]
        template,
        address=_key(rng),
        clock=CLOCK,
        mints=mints,
        sides=sides,
        enabled=True,
        activation_point=0,
        fees=replace(template.fees, trade=(round(fee * 10**6), 10**6)),
        curve=ConstantProduct(),
    )


def _damm_v2(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    template = _template("meteora-damm-v2", "full-range-both-tokens")
    root = math.sqrt(spot)
    base = template.fees.base
    return replace(  # type: ignore[no-any-return]
        template,
        fees=replace(template.fees, base=replace(base, cliff=replace(base.cliff, rate=round(fee * 10**9)))),
        address=_key(rng),
        clock=CLOCK,
        mints=mints,
        vaults=(_key(rng), _key(rng)),
        vault_amounts=(2**62, 2**62),
        amounts=(2**61, 2**61),
        liquidity=int(reserves[0] * root) << 64,
        sqrt_price_x64=int(root * 2.0**64),
        activation_point=0,
    )


def _dlmm(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    step = {1e-4: 1, 5e-4: 4, 2.5e-3: 20, 1e-2: 80}[fee]
    active = round(math.log(spot) / math.log1p(step / 10_000))
    filled = 34
    bins: dict[int, list[Bin | None]] = {}
    for bin_id in range(active - filled, active + filled + 1):
        price = bin_price_x64(bin_id, step)
        part = reserves[1] // filled
        x = int(part / (price / 2.0**64)) if bin_id >= active else 0
        y = part if bin_id <= active else 0
        row = bins.setdefault(bin_id // BINS_PER_ARRAY, [None] * BINS_PER_ARRAY)
        if x or y:
            row[bin_id % BINS_PER_ARRAY] = Bin(x, y, price, 0, 0, False)
    template = _template("meteora-dlmm", "traded-a")
    settings = replace(
        template.settings,
        mints=mints,
        reserves=(_key(rng), _key(rng)),
        oracle=_key(rng),
        step_bps=step,
        min_bin_id=-400_000,
        max_bin_id=400_000,
        fees=replace(template.settings.fees, base_rate=round(fee * 10**9), step_bps=step, variable_control=0),
        collect_fee_mode=0,
        status=0,
        pair_type=0,
        activation_point=0,
    )
    bits = sum(1 << index + EXTENSION_REACH for index in bins)
    return replace(  # type: ignore[no-any-return]
        template,
        address=_key(rng),
        clock=CLOCK,
        settings=settings,
        bitmap=ArrayBitmap(bits, EXTENSION_REACH),
        reserve_amounts=(2**62, 2**62),
        active_id=active,
        volatility=Volatility(0, 0, active, CLOCK.unix_timestamp - 10_000),
        arrays={index: BinArray(index, tuple(row)) for index, row in bins.items()},
    )


def _dexroute(rng: random.Random, mints: Mints, spot: float, reserves: Reserves, fee: float) -> Pool:
    return DexroutePool(
        accounts=pool_accounts(*mints, index=rng.randrange(60_000)),
        clock=CLOCK,
        mints=mints,
        index=0,
        admin=_key(rng),
        status=0,
        reserves=reserves,
        protocol_fees=(0, 0),
        lp_supply=10**9,
        terms=FeeTerms(
            base_fee_ppm=round(fee * 10**6),
            protocol_share_ppm=200_000,
            dynamic_fee_ppm=0,
            max_volatility_bps=500,
            filter_period_s=30,
            decay_period_s=600,
        ),
        volatility=PoolVolatility(),
        sums=PriceSums(a_x64=0, b_x64=0, at=CLOCK.unix_timestamp),
    )


_MAKERS: Final[dict[str, Callable[[random.Random, Mints, float, Reserves, float], Pool]]] = {
    "raydium-amm-v4": _amm_v4,
    "raydium-cpmm": _cpmm,
    "raydium-clmm": _clmm,
    "meteora-damm-v1": _damm_v1,
    "meteora-damm-v2": _damm_v2,
    "meteora-dlmm": _dlmm,
    "dexroute-pool": _dexroute,
}
