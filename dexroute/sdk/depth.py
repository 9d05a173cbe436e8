"""The depth of a market: how much of a token can be sold and bought before its price has moved, by pool and in total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.reference_price import ReferencePrice, pools_reference
from dexroute.engine.routing.depth import DepthLevel, depth_levels, worst_prices
from dexroute.errors import DexError, LiquidityNotLoaded, QuoteError, RouteNotFound, UsageError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import LoadedPools
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.math.rounding import BPS, U64_MAX
from dexroute.sdk.learning import Learning
from dexroute.sdk.pool_finder import PoolFinder
from dexroute.sdk.pool_hints import useful_pools
from dexroute.sdk.reserves import reserves_of
from dexroute.sdk.token import Token
from dexroute.types.accounts import ChainClock

DEPTH_LEVELS_BPS: Final = (10, 25, 50, 100, 200)
_MOST_DEEPER_READS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDepth:
    """One pool's part. `sells` take the base token and pay the quote token, `buys` take the quote token and pay the base token;
    both are empty for a pool that takes no swaps, and `reason` then says why."""

    pool: Pubkey
    venue_id: str
    sells: tuple[DepthLevel, ...] = ()
    buys: tuple[DepthLevel, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDepth:
    """All pools of one pair at `clock.slot`. `mid` is quote units per base unit, before fees; `broken` are pools whose accounts
    could not be used. Selling or buying to one level in all pools at once is possible: each amount is its own pool's quote."""

    base: Token
    quote: Token
    mid: ReferencePrice
    levels_bps: tuple[int, ...]
    pools: tuple[PoolDepth, ...]
    broken: Mapping[Pubkey, DexError]
    clock: ChainClock
    round_trips: int
    notes: tuple[str, ...] = ()

    def narrowed(self, levels_bps: Sequence[int]) -> MarketDepth:
        """The same market at some of its levels."""
        wanted = tuple(bps for bps in self.levels_bps if bps in levels_bps)

        def kept(levels: tuple[DepthLevel, ...]) -> tuple[DepthLevel, ...]:
            return tuple(level for level in levels if level.bps in wanted)

        pools = tuple(replace(pool, sells=kept(pool.sells), buys=kept(pool.buys)) for pool in self.pools)
        return replace(self, levels_bps=wanted, pools=pools)

    def by_venue(self) -> dict[str, list[PoolDepth]]:
        """Pools that take swaps, by venue, the venues in order of their names."""
        found: dict[str, list[PoolDepth]] = {}
        for pool in sorted(self.pools, key=lambda one: (one.venue_id, bytes(one.pool))):
            if pool.reason is None:
                found.setdefault(pool.venue_id, []).append(pool)
        return found


def level_sums(pools: Sequence[PoolDepth], *, selling: bool) -> tuple[DepthLevel, ...]:
    """What these pools take and pay together, level by level."""
    sides = [pool.sells if selling else pool.buys for pool in pools]
    return tuple(
        DepthLevel(
            bps=levels[0].bps,
            amount_in=sum(level.amount_in for level in levels),
            amount_out=sum(level.amount_out for level in levels),
        )
        for levels in zip(*sides, strict=True)
    )


async def market_depth(
    finder: PoolFinder,
    reader: PoolReader,
    learning: Learning,
    base: Token,
    quote: Token,
    levels_bps: Sequence[int],
    *,
    max_pools: int,
    refresh: bool = False,
) -> MarketDepth:
    """Read every pool of the pair at one slot and measure it.

    Raises RouteNotFound when no pool of the pair takes swaps, UsageError for levels that cannot be meant, NetworkError."""
    if base.mint == quote.mint:
        raise UsageError(f"both tokens are {base.mint}; name two different ones", mint=str(base.mint))
    levels = tuple(sorted(set(levels_bps)))
    if not levels or not 0 < levels[0] <= levels[-1] < BPS:
        raise UsageError(f"levels are basis points from 1 to {BPS - 1}, not {list(levels_bps)}", levels_bps=list(levels_bps))
    found = await finder.for_pair(base.mint, quote.mint, max_hops=1, refresh=refresh)
    hints, left_out = useful_pools(found.hints, base.mint, quote.mint, max_hops=1, most=max_pools)
    notes = (*found.notes, *((f"{left_out} more known pools were not read (setting max_pools)",) if left_out else ()))
    await learning.recall([hint.address for hint in hints])
    trips = 0
    for tries_left in reversed(range(_MOST_DEEPER_READS + 1)):
        loaded, more = await reader.load([hint.address for hint in hints])
        trips += loaded.round_trips
        mid, pools, deeper = _measured(loaded, base, quote, levels)
        if not deeper or not tries_left:
            break
        reader.learn(deeper)
    await finder.remember_reserves(loaded)
    await learning.keep(loaded)
    return MarketDepth(
        base=base,
        quote=quote,
        mid=mid,
        levels_bps=levels,
        pools=pools,
        broken=loaded.broken,
        clock=loaded.snapshot.clock,
        round_trips=trips,
        notes=(*notes, *more),
    )


