"""Routing and signing in a simulated process: a market that moves, a node to simulate on, and one key."""

from __future__ import annotations

import asyncio
from random import Random

from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.errors import RpcUnreachable, SimulationFailed
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import Costs, Order, SwapAmounts
from tests.engine.simulated_chain import KeySigner, swap_message
from tests.simulation.chain import RATE
from tests.simulation.node import Node
from tests.simulation.process import Process


class Market:
    """dexroute.engine.execution.OrderBuilder of one process. The limit is in the message, and the chain holds it."""

    def __init__(self, nodes: list[Node], process: Process, random: Random) -> None:
        self._nodes = nodes
        self._process = process
        self._random = random

    async def _look(self, order: Order) -> tuple[int, int]:
        """(what comes out now, the slot of the look)."""
        await self._process.gate()
        node = self._random.choice(self._nodes)
        await asyncio.sleep(0.01 + 0.2 * self._random.random())
        await self._process.gate()
        if node.happens("request_dropped"):
            raise RpcUnreachable("simulated: no answer")
        tip = node.view()
        return order.request.amount * tip.rate // RATE, tip.slot

    async def route(self, order: Order) -> RoutedOrder:
        amount_out, slot = await self._look(order)
        limit = order.limit_amount or amount_out * (10_000 - order.slippage_bps) // 10_000
        quoted = SwapAmounts(amount_in=order.request.amount, amount_out=amount_out)
        return RoutedOrder(route={"legs": []}, quoted=quoted, limit_amount=limit, slot=slot)

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        amount_out, _ = await self._look(order)
        if amount_out < routed.limit_amount:
            raise SimulationFailed("simulated: too little comes out", error_class="requote")
        least = SwapAmounts(amount_in=order.request.amount, amount_out=routed.limit_amount)
        simulated = SwapAmounts(amount_in=order.request.amount, amount_out=amount_out)
        return BuiltAttempt(message=swap_message(order, least, lifetime.blockhash), simulated=simulated, costs=Costs())


class SlowSigner:
    """dexroute.ports.Signer of one process: somebody else's device."""

    def __init__(self, signer: KeySigner, process: Process, random: Random) -> None:
        self._signer = signer
        self._process = process
        self._random = random

    @property
    def pubkey(self) -> Pubkey:
        return self._signer.pubkey

    async def sign(self, message: MessageV0) -> Signature:
        await self._process.gate()
        await asyncio.sleep(self._random.random() ** 8 * 5)
        await self._process.gate()
        return await self._signer.sign(message)
