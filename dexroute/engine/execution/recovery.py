"""Start-up is recovery: every open order is taken up where it stands, through the same code as a new one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from dexroute.engine.execution.executor import Executor
from dexroute.errors import DexError
from dexroute.types.orders import OPEN_STATES, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """One order after recovery. `error` says why it is still open: outcome not known yet, another cluster's or another wallet's."""

    order: Order
    error: DexError | None = None


async def resume(executor: Executor, *, wait_ms: int | None = None) -> tuple[Recovered, ...]:
    """Reconcile every open order of the journal, oldest first, a few at once, those among them that a fork took back. One order's
    trouble never stops another's recovery."""
    gate = asyncio.Semaphore(executor.policy.recovery_at_once)

    async def recover(order: Order) -> Recovered:
        async with gate:
            try:
                return Recovered(order=await executor.continue_order(order.id, wait_ms=wait_ms))
            except DexError as error:
                return Recovered(order=await executor.store.order(order.id), error=error)

    with suppress(DexError):  # what is not looked at now is looked at by the next
        await executor.settle()
    found = await executor.store.orders(states=OPEN_STATES)
    return tuple(await asyncio.gather(*(recover(order) for order in reversed(found))))
