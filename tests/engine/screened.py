"""The policy every prepared swap of the tests must pass, and the bounds it is held to."""

from __future__ import annotations

from dexroute.engine.planning import PlannedSwap, PreparedAttempt, route_mints
from dexroute.engine.planning.screening import Evidence, Screened, SigningPolicy, SwapBounds, screen
from dexroute.fetchers.registry import VenueRegistry
from dexroute.types.requests import SwapMode
from tests.engine.svm_cluster import REGISTRY


def policy_of(registry: VenueRegistry = REGISTRY, **more: object) -> SigningPolicy:
    return SigningPolicy(venues=registry, max_fee_lamports=10_000_000, **more)  # type: ignore[arg-type]


def bounds_of(prepared: PreparedAttempt, planned: PlannedSwap) -> SwapBounds:
    """From what was asked, not from what was planned."""
    exact_in = planned.request.mode is SwapMode.EXACT_IN
    return SwapBounds(
        wallet=prepared.message.account_keys[0],
        input_mint=planned.request.input_mint,
        output_mint=planned.request.output_mint,
        max_amount_in=planned.request.amount if exact_in else planned.limit,
        min_amount_out=planned.limit if exact_in else planned.request.amount,
        mints=frozenset(mint.address for mint in route_mints(planned.quote, planned.pools)),
    )


def screened(prepared: PreparedAttempt, planned: PlannedSwap, registry: VenueRegistry = REGISTRY) -> Screened:
    """What screening finds in a message that must pass, held against what the builder says it costs."""
    assert isinstance(prepared.evidence, Evidence)
    found = screen(prepared.message, bounds_of(prepared, planned), policy_of(registry), prepared.evidence)
    assert found.priority_fee_lamports == prepared.costs.priority_fee_lamports
    assert found.network_fee_lamports == prepared.costs.network_fee_lamports
    assert found.calls == len(prepared.message.instructions)
    return found
