"""What a caller asks for, before any market is looked at: the part of a swap that an idempotency key stands for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy
from dexroute.engine.routing import RouteOptions
from dexroute.math.rounding import BPS
from dexroute.types.orders import Order
from dexroute.types.requests import QuoteRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapTerms:
    """A request with everything the caller limits it to. `max_impact_bps` 10,000 refuses no impact."""

    request: QuoteRequest
    slippage_bps: int
    max_impact_bps: int = BPS
    route: RouteOptions = field(default_factory=RouteOptions)
    priority_fee: PriorityFeePolicy = field(default_factory=PriorityFeePolicy)


def with_hop_slippage(route: RouteOptions, slippage_bps: int) -> RouteOptions:
    """The options with `hop_slippage_bps` filled in where nobody said it: a fifth of the slippage, at most 10 bps. What a hop does
    not fall short by stays with the user as residual of the intermediate token; with 0, any move of its pool fails the swap."""
    if route.hop_slippage_bps is not None:
        return route
    return replace(route, hop_slippage_bps=min(max(slippage_bps, 0) // 5, 10))


def options_json(terms: SwapTerms) -> dict[str, Any]:
    """The options of an order, for the journal. Sorted and complete, so that equal options give equal JSON: the idempotency
    key compares it, and after a restart the order is routed under the same ones."""
    route, fee = terms.route, terms.priority_fee
    return {
        "venues": _names(route.venues),
        "exclude_venues": _names(route.exclude_venues),
        "pools": _names(route.pools),
        "exclude_pools": _names(route.exclude_pools),
        "max_hops": route.max_hops,
        "max_splits": route.max_splits,
        "intermediate_mints": _names(route.intermediate_mints),
        "hop_slippage_bps": route.hop_slippage_bps,
        "max_impact_bps": terms.max_impact_bps,
        "priority_fee_percentile": fee.percentile,
        "priority_fee_cap_lamports": str(fee.cap_lamports),
        "priority_fee_micro_lamports": None if fee.fixed_micro_lamports is None else str(fee.fixed_micro_lamports),
    }


def terms_of(order: Order) -> SwapTerms:
    """The terms a recorded order was placed under."""
    found = order.options
    fixed = found["priority_fee_micro_lamports"]
    return SwapTerms(
        request=order.request,
        slippage_bps=order.slippage_bps,
        route=RouteOptions(
            venues=None if found["venues"] is None else frozenset(found["venues"]),
            exclude_venues=frozenset(found["exclude_venues"] or ()),
            pools=_addresses(found["pools"]),
            exclude_pools=_addresses(found["exclude_pools"]) or frozenset(),
            max_hops=found["max_hops"],
            max_splits=found["max_splits"],
            intermediate_mints=_addresses(found["intermediate_mints"]),
            hop_slippage_bps=found["hop_slippage_bps"],
        ),
        max_impact_bps=found["max_impact_bps"],
        priority_fee=PriorityFeePolicy(
            percentile=found["priority_fee_percentile"],
            cap_lamports=int(found["priority_fee_cap_lamports"]),
            fixed_micro_lamports=None if fixed is None else int(fixed),
        ),
    )


def _names(values: frozenset[str] | frozenset[Pubkey] | None) -> list[str] | None:
    return None if values is None else sorted(str(value) for value in values)


def _addresses(names: list[str] | None) -> frozenset[Pubkey] | None:
    return None if names is None else frozenset(Pubkey.from_string(name) for name in names)
