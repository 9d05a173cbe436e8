"""What the executor asks of routing and planning: a route for an order, and a message that carries it out.

The composition root joins engine/routing and engine/planning behind this Protocol, so that the executor knows nothing of pools.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning.screening import Evidence
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import Costs, Json, Order, SwapAmounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedOrder:
    """A route for one order. `route` and `facts` are JSON for the journal (amounts as strings); `plan` is the builder's own, handed
    back to `build` untouched and never stored: after a restart the order is routed anew, within its limit. `slot` is that of the
    accounts it was routed on: a node behind it is no judge of the message."""

    route: Json
    quoted: SwapAmounts
    limit_amount: int
    slot: int | None = None
    plan: Any = None
    facts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltAttempt:
    """A message ready to sign: simulated as it is, fee payer is the order's wallet. `tracked` are the wallet's own accounts it
    writes; `evidence` is what a signing policy judges it by (None: no policy is in force); `facts` (compute units, price,
    simulation slot, ...) is JSON for the journal."""

    message: MessageV0
    simulated: SwapAmounts
    costs: Costs
    tracked: tuple[Pubkey, ...] = ()
    evidence: Evidence | None = None
    facts: Json = field(default_factory=dict)


class OrderBuilder(Protocol):
    """Routes and builds. Both may be called again for the same order, also after a restart; neither signs nor sends.

    NetworkError means "ask again"; SlippageExceeded and SimulationFailed from `build` mean "route again" (the market moved between
    the two); any other DexError ends the order as FAILED with it. Messages of two orders should differ, also on one
    blockhash; where they do not, the later order, then with one attempt more, is routed and built again, until they do.
    """

    async def route(self, order: Order) -> RoutedOrder:
        """The best route now. When `order.limit_amount` is set, that very limit is kept (SlippageExceeded when it cannot be met);
        when it is None, `limit_amount` of the answer fixes it."""
        ...

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        """The message on this blockhash, simulated. Raises GuardRefused (funds, simulation, size, fee cap) or NetworkError."""
        ...
