"""Joins routing and planning behind the executor's `OrderBuilder`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from solders.message import from_bytes_versioned

from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.engine.execution.network_fee import unit_price_micro_lamports
from dexroute.engine.planning import PlannedSwap, PriorityFeePolicy, SwapBuilder
from dexroute.engine.planning.tip import tip_lamports
from dexroute.ports import OrderStore
from dexroute.sdk.quoting import Quoter
from dexroute.sdk.shapes import candidate_json, freshness_json, route_json
from dexroute.sdk.terms import terms_of
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import Attempt, AttemptOutcome, Order, SwapAmounts

_LEAST_RAISE_MICRO_LAMPORTS: Final = 1_000  # where nothing was bid, half more is nothing still


class QuotedOrders:
    """`OrderBuilder` over live quotes: an order is routed anew, within its own limit, each time a message is to be built."""

    def __init__(self, quoter: Quoter, builder: SwapBuilder, store: OrderStore) -> None:
        self._quoter = quoter
        self._store = store
        self._builder = builder

    async def route(self, order: Order) -> RoutedOrder:
        """The best swappable route now. Raises SlippageExceeded when the order's limit cannot be met any more."""
        # Ranked by what this attempt will pay, not by what the first one did.
        attempts = await self._store.attempts(order.id)
        terms = terms_of(order)
        quote = await self._quoter.quote(
            replace(terms, priority_fee=raised(terms.priority_fee, attempts)),
            wallet=order.wallet,
            swappable=True,
            fixed_limit=order.limit_amount,
            for_signing=True,
            tip_floor_lamports=raised_tip(attempts),
        )
        return RoutedOrder(
            route=route_json(quote.best.route),
            quoted=SwapAmounts(amount_in=quote.amount_in, amount_out=quote.amount_out),
            limit_amount=quote.limit,
            slot=quote.clock.slot,
            plan=PlannedSwap(quote=quote.best, pools=quote.pools, request=order.request, limit=quote.limit),
            facts={
                "slot": str(quote.clock.slot),
                "round_trips": quote.round_trips,
                "freshness": freshness_json(quote.freshness),
                "price_impact_bps": quote.price_impact_bps,
                "candidates": [candidate_json(candidate) for candidate in quote.candidates],
            },
        )

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        """The simulated message. Raises GuardRefused (funds, fee cap, size, simulation), NetworkError."""
        planned: PlannedSwap = routed.plan
        attempts = await self._store.attempts(order.id)
        prepared = await self._builder.prepare(
            planned,
            order.wallet,
            lifetime,
            raised(terms_of(order).priority_fee, attempts),
            apart=_apart(order, attempts),
            tip_floor_lamports=raised_tip(attempts),
        )
        return BuiltAttempt(
            message=prepared.message,
            simulated=prepared.simulated,
            costs=prepared.costs,
            tracked=prepared.tracked,
            evidence=prepared.evidence,
            facts=prepared.facts,
        )


def _apart(order: Order, attempts: Sequence[Attempt]) -> int:
    """What tells this order's transaction from an equal one's: a start by its id, and the next with every attempt, since a journal
    refuses a signature it has. Another journal of the wallet does not see it: that the two meet is left to chance, and unlikely."""
    return _first_apart(order) + len(attempts)


def _first_apart(order: Order) -> int:
    return int.from_bytes(hashlib.sha256(order.id.encode()).digest(), "big")


def raised(policy: PriorityFeePolicy, attempts: Sequence[Attempt]) -> PriorityFeePolicy:
    """The policy for the next attempt: half more than the highest bid that expired, so that what was too low is not bid again. The
    cap stands, and so does a price the caller fixed."""
    expired = [unit_price_micro_lamports(attempt.message) for attempt in attempts if attempt.outcome is AttemptOutcome.EXPIRED]
    if not expired:
        return policy
    floor = max(max(expired) * 3 // 2, max(expired) + _LEAST_RAISE_MICRO_LAMPORTS)
    return replace(policy, floor_micro_lamports=max(policy.floor_micro_lamports, floor))


def raised_tip(attempts: Sequence[Attempt]) -> int:
    """What the next attempt tips at least, lamports: half more than the highest tip that expired; 0 when none did."""
    expired = [attempt.message for attempt in attempts if attempt.outcome is AttemptOutcome.EXPIRED]
    return max((tip_lamports(from_bytes_versioned(message)) for message in expired), default=0) * 3 // 2
