"""The running sums a time-weighted price is read from: price times seconds, both ways round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.math.rounding import U128_MAX

X64_SHIFT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSums:
    """Sums of (price as Q64.64) times seconds up to `at` (unix seconds): of a in b and of b in a. u128, wrapping."""

    a_x64: int
    b_x64: int
    at: int

    def extended(self, now: int, reserves: tuple[int, int]) -> PriceSums:
        """The sums at `now`, the price having been `reserves` since `at`. The same sums without time passed or without a price."""
        elapsed = now - self.at
        if elapsed <= 0 or 0 in reserves:
            return self
        return PriceSums(
            a_x64=(self.a_x64 + price_x64(reserves[0], reserves[1]) * elapsed) & U128_MAX,
            b_x64=(self.b_x64 + price_x64(reserves[1], reserves[0]) * elapsed) & U128_MAX,
            at=now,
        )


def price_x64(base_reserve: int, quote_reserve: int) -> int:
    """Quote units per base unit as Q64.64, rounded down. Raises ZeroDivisionError for an empty base reserve."""
    return (quote_reserve << X64_SHIFT) // base_reserve