def _measured(
    loaded: LoadedPools, base: Token, quote: Token, levels: tuple[int, ...]
) -> tuple[ReferencePrice, tuple[PoolDepth, ...], dict[Pubkey, frozenset[Pubkey]]]:
    """(mid, each pool's depth, accounts still to be read by pool)."""
    reserves = {
        address: reserves_of(pool, loaded.learned.get(address, ()), loaded.snapshot) for address, pool in loaded.pools.items()
    }
    pair = {base.mint, quote.mint}
    direct = [pool for pool in loaded.pools.values() if pair <= {mint.address for mint in pool.mints}]
    mid = pools_reference(direct, reserves, base.mint, quote.mint)
    if mid is None:
        raise _nothing(loaded, direct, base, quote)
    deeper: dict[Pubkey, frozenset[Pubkey]] = {}
    found = []
    for pool in direct:
        if not (state := pool.tradable()).ok:
            found.append(PoolDepth(pool=pool.address, venue_id=pool.venue_id, reason=state.reason or "takes no swaps"))
            continue
        held = sum(reserves[pool.address])
        most_in = max(1, min(U64_MAX, 2 * (held + int(held * max(mid.ratio, 1 / mid.ratio)))))
        found.append(_pool_depth(pool, base, quote, mid.ratio, levels, most_in, loaded, deeper))
    return mid, tuple(found), deeper


def _pool_depth(
    pool: Pool,
    base: Token,
    quote: Token,
    mid: Fraction,
    levels: tuple[int, ...],
    most_in: int,
    loaded: LoadedPools,
    deeper: dict[Pubkey, frozenset[Pubkey]],
) -> PoolDepth:
    sides: list[tuple[DepthLevel, ...]] = []
    for selling in (True, False):
        ends = (base.mint, quote.mint) if selling else (quote.mint, base.mint)
        worst = worst_prices(mid, levels, selling=selling)
        try:
            sides.append(depth_levels(pool, *ends, worst=worst, most_in=most_in))
        except LiquidityNotLoaded as error:
            missing = frozenset(map(Pubkey.from_string, error.context.get("missing", ()))) - loaded.snapshot.accounts.keys()
            if missing:
                deeper[pool.address] = deeper.get(pool.address, frozenset()) | missing
            sides.append(tuple(DepthLevel(bps=bps, amount_in=0, amount_out=0) for bps in levels))
        except QuoteError as error:
            return PoolDepth(pool=pool.address, venue_id=pool.venue_id, reason=error.message)
    return PoolDepth(pool=pool.address, venue_id=pool.venue_id, sells=sides[0], buys=sides[1])


def _nothing(loaded: LoadedPools, direct: Sequence[Pool], base: Token, quote: Token) -> RouteNotFound:
    reasons = [
        {"pools": [str(pool.address)], "venues": [pool.venue_id], "reason": pool.tradable().reason or "holds nothing", "code": None}
        for pool in direct
    ]
    reasons += [
        {"pools": [str(pool)], "venues": [], "reason": error.message, "code": error.code} for pool, error in loaded.broken.items()
    ]
    return RouteNotFound(
        f"no pool of {base.symbol} and {quote.symbol} takes swaps at slot {loaded.snapshot.clock.slot}: {len(reasons)} known; add "
        "one with `dex pools add ADDRESS`, or ask for a quote, which looks for routes through other tokens",
        input_mint=str(base.mint),
        output_mint=str(quote.mint),
        candidates=reasons,
    )


def depth_json(depth: MarketDepth) -> dict[str, Any]:
    """A market's depth for JSON; amounts are strings of base units."""
    venues = depth.by_venue()
    return {
        "base_mint": str(depth.base.mint),
        "quote_mint": str(depth.quote.mint),
        "base_symbol": depth.base.symbol,
        "quote_symbol": depth.quote.symbol,
        "base_decimals": depth.base.decimals,
        "quote_decimals": depth.quote.decimals,
        "mid": {
            "numerator": str(depth.mid.ratio.numerator),
            "denominator": str(depth.mid.ratio.denominator),
            "source": depth.mid.source,
        },
        "levels_bps": list(depth.levels_bps),
        "slot": depth.clock.slot,
        "round_trips": depth.round_trips,
        "total": _sides_json([pool for pools in venues.values() for pool in pools]),
        "venues": [{"venue": venue, "pools": len(pools), **_sides_json(pools)} for venue, pools in venues.items()],
        "pools": [
            {
                "pool": str(pool.pool),
                "venue": pool.venue_id,
                "reason": pool.reason,
                "sell": _levels_json(pool.sells),
                "buy": _levels_json(pool.buys),
            }
            for pool in depth.pools
        ],
        "unusable_pools": [
            {"pool": str(pool), "code": error.code, "reason": error.message}
            for pool, error in sorted(depth.broken.items(), key=lambda one: bytes(one[0]))
        ],
        "notes": list(depth.notes),
    }


def _sides_json(pools: Sequence[PoolDepth]) -> dict[str, Any]:
    return {
        "sell": _levels_json(level_sums(pools, selling=True)),
        "buy": _levels_json(level_sums(pools, selling=False)),
    }


def _levels_json(levels: Sequence[DepthLevel]) -> list[dict[str, Any]]:
    return [{"bps": level.bps, "amount_in": str(level.amount_in), "amount_out": str(level.amount_out)} for level in levels]
