"""The signing policy of a `Dex`: what its settings allow, over the programs of its venues."""

from __future__ import annotations

from dexroute.config import Settings
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.fetchers.registry import VenueRegistry


def signing_policy(settings: Settings, venues: VenueRegistry) -> SigningPolicy:
    """Unbounded where nothing is set, except for fees: nothing dexroute builds by itself comes near their default cap."""
    return SigningPolicy(
        venues=frozenset(venue.program_id for venue in venues) | frozenset(settings.policy_programs),
        max_fee_lamports=settings.policy_max_fee_lamports,
        only_mints=frozenset(settings.policy_mints) or None,
        order_limits=settings.policy_order_limits,
        day_limits=settings.policy_day_limits,
        day_lamports=settings.policy_day_lamports,
    )
