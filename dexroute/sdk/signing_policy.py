"""The signing policy of a `Dex`: what its settings allow, over the programs of its venues."""

from __future__ import annotations

from dexroute.config import Settings
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.engine.planning.tip import JITO_TIP_ACCOUNTS, Tip
from dexroute.fetchers.registry import VenueRegistry


def tips(settings: Settings) -> Tip | None:
    """What each swap tips; None without a block engine to tip. The embedded cluster has none."""
    if settings.jito_url is None or settings.is_embedded:
        return None
    return Tip(
        lamports=settings.jito_tip_lamports,
        dont_front=settings.jito_dont_front,
        most_lamports=settings.policy_max_tip_lamports,
    )


def signing_policy(settings: Settings, venues: VenueRegistry) -> SigningPolicy:
    """Unbounded where nothing is set, except for fees: nothing dexroute builds by itself comes near their default cap."""
    return SigningPolicy(
        venues=venues,
        programs=frozenset(settings.policy_programs),
        max_fee_lamports=settings.policy_max_fee_lamports,
        tip_accounts=JITO_TIP_ACCOUNTS if tips(settings) else frozenset(),
        max_tip_lamports=settings.policy_max_tip_lamports,
        only_mints=frozenset(settings.policy_mints) or None,
        order_limits=settings.policy_order_limits,
        day_limits=settings.policy_day_limits,
        day_lamports=settings.policy_day_lamports,
    )
