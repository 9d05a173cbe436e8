"""What a caller may restrict a search to, and by what routes are compared."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.routing.landing import LandingCosts
from dexroute.engine.routing.room import TransactionRoom
from dexroute.errors import UsageError
from dexroute.math.rounding import BPS, PPM
from dexroute.types.checks import require_whole, set_of

MAX_HOPS = 4
MAX_SPLITS = 8
DEFAULT_MAX_HOPS = 3
MAX_ACCOUNTS = 64
"""What one transaction may name."""

_SETS: Final[Mapping[str, type]] = {
    "venues": str,
    "exclude_venues": str,
    "pools": Pubkey,
    "exclude_pools": Pubkey,
    "intermediate_mints": Pubkey,
}
_NUMBERS: Final = ("max_hops", "max_splits", "hop_slippage_bps", "max_accounts", "small_tolerance_bps")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """Restrictions on a search. None means "any"; exclusions win nothing by force: a name on both sides is an error.

    `max_hops` per leg (1: only pools that hold both mints) and `max_splits`, the number of legs, are limits this router can fill:
    more is refused rather than answered with a worse route in silence. `intermediate_mints`: through which mints a leg may pass.
    `hop_slippage_bps`: how far a hop may fall short before the hop after it can no longer be paid for. With 0 the second hop
    spends all that the first is expected to deliver, and any move against the first pool fails the (atomic) transaction; with
    more, the second hop spends less and the rest stays with the user as residual of the intermediate token. None: nothing was
    said; the SDK fills in its default, and a search without it keeps nothing back.
    """

    venues: Set[str] | None = None
    exclude_venues: Set[str] = frozenset()
    pools: Set[Pubkey] | None = None
    exclude_pools: Set[Pubkey] = frozenset()
    max_hops: int = DEFAULT_MAX_HOPS
    max_splits: int = MAX_SPLITS
    intermediate_mints: Set[Pubkey] | None = None
    hop_slippage_bps: int | None = None
    costs: LandingCosts = field(default_factory=LandingCosts)
    max_accounts: int = MAX_ACCOUNTS
    room: TransactionRoom | None = None
    prefer_small: bool = False
    small_tolerance_bps: int = 10
    pool_penalty_ppm: Mapping[Pubkey, int] = field(default_factory=dict)
    cooled: Mapping[Pubkey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises UsageError when the options contradict each other, ask for more than this router does, or are of another type."""
        for name, kind in _SETS.items():
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, set_of(name, given, kind))
        for name in _NUMBERS:
            if (number := getattr(self, name)) is not None:
                require_whole(name.replace("_", " "), number)
        if not 1 <= self.max_hops <= MAX_HOPS:
            raise UsageError(f"max hops {self.max_hops} is not between 1 and {MAX_HOPS}", max_hops=self.max_hops)
        if not 1 <= self.max_splits <= MAX_SPLITS:
            raise UsageError(f"max splits {self.max_splits} is not between 1 and {MAX_SPLITS}", max_splits=self.max_splits)
        if not 0 <= self.kept_back_bps < BPS:
            raise UsageError(
                f"hop slippage {self.hop_slippage_bps} bps is not between 0 and {BPS - 1}", hop_slippage_bps=self.hop_slippage_bps
            )
        if not 1 <= self.max_accounts <= MAX_ACCOUNTS:
            raise UsageError(
                f"max accounts {self.max_accounts} is not between 1 and {MAX_ACCOUNTS}", max_accounts=self.max_accounts
            )
        if not 0 <= self.small_tolerance_bps < BPS:
            raise UsageError(
                f"tolerance {self.small_tolerance_bps} bps is not between 0 and {BPS - 1}",
                small_tolerance_bps=self.small_tolerance_bps,
            )
        for pool, ppm in self.pool_penalty_ppm.items():
            if not 0 <= ppm < PPM:
                raise UsageError(
                    f"penalty {ppm} ppm of pool {pool} is not between 0 and {PPM - 1}", pool=str(pool), penalty_ppm=ppm
                )
        both = sorted(str(name) for name in self.exclude_venues & (self.venues or frozenset()))
        both += sorted(str(address) for address in self.exclude_pools & (self.pools or frozenset()))
        if both:
            raise UsageError(f"asked for and excluded at once: {', '.join(both)}; drop one of the two", contradictory=both)

    @property
    def kept_back_bps(self) -> int:
        """`hop_slippage_bps` as a search uses it."""
        return self.hop_slippage_bps or 0

    @property
    def restricts_pools(self) -> bool:
        """Whether `refusal` can leave any pool out."""
        return self.venues is not None or self.pools is not None or bool(self.exclude_venues or self.exclude_pools or self.cooled)

    def allows_venue(self, venue_id: str) -> bool:
        """Whether these options let routes use a venue."""
        return (self.venues is None or venue_id in self.venues) and venue_id not in self.exclude_venues

    def refusal(self, venue_id: str, pool: Pubkey) -> str | None:
        """Why these options leave a pool out, or None."""
        if self.venues is not None and venue_id not in self.venues:
            return f"venue {venue_id} is not among those asked for (--venue)"
        if venue_id in self.exclude_venues:
            return f"venue {venue_id} is excluded (--exclude-venue)"
        if self.pools is not None and pool not in self.pools:
            return "not among the pools asked for (--pool)"
        if pool in self.exclude_pools:
            return "pool is excluded (--exclude-pool)"
        reason = self.cooled.get(pool)
        return None if reason is None else f"left out for now: {reason}"
