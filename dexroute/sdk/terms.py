"""What a caller asks for, before any market is looked at: the part of a swap that an idempotency key stands for."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal, TypedDict

from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy
from dexroute.engine.planning.guards import require_bps, require_slots
from dexroute.engine.planning.reference_price import OracleGuard
from dexroute.engine.routing import RouteOptions
from dexroute.errors import UsageError
from dexroute.math.rounding import BPS
from dexroute.types.orders import Order
from dexroute.types.requests import QuoteRequest


class Strategy(StrEnum):
    """What a route is chosen for."""

    BEST = "best"  # the best price after costs
    SPEED = "speed"  # the fewest round trips and the smallest transaction, near the best price
    RELIABILITY = "reliability"  # pools and venues with a good record in this journal


StrategyName = Literal["best", "speed", "reliability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapTerms:
    """A request with everything the caller limits it to. `max_impact_bps` and `max_deviation_bps` of 10,000 refuse nothing;
    `max_slot_age` None asks for no newest slot. Raises UsageError for limits that cannot be meant, and for price feeds nothing is
    measured by."""

    request: QuoteRequest
    slippage_bps: int
    max_impact_bps: int = BPS
    route: RouteOptions = field(default_factory=RouteOptions)
    priority_fee: PriorityFeePolicy = field(default_factory=PriorityFeePolicy)
    strategy: Strategy = Strategy.BEST
    max_deviation_bps: int = BPS
    oracle: OracleGuard | None = None
    max_slot_age: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", as_strategy(self.strategy))
        require_bps("max impact", max_impact_bps=self.max_impact_bps)
        require_bps("max deviation", max_deviation_bps=self.max_deviation_bps)
        if self.max_slot_age is not None:
            require_slots(self.max_slot_age)
        if self.oracle is not None and self.max_deviation_bps == BPS:
            raise UsageError(
                "price feeds are named (--oracle), but nothing is measured by them; say how far from their price a route may be "
                "(--max-deviation-bps)",
                max_deviation_bps=self.max_deviation_bps,
            )


def as_strategy(given: Strategy | StrategyName) -> Strategy:
    """Also of its value as text, which must not come to mean the default. Raises UsageError."""
    try:
        return Strategy(given)
    except ValueError:
        raise UsageError(f"strategy {given!r} is none of {', '.join(Strategy)}", strategy=repr(given)) from None


class TermChoices(TypedDict, total=False):
    """What `Dex.terms` takes by keyword, and `Dex.quote` hands on to it; what is left out or None is as the settings say."""

    exact_out: bool
    slippage_bps: int | None
    max_impact_bps: int | None
    max_deviation_bps: int | None
    max_slot_age: int | None
    oracles: Mapping[str | Pubkey, Pubkey] | None
    strategy: Strategy | StrategyName
    route: RouteOptions | None
    priority_fee: PriorityFeePolicy | None


def with_hop_slippage(route: RouteOptions, slippage_bps: int) -> RouteOptions:
    """The options with `hop_slippage_bps` filled in where nobody said it: a fifth of the slippage, at most 10 bps. What a hop does
    not fall short by stays with the user as residual of the intermediate token; with 0, any move of its pool fails the swap."""
    if route.hop_slippage_bps is not None:
        return route
    return replace(route, hop_slippage_bps=min(max(slippage_bps, 0) // 5, 10))


def check_intermediates(route: RouteOptions, input_mint: Pubkey, output_mint: Pubkey) -> None:
    """Raises UsageError for mints a route is to pass through and cannot."""
    between = route.intermediate_mints
    if between and route.max_hops == 1:
        raise UsageError(
            f"a route of one hop passes through no mint, but {', '.join(sorted(map(str, between)))} is asked for (--via); "
            "allow more hops, or drop it",
            max_hops=route.max_hops,
        )
    if ends := (between or frozenset()) & {input_mint, output_mint}:
        raise UsageError(
            f"{', '.join(sorted(map(str, ends)))} is what is paid or received; a route passes through other mints only (--via)",
            mints=sorted(map(str, ends)),
        )


def options_json(terms: SwapTerms) -> dict[str, Any]:
    """The options of an order, for the journal. Sorted and complete, so that equal options give equal JSON: the idempotency
    key compares it, and after a restart the order is routed under the same ones. Options that came after the first journals are in
    it when they say something: what an older dexroute placed under a key is still the same order."""
    route, fee = terms.route, terms.priority_fee
    later = {
        "max_accounts": route.max_accounts,
        "strategy": str(terms.strategy),
        "max_deviation_bps": terms.max_deviation_bps,
        "oracle": None if terms.oracle is None else _oracle_json(terms.oracle),
        "max_slot_age": terms.max_slot_age,
    }
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
        **{name: value for name, value in later.items() if value != _LATER[name]},
    }


def terms_of(order: Order) -> SwapTerms:
    """The terms a recorded order was placed under."""
    found = {**_LATER, **order.options}
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
            max_accounts=found["max_accounts"],
        ),
        max_impact_bps=found["max_impact_bps"],
        priority_fee=PriorityFeePolicy(
            percentile=found["priority_fee_percentile"],
            cap_lamports=int(found["priority_fee_cap_lamports"]),
            fixed_micro_lamports=None if fixed is None else int(fixed),
        ),
        strategy=Strategy(found["strategy"]),
        max_deviation_bps=found["max_deviation_bps"],
        oracle=None if found["oracle"] is None else _oracle_value(found["oracle"]),
        max_slot_age=found["max_slot_age"],
    )


_LATER: Final[dict[str, Any]] = {
    "max_accounts": RouteOptions().max_accounts,
    "strategy": str(Strategy.BEST),
    "max_deviation_bps": BPS,
    "oracle": None,
    "max_slot_age": None,
}
"""Options the first journals did not know, and what not having them means."""


def _oracle_json(oracle: OracleGuard) -> dict[str, Any]:
    return {
        "feeds": {str(mint): str(account) for mint, account in oracle.feeds},
        "max_age_s": oracle.max_age_s,
        "max_confidence_bps": oracle.max_confidence_bps,
    }


def _oracle_value(found: dict[str, Any]) -> OracleGuard | None:
    return oracle_guard(
        {Pubkey.from_string(mint): Pubkey.from_string(account) for mint, account in found["feeds"].items()},
        max_age_s=found["max_age_s"],
        max_confidence_bps=found["max_confidence_bps"],
    )


def oracle_guard(feeds: Mapping[Pubkey, Pubkey], *, max_age_s: int, max_confidence_bps: int) -> OracleGuard | None:
    """The guard over price feed accounts by mint; None without any. Raises UsageError for limits that cannot be meant."""
    if max_age_s < 0 or max_confidence_bps < 0:
        raise UsageError(
            f"a price feed's largest age ({max_age_s} s) and confidence ({max_confidence_bps} bps) cannot be negative",
            max_age_s=max_age_s,
            max_confidence_bps=max_confidence_bps,
        )
    if not feeds:
        return None
    ordered = tuple(sorted(feeds.items(), key=lambda feed: bytes(feed[0])))
    return OracleGuard(feeds=ordered, max_age_s=max_age_s, max_confidence_bps=max_confidence_bps)


def _names(values: Set[str] | Set[Pubkey] | None) -> list[str] | None:
    return None if values is None else sorted(str(value) for value in values)


def _addresses(names: list[str] | None) -> frozenset[Pubkey] | None:
    return None if names is None else frozenset(Pubkey.from_string(name) for name in names)
