"""How far the price has moved in the present burst of swaps, and how that memory fades.

A burst is swaps no further apart than the filter period; its price is measured against the reserves it started from, so that
moving there and back within a burst counts once, while splitting one large swap into small ones does not lower its mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.math.rounding import BPS

_SIGNIFICANT_BITS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """Basis points as of the last swap; reference reserves in base units, (0, 0) before the first swap; unix seconds."""

    bps: int = 0
    carried_bps: int = 0
    reference: tuple[int, int] = (0, 0)
    last_swap_at: int = 0

    def elapsed_s(self, now: int) -> int:
        """Seconds since the last swap, 0 when the cluster's clock went back."""
        return max(0, now - self.last_swap_at)

    def at(self, now: int, terms: FeeTerms) -> int:
        """Basis points remembered at `now` (unix seconds): all within the filter period, ever less until the decay period ends."""
        elapsed = self.elapsed_s(now)
        if elapsed <= terms.filter_period_s:
            return self.bps
        if elapsed < terms.decay_period_s:
            return self.bps * (terms.decay_period_s - elapsed) // (terms.decay_period_s - terms.filter_period_s)
        return 0

    def after_swap(self, now: int, terms: FeeTerms, before: tuple[int, int], after: tuple[int, int]) -> Volatility:
        """The memory after a swap at `now` took the reserves from `before` to `after` (base units, both sides positive)."""
        reference, carried_bps = self.reference, self.carried_bps
        if self.elapsed_s(now) > terms.filter_period_s or reference == (0, 0):
            reference, carried_bps = before, self.at(now, terms)
        moved_bps = price_move_bps(reference, after, ceiling=terms.max_volatility_bps)
        return Volatility(
            bps=min(carried_bps + moved_bps, terms.max_volatility_bps),
            carried_bps=carried_bps,
            reference=reference,
            last_swap_at=now,
        )

    def least_at(self, now: int, terms: FeeTerms, reserves: tuple[int, int], *, falling: bool) -> int:
        """The least basis points any of several swaps at `now` could find that all go one way (`falling`: token a comes in).

        A burst that moves on from its reference only ever adds to its mark; one that comes back to it gives up all but what it
        carried.
        """
        found = self.at(now, terms)
        if self.elapsed_s(now) > terms.filter_period_s or self.reference == (0, 0):
            return found  # the next swap carries this much, and begins a burst of its own
        price, reference = reserves[1] * self.reference[0], self.reference[1] * reserves[0]
        coming_back = price > reference if falling else price < reference
        moved_bps = 0 if coming_back else price_move_bps(self.reference, reserves, ceiling=terms.max_volatility_bps)
        return min(found, self.carried_bps + moved_bps, terms.max_volatility_bps)


def price_move_bps(reference: tuple[int, int], reserves: tuple[int, int], *, ceiling: int) -> int:
    """|price / reference price - 1| in basis points, rounded down, from 50 leading bits; `ceiling` when that divides by zero."""
    x, y = reserves[1] * reference[0], reference[1] * reserves[0]
    shift = max(0, max(x, y).bit_length() - _SIGNIFICANT_BITS)
    x, y = x >> shift, y >> shift
    return ceiling if y == 0 else abs(x - y) * BPS // y
