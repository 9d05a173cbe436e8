"""All paths of one and two hops through a market, quoted in exact integers.

Two hops are quoted outward from the side whose amount is fixed: exact in forward from hop 1, exact out backward from hop 2.
Pools are monotone (more in never pays less; the conformance suite holds venues to it), so for each pool on the far side only
near hops matter that no already delivering near hop beats in both amount and compute units. That keeps the work near
linear in the number of pools and gives the same winner as trying every pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.hops import QuotedHop, RefusedHop, quote_hop
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PairNotInPool, PoolNotTradable, QuoteOverflow
from dexroute.fetchers.base import Pool
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.requests import QuoteRequest, SwapMode

# Refusals of the best near amount that every worse one would meet too: less to spend, or more to be bought.
_HOPELESS: Final = {
    SwapMode.EXACT_IN: (PoolNotTradable, PairNotInPool, AmountTooSmall),
    SwapMode.EXACT_OUT: (PoolNotTradable, PairNotInPool, ExceedsLiquidity, QuoteOverflow),
}


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path quoted to its end, hops from input to output."""

    hops: tuple[QuotedHop, ...]


@dataclass(frozen=True, slots=True)
class LostPath:
    """A path that was given up before its end. `pools` holds the pools looked at, `mints` the mints they join."""

    pools: tuple[Pool, ...]
    mints: tuple[Pubkey, ...]
    reason: str
    refused: RefusedHop | None = None


def find_paths(market: Market, request: QuoteRequest, options: RouteOptions) -> tuple[list[FoundPath], list[LostPath]]:
    """Every path worth ranking, and every pool that was looked at and given up."""
    found, lost = _direct(market, request, options)
    if options.max_hops >= 2:
        for middle in market.intermediates(request.input_mint, request.output_mint):
            if options.intermediate_mints is None or middle in options.intermediate_mints:
                more_found, more_lost = _through(market, request, options, middle)
                found += more_found
                lost += more_lost
    return found, lost


def _direct(market: Market, request: QuoteRequest, options: RouteOptions) -> tuple[list[FoundPath], list[LostPath]]:
    found: list[FoundPath] = []
    lost: list[LostPath] = []
    mints = (request.input_mint, request.output_mint)
    for pool in market.between(*mints):
        excluded = options.refusal(pool.venue_id, pool.address)
        if excluded is not None:
            lost.append(LostPath((pool,), mints, excluded))
            continue
        quoted = quote_hop(pool, *mints, request.amount, request.mode)
        if isinstance(quoted, RefusedHop):
            lost.append(LostPath((pool,), mints, quoted.error.message, quoted))
        else:
            found.append(FoundPath((quoted,)))
    return found, lost


def _through(
    market: Market, request: QuoteRequest, options: RouteOptions, middle: Pubkey
) -> tuple[list[FoundPath], list[LostPath]]:
    forward = request.mode is SwapMode.EXACT_IN
    near_mints, far_mints = (request.input_mint, middle), (middle, request.output_mint)
    if not forward:
        near_mints, far_mints = far_mints, near_mints
    far_pools = _allowed(market.between(*far_mints), options)
    if not far_pools:
        return [], []

    lost: list[LostPath] = []
    near: list[QuotedHop] = []
    for pool in _allowed(market.between(*near_mints), options):
        quoted = quote_hop(pool, *near_mints, request.amount, request.mode)
        if isinstance(quoted, RefusedHop):
            lost.append(LostPath((pool,), near_mints, quoted.error.message, quoted))
        else:
            near.append(quoted)
    near.sort(key=lambda hop: (-_middle_amount(hop, forward) if forward else _middle_amount(hop, forward), hop.compute_units))

    found: list[FoundPath] = []
    refusals: list[tuple[QuotedHop, RefusedHop]] = []
    for pool in far_pools:
        paths, refused = _finish(pool, far_mints, near, request.mode, options.kept_back_bps)
        found += paths
        refusals += refused
    mints = (request.input_mint, middle, request.output_mint)
    return found, lost + _given_up(near, found, refusals, mints, forward)


def _given_up(
    near: Sequence[QuotedHop],
    found: Sequence[FoundPath],
    refusals: Sequence[tuple[QuotedHop, RefusedHop]],
    mints: tuple[Pubkey, ...],
    forward: bool,
) -> list[LostPath]:
    """One line for every pool that ends up on no path: the refusal it met, or the hop that beats it."""
    served = {hop.pool.address for path in found for hop in path.hops}
    lost: list[LostPath] = []
    for hop, refused in refusals:
        if hop.pool.address in served and refused.pool.address in served:
            continue
        served.update((hop.pool.address, refused.pool.address))
        joined = (hop.pool, refused.pool) if forward else (refused.pool, hop.pool)
        lost.append(LostPath(joined, mints, refused.error.message, refused))
    if found:
        best = found[0].hops[0 if forward else -1]
        lost += [
            LostPath((hop.pool,), (hop.hop.input_mint, hop.hop.output_mint), _beaten(hop, best, forward))
            for hop in near
            if hop.pool.address not in served
        ]
    return lost


def _allowed(pools: Sequence[Pool], options: RouteOptions) -> list[Pool]:
    return [pool for pool in pools if options.refusal(pool.venue_id, pool.address) is None]


def _middle_amount(near: QuotedHop, forward: bool) -> int:
    return near.hop.amount_out if forward else near.hop.amount_in


def _finish(
    pool: Pool, mints: tuple[Pubkey, Pubkey], near: Sequence[QuotedHop], mode: SwapMode, hop_slippage_bps: int
) -> tuple[list[FoundPath], list[tuple[QuotedHop, RefusedHop]]]:
    """Paths that end in `pool`, and the near hops whose amount it refuses. `near` is sorted best first."""
    forward = mode is SwapMode.EXACT_IN
    paths: list[FoundPath] = []
    refused: list[tuple[QuotedHop, RefusedHop]] = []
    cheapest: int | None = None
    for hop in near:
        # One pool never serves twice: that would be a cycle, and DAMM v2's rate limiter refuses it in one transaction.
        if hop.pool.address == pool.address or (cheapest is not None and hop.compute_units >= cheapest):
            continue
        amount = _middle_amount(hop, forward)
        limit = min_amount_out(amount, hop_slippage_bps) if forward else max_amount_in(amount, hop_slippage_bps)
        quoted = quote_hop(pool, *mints, limit, mode)
        if isinstance(quoted, RefusedHop):
            refused.append((hop, quoted))
            if isinstance(quoted.error, _HOPELESS[mode]):
                break
            continue
        cheapest = hop.compute_units
        paths.append(FoundPath((hop, quoted) if forward else (quoted, hop)))
    return paths, refused


def _beaten(hop: QuotedHop, best: QuotedHop, forward: bool) -> str:
    winner = best.pool.address
    if forward:
        return f"first hop pays {hop.hop.amount_out} of {hop.hop.output_mint} where pool {winner} pays {best.hop.amount_out}"
    return f"last hop costs {hop.hop.amount_in} of {hop.hop.input_mint} where pool {winner} costs {best.hop.amount_in}"
