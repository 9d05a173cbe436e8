"""Pools a quote leaves out although nothing is wrong with them, and how that is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from solders.pubkey import Pubkey

from dexroute.fetchers.base import Pool, limit_slack
from dexroute.sdk.terms import SwapTerms
from dexroute.types.counts import counted
from dexroute.types.requests import SwapMode


def unsure_of_all(pools: Iterable[Pool], terms: SwapTerms) -> dict[Pubkey, str]:
    """Pools, with their venues, that may not end a route of these terms: without any slippage the limit is the whole quote, and of
    that their programs may round a unit away, so that they are told more than they would deliver and refuse."""
    if terms.slippage_bps or terms.request.mode is not SwapMode.EXACT_IN:
        return {}
    last = (pool for pool in pools if any(mint.address == terms.request.output_mint for mint in pool.mints))
    return {pool.address: pool.venue_id for pool in last if limit_slack(pool)}


def unsure_notes(unsure: Mapping[Pubkey, str]) -> tuple[str, ...]:
    """What `unsure_of_all` left out, in words."""
    return tuple(
        f"{counted(pools, 'pool')} of {venue} left out: its program may round a unit away, so that a swap without any slippage is "
        "refused; allow some (--slippage-bps 1)"
        for venue, pools in sorted(Counter(unsure.values()).items())
    )


def absence_notes(pools: Mapping[Pubkey, Pool], absent: frozenset[str], *, left_out: bool) -> tuple[str, ...]:
    """The venues of these pools whose program is absent, in words."""
    here = sorted({pool.venue_id for pool in pools.values()} & absent)
    consequence = "so its pools were left out" if left_out else "so its pools can be quoted but not swapped here"
    return tuple(f"{venue} is quote-only: its program is not on this cluster, {consequence}" for venue in here)
