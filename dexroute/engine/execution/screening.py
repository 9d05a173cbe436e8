"""The last gate before a signature: the message held against the signing policy and against the order as the journal has it."""

from __future__ import annotations

from solders.pubkey import Pubkey

from dexroute.engine.execution.builder import BuiltAttempt
from dexroute.engine.planning.screening import SigningPolicy, SwapBounds, screen
from dexroute.errors import PolicyRefused
from dexroute.types.orders import Order


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
