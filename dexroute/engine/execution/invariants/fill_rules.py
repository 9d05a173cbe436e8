"""What the chain did with an order: one fill for what landed, told the same by the order, within its limit, and to the lamport."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Fill, Order, OrderHistory, OrderState, SwapAmounts

_LANDED: Final = (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
_NOTHING: Final = SwapAmounts(amount_in=0, amount_out=0)


def check_fills(history: OrderHistory) -> Iterator[Violation]:
    order = history.order
    attempts = {attempt.id: attempt for attempt in history.attempts}

    def broken(rule: Rule, detail: str, attempt: Attempt | None = None) -> Violation:
        return Violation(rule=rule, order_id=order.id, attempt=attempt.number if attempt else None, detail=detail)

    for fill in history.fills:
        attempt = attempts.get(fill.attempt_id)
        if attempt is None or attempt.outcome not in _LANDED:
            yield broken(Rule.FILL, f"there is a fill of {fill.attempt_id}, which did not land", attempt)
            continue
        if (fill.signature, fill.slot) != (attempt.signature, attempt.slot):
            detail = f"its fill is of {fill.signature} at slot {fill.slot}, attempt {attempt.number} of {attempt.signature}"
            yield broken(Rule.FILL, f"{detail} at slot {attempt.slot}", attempt)
        if attempt.outcome is AttemptOutcome.LANDED_WITH_ERROR and fill.amounts != _NOTHING:
            yield broken(Rule.FILL, f"attempt {attempt.number} landed with an error, but its fill moved tokens", attempt)
        if unexplained := _unexplained(order, fill):
            yield broken(Rule.BALANCE, unexplained, attempt)
    filled = {fill.attempt_id for fill in history.fills}
    for attempt in history.attempts:
        if attempt.outcome in _LANDED and attempt.id not in filled:
            yield broken(Rule.FILL, f"attempt {attempt.number} landed at slot {attempt.slot} and has no fill", attempt)
    for rule, detail in (*_told(history), *_limits(history)):
        yield broken(rule, detail)


def _unexplained(order: Order, fill: Fill) -> str | None:
    """The lamports that left the wallet and its token accounts are the swap's SOL, its costs, and SOL left over between hops."""
    costs = fill.costs
    changed = fill.wallet_lamports_change + fill.wrapped_lamports_change + costs.rent_lamports - costs.rent_refunded_lamports
    swapped = 0
    if order.request.input_mint == NATIVE_MINT:
        swapped -= fill.amounts.amount_in
    if order.request.output_mint == NATIVE_MINT:
        swapped += fill.amounts.amount_out
    left_over = sum(residual.amount for residual in costs.residuals if residual.mint == NATIVE_MINT)
    paid = costs.network_fee_lamports + costs.priority_fee_lamports + costs.other_lamports
    explained = swapped + left_over - paid
    if changed == explained:
        return None
    return (
        f"balances changed by {changed} lamports beside rent, amounts and costs explain {explained}: "
        f"{changed - explained} lamports are not accounted for"
    )


def _told(history: OrderHistory) -> Iterator[tuple[Rule, str]]:
    """The order's own columns say what its fill says, and its state goes with what landed."""
    order, fill = history.order, history.fills[-1] if history.fills else None
    landed = [attempt for attempt in history.attempts if attempt.outcome in _LANDED]
    swapped = any(attempt.outcome is AttemptOutcome.LANDED for attempt in landed)
    if (order.state is OrderState.CONFIRMED) != swapped:
        yield Rule.FILL, f"it is {order.state}, {'an' if swapped else 'no'} attempt of it landed"
    if landed and not swapped and order.state is not OrderState.FAILED:
        yield Rule.FILL, f"it is {order.state}, though attempt {landed[0].number} landed with an error"
    executed = fill.amounts if fill is not None and swapped else None
    if order.executed != executed:
        yield Rule.FILL, f"it says {_said(order.executed)} executed, its fill {_said(executed)}"
    if order.costs != (fill.costs if fill else None):
        yield Rule.FILL, "its costs are not those of its fill"
    confirmed = [event for event in history.events if event.kind is EventKind.CONFIRMED]
    if swapped and confirmed and fill is not None:
        facts = confirmed[-1].facts
        said = (str(facts.get("amount_in")), str(facts.get("amount_out")))
        if said != (str(fill.amounts.amount_in), str(fill.amounts.amount_out)):
            yield Rule.FILL, f"its event says {' for '.join(said)} executed, its fill {_said(fill.amounts)}"


def _limits(history: OrderHistory) -> Iterator[tuple[Rule, str]]:
    order, executed = history.order, history.order.executed
    routed = {str(event.facts["limit_amount"]) for event in history.events if "limit_amount" in event.facts}
    if routed - {str(order.limit_amount)}:
        yield Rule.LIMIT, f"its limit is {order.limit_amount}, it was routed within {', '.join(sorted(routed))}"
    if executed is None:
        return
    if order.min_amount_out is None or order.max_amount_in is None:
        yield Rule.LIMIT, "it was executed without a limit"
        return
    if executed.amount_out < order.min_amount_out:
        yield Rule.LIMIT, f"{executed.amount_out} base units came out, at least {order.min_amount_out} were accepted"
    if executed.amount_in > order.max_amount_in:
        yield Rule.LIMIT, f"{executed.amount_in} base units went in, at most {order.max_amount_in} were accepted"


def _said(amounts: SwapAmounts | None) -> str:
    return "nothing" if amounts is None else f"{amounts.amount_in} for {amounts.amount_out}"
