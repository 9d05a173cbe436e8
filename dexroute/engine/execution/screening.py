"""The last gate before a signature: the message held against the signing policy and against the order as the journal has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.builder import BuiltAttempt
from dexroute.engine.planning.screening import SigningPolicy, SwapBounds, screen
from dexroute.errors import PolicyRefused
from dexroute.types.orders import Costs, Order
from dexroute.types.spendings import Spending, SpendingGuard

DAY_MS: Final = 86_400_000


def day_guard(order: Order, expected: Costs, policy: SigningPolicy, *, now_ms: int) -> SpendingGuard | None:
    """What holds an attempt of `order` to the policy's day; None for a policy that bounds none."""
    if not policy.bounds_days:
        return None
    return SpendingGuard(since_ms=now_ms - DAY_MS, check=lambda others: check_day(order, expected, others, policy))


def check_day(order: Order, expected: Costs, others: Iterable[Spending], policy: SigningPolicy) -> None:
    """Hold an order, and what it is expected to cost, to what the policy allows in a day. `others` are the wallet's orders of the
    last 24 hours. One with an attempt alive counts with the most it may spend; one without is checked when it makes one. Raises
    PolicyRefused."""
    mint = order.request.input_mint
    spent, cost = 0, _lamports(expected)
    for other in others:
        if other.order.id == order.id:
            continue
        costs = other.order.costs if not other.order.is_open else other.reserved
        if costs is not None:
            cost += _lamports(costs)
        if other.order.request.input_mint == mint:
            spent += _spent(other)
    wanted, limit = order.max_amount_in or 0, policy.day_limits.get(mint)
    if limit is not None and spent + wanted > limit:
        raise PolicyRefused(
            f"not signed: order {order.id} may spend {wanted} base units of {mint}, orders of the last 24 hours {spent} base units "
            f"of {mint}, and the policy allows {limit} base units of {mint} a day (policy_day_limits); nothing was sent",
            rule="day-limit",
            order=order.id,
            mint=str(mint),
            wanted=str(wanted),
            spent=str(spent),
            limit=str(limit),
        )
    if policy.day_lamports is not None and cost > policy.day_lamports:
        raise PolicyRefused(
            f"not signed: with order {order.id} the orders of the last 24 hours would cost {cost} lamports beside their swaps, and "
            f"the policy allows {policy.day_lamports} (policy_day_lamports); nothing was sent",
            rule="day-lamports",
            order=order.id,
            cost_lamports=str(cost),
            limit_lamports=str(policy.day_lamports),
        )


def _spent(spending: Spending) -> int:
    order = spending.order
    if order.is_open:
        return 0 if spending.reserved is None else order.max_amount_in or 0
    return order.executed.amount_in if order.executed is not None else 0


def _lamports(costs: Costs) -> int:
    return (
        costs.network_fee_lamports
        + costs.priority_fee_lamports
        + costs.rent_lamports
        - costs.rent_refunded_lamports
        + costs.other_lamports
    )


def screen_attempt(order: Order, built: BuiltAttempt, policy: SigningPolicy) -> None:
    """Raises PolicyRefused when the message must not be signed. Whoever built it, the bounds are the order's own."""
    if built.evidence is None:
        raise PolicyRefused(
            f"not signed: nobody showed what the message for order {order.id} would do; nothing was sent",
            rule="evidence",
            order=order.id,
        )
    screen(built.message, _bounds_of(order), policy, built.evidence)


def _bounds_of(order: Order) -> SwapBounds:
    assert order.max_amount_in is not None and order.min_amount_out is not None, "a routed order has its limit"
    hops = [hop for leg in (order.route or {}).get("legs", ()) for hop in leg["hops"]]
    passed = {Pubkey.from_string(hop[side]) for hop in hops for side in ("input_mint", "output_mint")}
    return SwapBounds(
        wallet=order.wallet,
        input_mint=order.request.input_mint,
        output_mint=order.request.output_mint,
        max_amount_in=order.max_amount_in,
        min_amount_out=order.min_amount_out,
        mints=frozenset({order.request.input_mint, order.request.output_mint, *passed}),
    )
