"""What a swap ought to be worth, from sources other than its own route: deep pools, and price feeds where the caller names them.

The pools' word is a median of spot prices weighted by depth: half of all the liquidity known quotes this price or a lower one, so
a shallow pool, or one somebody has just pushed around, cannot move it. Depth is what a pool holds of the output token. A mint in
between counts as one more pool whose price is the product of both halves' medians and whose depth is that of the shallower half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from solders.pubkey import Pubkey

from dexroute.engine.planning.guards import pair_of, require_bps
from dexroute.engine.routing import RouteQuote
from dexroute.errors import OracleUnusable, PriceDeviation, QuoteError, UsageError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.price_feeds import PriceFeed, decode_price_feed
from dexroute.math.rounding import BPS
from dexroute.types.accounts import AccountSnapshot, ChainClock
from dexroute.types.mints import Mint

Reserves = Mapping[Pubkey, Sequence[int]]
"""By pool, what it holds: base units in the order of its mints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePrice:
    """`ratio` is output base units per input base unit, exact, before fees. `source` says in words where it comes from; `pools` is
    how many pools stand behind it (0 for price feeds)."""

    ratio: Fraction
    source: str
    pools: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleGuard:
    """Price feed accounts the caller trusts, as (mint, account) sorted by mint, and what they must be like: not older than
    `max_age_s` by the cluster's clock, and not less sure than `max_confidence_bps` of the price."""

    feeds: tuple[tuple[Pubkey, Pubkey], ...]
    max_age_s: int = 60
    max_confidence_bps: int = 100

    def require_feeds(self, *mints: Pubkey) -> None:
        """Raises UsageError unless each of these mints has a feed, and no other has."""
        named = {mint for mint, _ in self.feeds}
        missing = [str(mint) for mint in mints if mint not in named]
        foreign = sorted(str(mint) for mint in named - set(mints))
        if missing:
            raise UsageError(
                f"no price feed is named for {', '.join(missing)}; give one for each of the two tokens (--oracle)", missing=missing
            )
        if foreign:
            raise UsageError(
                f"a price feed is named for {', '.join(foreign)}, which is neither paid nor received; drop it (--oracle)",
                foreign=foreign,
            )


def pools_reference(pools: Iterable[Pool], reserves: Reserves, input_mint: Pubkey, output_mint: Pubkey) -> ReferencePrice | None:
    """The depth-weighted median of what the pools quote; None when no tradable pool with anything in it connects the two."""
    by_pair: dict[frozenset[Pubkey], list[Pool]] = defaultdict(list)
    for pool in pools:
        if pool.tradable().ok:
            by_pair[frozenset(mint.address for mint in pool.mints)].append(pool)
    seen = _prices(by_pair[frozenset((input_mint, output_mint))], reserves, input_mint, output_mint)
    count = len(seen)
    for middle in sorted({mint for pair in by_pair if input_mint in pair for mint in pair} - {input_mint, output_mint}, key=bytes):
        there = _prices(by_pair.get(frozenset((input_mint, middle)), ()), reserves, input_mint, middle)
        back = _prices(by_pair.get(frozenset((middle, output_mint)), ()), reserves, middle, output_mint)
        if there and back:
            first, second = _median(there), _median(back)
            depth = min(sum(weight for _, weight in there) * second, sum(weight for _, weight in back) * Fraction(1))
            seen.append((first * second, depth))
            count += len(there) + len(back)
    if not seen:
        return None
    return ReferencePrice(
        ratio=_median(seen), source=f"median of {count} pool{'s' if count > 1 else ''}, weighted by depth", pools=count
    )


def oracle_reference(guard: OracleGuard, snapshot: AccountSnapshot, input_mint: Mint, output_mint: Mint) -> ReferencePrice:
    """The price two feeds make together, from the accounts of one snapshot.

    Raises UsageError when a mint has no feed; OracleUnusable for one that is none, stale, from the future, or less sure than
    allowed."""
    guard.require_feeds(input_mint.address, output_mint.address)
    accounts = dict(guard.feeds)
    paid, got = (
        _sound(decode_price_feed(accounts[mint.address], snapshot), guard, snapshot.clock) for mint in (input_mint, output_mint)
    )
    ratio = paid.ratio / got.ratio * Fraction(10) ** (output_mint.decimals - input_mint.decimals)
    return ReferencePrice(ratio=ratio, source=f"price feeds {paid.account} and {got.account}")


