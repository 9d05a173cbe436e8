"""Why there is no route, as precisely as what is known of the pools allows."""

from __future__ import annotations

from collections.abc import Collection

from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteOptions
from dexroute.errors import DexError, QuoteOnly, RouteNotFound, UsageError
from dexroute.fetchers.loader import LoadedPools
from dexroute.fetchers.registry import VenueRegistry
from dexroute.sdk.pool_hints import PoolHint, useful_pools, why_unreachable
from dexroute.sdk.reserves import reserves_of
from dexroute.types.requests import QuoteRequest, SwapMode


def leaving_out(options: RouteOptions) -> str:
    """The options at work that leave known pools out, as they are typed."""
    asked = {
        "--venue": options.venues is not None,
        "--exclude-venue": options.exclude_venues,
        "--pool": options.pools is not None,
        "--exclude-pool": options.exclude_pools,
        "--via": options.intermediate_mints is not None,
    }
    return ", ".join(name for name, is_asked in asked.items() if is_asked)


def check_reachable(
    known: Collection[PoolHint], allowed: Collection[PoolHint], request: QuoteRequest, options: RouteOptions, notes: tuple[str, ...]
) -> None:
    """Raises RouteNotFound, with the numbers, when no path can be made of the pools that are known, or of those allowed."""
    pair = request.input_mint, request.output_mint
    if useful_pools(allowed, *pair, max_hops=options.max_hops, most=1)[0]:
        return
    why, less = why_unreachable(known, *pair, options.max_hops), ""
    if useful_pools(known, *pair, max_hops=options.max_hops, most=1)[0]:
        rest = "the others do not join them" if allowed else "none is left"
        why = f"{len(known) - len(allowed)} of {len(known)} known pools are left out as asked ({leaving_out(options)}), and {rest}"
        less = "leave out less, "
    raise RouteNotFound(
        "; ".join(
            (
                f"no route from {pair[0]} to {pair[1]}: {why}; {less}add a pool that does (dex pools add), or look "
                "again (--refresh)",
                *notes,
            )
        ),
        input_mint=str(pair[0]),
        output_mint=str(pair[1]),
        amount=str(request.amount),
        mode=request.mode.value,
        max_hops=options.max_hops,
        pools_known=len(known),
        pools_allowed=len(allowed),
        candidates=[],
    )


def is_allowed(hint: PoolHint, request: QuoteRequest, options: RouteOptions) -> bool:
    """Whether reading a pool could matter. Unwanted venues are not even read; their absence is the caller's own wish."""
    return options.refusal(hint.venue_id, hint.address) is None and _passes(hint, request, options)


def _passes(hint: PoolHint, request: QuoteRequest, options: RouteOptions) -> bool:
    """Whether the pool holds two mints a route may touch."""
    allowed = options.intermediate_mints
    return allowed is None or not hint.mints or len(set(hint.mints) & {request.input_mint, request.output_mint, *allowed}) >= 2


def explained(
    failure: RouteNotFound,
    loaded: LoadedPools,
    venues: VenueRegistry,
    absent: frozenset[str],
    request: QuoteRequest,
    options: RouteOptions,
    notes: tuple[str, ...],
    kept_back: tuple[str, ...] = (),
) -> DexError:
    """The failure with what only this room knows: pools whose accounts are unusable, venues left out as quote-only, pools
    `kept_back` for these terms (of `notes` those that say so), and an amount that is more than there is."""
    if options.pools is not None and not loaded.pools:
        # The caller named exactly these, so what is wrong with them is the answer.
        return next(iter(loaded.broken.values()))
    if options.pools is not None and (contradictory := _contradictory(loaded, options)) is not None:
        return contradictory
    quote_only = sorted({pool.venue_id for pool in loaded.pools.values()} & absent)
    if quote_only and not failure.context.get("candidates"):
        venue = venues[quote_only[0]]
        return QuoteOnly(
            f"only {', '.join(quote_only)} could serve this pair, and the program {venue.program_id} is not on this cluster: "
            "its pools can be quoted here (dex quote) but not swapped; use a cluster that has it (-u)",
            venue=venue.id,
            program=str(venue.program_id),
        )
    unusable = [
        {"pools": [str(pool)], "venues": [], "reason": error.message, "code": error.code} for pool, error in loaded.broken.items()
    ]
    context = {**failure.context, "candidates": [*failure.context.get("candidates", []), *unusable]}
    message = failure.message
    if kept_back and not failure.context.get("candidates"):
        message = f"no route from {request.input_mint} to {request.output_mint} without any slippage"
        message, notes = f"{message}: {'; '.join(kept_back)}", tuple(note for note in notes if note not in kept_back)
    if request.mode is SwapMode.EXACT_OUT and (held := _held(loaded, request.output_mint)) < request.amount:
        context |= {"held": str(held)}
        unit = f"base units of {request.output_mint}"
        most = failure.context.get("most_fillable")
        less = "ask for less" if most is None else f"at most {most} {unit} can be delivered, ask for no more than that"
        message = (
            f"no route from {request.input_mint} to {request.output_mint} for {request.amount} {unit} out: all pools that were "
            f"read hold {held} {unit} together, and more liquidity is not known; {less}"
        )
    return RouteNotFound("; ".join((message, *notes)), **context)


def _contradictory(loaded: LoadedPools, options: RouteOptions) -> UsageError | None:
    """Of pools that were named one by one: the first, where the venues asked for leave out every one of them."""
    unwanted = [pool for pool in loaded.pools.values() if not options.allows_venue(pool.venue_id)]
    if len(unwanted) < len(loaded.pools):
        return None
    first = min(unwanted, key=lambda pool: bytes(pool.address))
    return UsageError(
        f"pool {first.address} is asked for (--pool) and is of {first.venue_id}, which is left out (--venue, --exclude-venue); "
        "drop one of the two",
        pool=str(first.address),
        venue=first.venue_id,
    )


def _held(loaded: LoadedPools, mint: Pubkey) -> int:
    """How much of a mint the loaded pools hold in all."""
    return sum(
        amount
        for pool in loaded.pools.values()
        for own, amount in zip(pool.mints, reserves_of(pool, loaded.learned.get(pool.address, ()), loaded.snapshot), strict=True)
        if own.address == mint
    )
