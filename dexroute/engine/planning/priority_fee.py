"""What to bid for block space: a percentile of what was paid lately, never above the caller's cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dexroute.errors import PriorityFeeTooHigh, UsageError
from dexroute.math.rounding import ceil_div
from dexroute.types.checks import require_whole
from dexroute.types.network import MICRO_LAMPORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityFeePolicy:
    """`percentile` of recent fees on the accounts written, at most `cap_lamports` for the whole transaction.

    `fixed_micro_lamports` (per compute unit) replaces the percentile; above the cap it is refused, not lowered, because it
    was asked for. `floor_micro_lamports` is what a replacement of an expired attempt bids at least, the cap permitting.
    """

    percentile: int = 75
    cap_lamports: int = 1_000_000
    fixed_micro_lamports: int | None = None
    floor_micro_lamports: int = 0

    def __post_init__(self) -> None:
        for name in ("percentile", "cap_lamports", "fixed_micro_lamports", "floor_micro_lamports"):
            if (number := getattr(self, name)) is not None:
                require_whole(f"priority fee {name}", number)
        if not 0 <= self.percentile <= 100:
            raise UsageError(f"priority-fee percentile {self.percentile} is not between 0 and 100", percentile=self.percentile)
        if min(self.cap_lamports, self.fixed_micro_lamports or 0, self.floor_micro_lamports) < 0:
            raise UsageError("a priority fee cannot be negative", cap_lamports=str(self.cap_lamports))


def priority_fee_lamports(compute_unit_limit: int, compute_unit_price: int) -> int:
    """The fee the cluster takes for a limit (units) and a price (micro-lamports per unit), rounded up as it does."""
    return ceil_div(compute_unit_limit * compute_unit_price, MICRO_LAMPORTS)


def compute_unit_price(policy: PriorityFeePolicy, samples: Sequence[Sequence[int]], compute_unit_limit: int) -> int:
    """Micro-lamports per compute unit to bid: the percentile of each node's `samples`, and of those the median (docs/decisions/
    fee-samples.md). Without samples the bid is the floor. Raises PriorityFeeTooHigh."""
    ceiling = policy.cap_lamports * MICRO_LAMPORTS // compute_unit_limit
    if policy.fixed_micro_lamports is not None:
        if policy.fixed_micro_lamports > ceiling:
            asked = priority_fee_lamports(compute_unit_limit, policy.fixed_micro_lamports)
            raise PriorityFeeTooHigh(
                f"{policy.fixed_micro_lamports} micro-lamports per unit for {compute_unit_limit} units is {asked} lamports, above "
                f"the cap of {policy.cap_lamports} lamports; lower the price (--priority-fee) or raise the cap "
                "(--priority-fee-cap)",
                priority_fee_lamports=str(asked),
                cap_lamports=str(policy.cap_lamports),
                compute_unit_limit=compute_unit_limit,
            )
        return policy.fixed_micro_lamports
    return min(wished_price(policy, samples), ceiling)


def wished_price(policy: PriorityFeePolicy, samples: Sequence[Sequence[int]]) -> int:
    """Micro-lamports per compute unit that would be bid if there were no cap; `samples` are by node, as for the bid."""
    if policy.fixed_micro_lamports is not None:
        return policy.fixed_micro_lamports
    told = [_percentile(of_node, policy.percentile) for of_node in samples if of_node]
    return max(_percentile(told, 50), policy.floor_micro_lamports)


def _percentile(samples: Sequence[int], percentile: int) -> int:
    """Nearest rank: the least sample that at least `percentile` percent do not exceed; 0 without samples."""
    if not samples:
        return 0
    return sorted(samples)[max(ceil_div(len(samples) * percentile, 100), 1) - 1]