def deviation_bps(quote: RouteQuote, reference: ReferencePrice) -> Fraction:
    """How much less than at the reference price the route delivers, exact basis points, everything (fees, impact, transfer fees)
    included; negative when it delivers more."""
    return (1 - Fraction(quote.amount_out, quote.amount_in) / reference.ratio) * BPS


def check_deviation(quote: RouteQuote, references: Sequence[ReferencePrice], max_deviation_bps: int) -> None:
    """Raises PriceDeviation when the route falls short of any reference by more than the limit, or when there is none to compare
    with; UsageError for a limit outside 0 to 10,000. A limit of 10,000 refuses nothing."""
    require_bps("max deviation", max_deviation_bps=max_deviation_bps)
    if max_deviation_bps == BPS:
        return
    facts = {
        "max_deviation_bps": max_deviation_bps,
        "amount_in": str(quote.amount_in),
        "amount_out": str(quote.amount_out),
        **pair_of(quote.route),
    }
    if not references:
        raise PriceDeviation(
            f"there is no reference price to hold this route against (limit {max_deviation_bps} bps): no tradable pool connects "
            "the pair; name price feeds (--oracle), or drop the limit (--max-deviation-bps)",
            deviation_bps=None,
            reference=None,
            **facts,
        )
    worst = max(references, key=lambda reference: deviation_bps(quote, reference))
    short = deviation_bps(quote, worst)
    if short > max_deviation_bps:
        shown = -(-short // 1)
        expected = quote.amount_in * worst.ratio // 1
        unit = f"base units of {facts['output_mint']}"
        raise PriceDeviation(
            f"the route delivers {quote.amount_out} {unit} where the reference price ({worst.source}) gives {expected} {unit}: "
            f"{shown} bps less, fees and impact included, and the limit is {max_deviation_bps} bps; swap less, wait, or raise the "
            "limit (--max-deviation-bps)",
            deviation_bps=shown,
            reference=worst.source,
            reference_amount_out=str(expected),
            **facts,
        )


def _prices(pools: Iterable[Pool], reserves: Reserves, input_mint: Pubkey, output_mint: Pubkey) -> list[tuple[Fraction, Fraction]]:
    """(spot price, what the pool holds of the output mint) of pools that hold any."""
    found = []
    for pool in pools:
        held = dict(zip((mint.address for mint in pool.mints), reserves.get(pool.address, ()), strict=False)).get(output_mint, 0)
        try:
            spot = pool.spot_price(input_mint, output_mint).ratio
        except QuoteError:
            continue
        if held > 0 and spot > 0:
            found.append((spot, Fraction(held)))
    return found


def _median(prices: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The lowest price at which half of the weight is reached."""
    ordered = sorted(prices)
    half, reached = sum((weight for _, weight in ordered), Fraction(0)) / 2, Fraction(0)
    for price, weight in ordered:
        reached += weight
        if reached >= half:
            return price
    raise AssertionError("weights are positive")


def _sound(feed: PriceFeed, guard: OracleGuard, clock: ChainClock) -> PriceFeed:
    age_s = clock.unix_timestamp - feed.publish_time
    facts = {"account": str(feed.account), "price": str(feed.price), "exponent": feed.exponent, "slot": clock.slot}
    if not -guard.max_age_s <= age_s <= guard.max_age_s:
        raise OracleUnusable(
            f"price feed {feed.account} was published {abs(age_s)} s {'ago' if age_s >= 0 else 'in the future'} by the cluster's "
            f"clock, and the limit is {guard.max_age_s} s; wait for a fresh price, or raise the limit (oracle_max_age_s)",
            age_s=age_s,
            max_age_s=guard.max_age_s,
            **facts,
        )
    if feed.confidence * BPS > feed.price * guard.max_confidence_bps:
        wide = -(-feed.confidence * BPS // feed.price)
        raise OracleUnusable(
            f"price feed {feed.account} is sure of its price to {wide} bps only, and the limit is {guard.max_confidence_bps} bps; "
            "wait, or raise the limit (oracle_max_confidence_bps)",
            confidence_bps=wide,
            max_confidence_bps=guard.max_confidence_bps,
            **facts,
        )
    return feed
