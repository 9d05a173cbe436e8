"""A node as a process sees it: dexroute.ports.TransactionSender over an unreliable network, behind, or lying."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.errors import NetworkError, RateLimited, RpcError, RpcUnreachable, StaleData
from dexroute.types.chain import (
    BlockhashLifetime,
    Commitment,
    HistoryEntry,
    LandedTransaction,
    SignatureStatus,
    Simulation,
    TransactionError,
)
from tests.simulation.chain import CONFIRMED_DEPTH, Block, Chain, Executed, error_of, shown
from tests.simulation.process import Process
from tests.simulation.trace import Trace
from tests.simulation.weather import Weather

Answer = TypeVar("Answer")
_PATIENCE_S = 2.0


class Node:
    """One endpoint, shared by all processes. `troubled` until the weather clears."""

    def __init__(self, name: str, chain: Chain, weather: Weather, random: Random, trace: Trace, lie: str | None) -> None:
        self.name = name
        self.chain = chain
        self.weather = weather
        self.random = random
        self.trace = trace
        self.lie = lie
        self.troubled = True
        self.down_until = 0.0
        self.begins_at = 0  # the slot its blocks begin at, since it started anew from a snapshot
        self.gap = range(0)  # slots it was down for and has no blocks of

    def happens(self, fault: str) -> bool:
        chance = self.weather.chance(fault)
        return self.troubled and chance > 0 and self.random.random() < chance

    def lies(self, how: str) -> bool:
        if self.troubled and self.lie == how:
            self.trace.fault(f"lie_{how}")
            return True
        return False

    def view(self) -> Block:
        """The tip this node knows at this moment; the next question may go to another machine behind the same address."""
        lag = 0
        if self.troubled and self.weather.lag and self.happens("behind"):
            lag = self.random.randint(1, self.weather.lag)
            self.trace.fault("behind")
        return self.chain.tips[max(len(self.chain.tips) - 1 - lag, 0)]

    def first_slot(self, tip: Block) -> int:
        """Of the oldest block it has."""
        return min(self.begins_at, tip.slot) if self.troubled else 0

    def find(self, signature: Signature, tip: Block) -> tuple[Block, Executed] | None:
        """Where it landed on the fork that ends with `tip`, as far as this node remembers."""
        found = self.chain.find(signature, tip)
        if found is not None and found[0].slot < self.first_slot(tip):
            self.trace.fault("forgot", "%s knows nothing of %s", self.name, signature)
            return None
        if found is not None and self.troubled and found[0].slot in self.gap:
            self.trace.fault("missed", "%s was down when %s landed", self.name, signature)
            return None
        return found

    def depth(self, commitment: Commitment) -> int:
        depths = {Commitment.PROCESSED: 0, Commitment.CONFIRMED: CONFIRMED_DEPTH, Commitment.FINALIZED: self.weather.finality}
        return depths[commitment]


class NodePort:
    """A node, asked by one process."""

    def __init__(self, node: Node, process: Process) -> None:
        self._node = node
        self._process = process

    async def _ask(self, answer: Callable[[], Answer]) -> Answer:
        """Every question takes time, and some end badly. The node answers when it is asked; the answer may come much later."""
        await self._process.gate()
        random = self._node.random
        trouble = self._trouble()
        if trouble in ("request_dropped", "outage"):
            await asyncio.sleep(_PATIENCE_S)
            raise await self._failed(RpcUnreachable("simulated: no answer"))
        await asyncio.sleep(0.005 + 0.1 * random.random())
        if trouble == "limited":
            wait_ms = random.choice((None, 300, 1_000, 5_000))
            raise await self._failed(RateLimited("simulated: 429", retry_after_ms=wait_ms))
        if trouble == "server_error":
            raise await self._failed(random.choice((RpcUnreachable, RpcError))("simulated: 503"))
        try:
            found = answer()
        except NetworkError as error:
            raise await self._failed(error) from None
        if trouble == "response_dropped":
            await asyncio.sleep(_PATIENCE_S)
            raise await self._failed(RpcUnreachable("simulated: connection reset"))
        if trouble == "delayed":
            await asyncio.sleep(random.random() * 6)
        await self._process.gate()
        return found

    def _trouble(self) -> str | None:
        if self._node.troubled and self._process.monotonic_ms() < self._node.down_until * 1_000:
            self._node.trace.fault("outage", "%s asks %s", self._process.name, self._node.name)
            return "outage"
        for fault in ("request_dropped", "response_dropped", "delayed", "limited", "server_error"):
            if self._node.happens(fault):
                self._node.trace.fault(fault, "%s asks %s", self._process.name, self._node.name)
                return fault
        return None

    async def _failed(self, error: NetworkError) -> NetworkError:
        await self._process.gate()
        return error

    async def genesis_hash(self) -> Hash:
        return await self._ask(lambda: self._node.chain.genesis)

    async def send(self, wire: bytes) -> None:
        await self._process.gate()
        if self._node.happens("duplicated"):
            self._node.trace.fault("duplicated")
            asyncio.get_running_loop().call_later(self._node.random.random() * 15, self._node.chain.receive, wire)
        await self._ask(lambda: self._node.chain.receive(wire))

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        def answer() -> BlockhashLifetime:
            tip = self._node.view()
            if min_context_slot is not None and tip.slot < min_context_slot:
                raise StaleData("simulated: minimum context slot has not been reached")
            block = tip.back(CONFIRMED_DEPTH)
            last = self._node.chain.lifetimes[block.hash]
            return BlockhashLifetime(blockhash=block.hash, last_valid_block_height=last, slot=tip.slot)

        return await self._ask(answer)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        def answer() -> tuple[int, int]:
            block = self._node.view().back(self._node.depth(commitment))
            if self._node.lies("slots_as_heights"):
                if self._node.random.random() < 0.5:
                    raise RpcError("simulated: heights contradict slots", implausible=True)
                return block.slot, block.slot
            return block.height, block.slot

        return await self._ask(answer)

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        def answer() -> bool | None:
            if self._node.lies("valid_for_ever"):
                return True
            block = self._node.view().back(self._node.weather.finality)
            return block.height <= self._node.chain.lifetimes.get(blockhash, -1)

        return await self._ask(answer)

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        def answer() -> tuple[int, tuple[SignatureStatus | None, ...]]:
            tip = self._node.view()
            told = tip.slot
            if self._node.lies("old_context"):
                told -= 40
            if self._node.lies("old_statuses"):
                tip = self._node.chain.tips[max(len(self._node.chain.tips) - 20, 0)]
            return told, tuple(self._status(tip, signature, search_history) for signature in signatures)

        return await self._ask(answer)

    def _status(self, tip: Block, signature: Signature, search_history: bool) -> SignatureStatus | None:
        if self._node.lies("knows_nothing"):
            return None
        if self._node.lies("all_processed"):
            return SignatureStatus(slot=tip.slot, commitment=Commitment.PROCESSED, error=None)
        found = self._node.find(signature, tip)
        if found is None:
            return None
        block, executed = found
        age = tip.height - block.height
        if not search_history and age > self._node.weather.lifetime:
            return None
        level = [one for one in Commitment if age >= self._node.depth(one)][-1]
        error = error_of(executed)
        if level is Commitment.PROCESSED and self._node.lies("too_soon"):
            level = Commitment.CONFIRMED
        if level is Commitment.CONFIRMED and self._node.lies("final_too_soon"):
            level = Commitment.FINALIZED
        if self._node.lies("wrong_outcome") or self._node.lies("wrong_transaction"):
            error = TransactionError(raw="AccountInUse") if error is None else None
        return SignatureStatus(slot=block.slot, commitment=level, error=error)

    async def first_available_slot(self) -> int:
        return await self._ask(lambda: self._node.first_slot(self._node.view()))

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        def answer() -> bool | None:
            if not self._node.troubled:
                return True
            tip = self._node.view().back(self._node.weather.finality)
            until_slot = self._node.chain.at(tip, until_height).slot
            return tip.height > until_height and not any(since_slot <= slot <= until_slot for slot in self._node.gap)

        return await self._ask(answer)

    async def signatures_of(self, address: Pubkey) -> tuple[HistoryEntry, ...]:
        return ()

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        def answer() -> LandedTransaction | None:
            tip = self._node.view()
            found = None if self._node.lies("knows_nothing") else self._node.find(signature, tip)
            if found is None:
                return None
            block, executed = found
            if tip.height - block.height < CONFIRMED_DEPTH and not self._node.lies("too_soon"):
                return None
            landed = shown(block, executed)
            if self._node.lies("wrong_transaction"):
                error = TransactionError(raw="AccountInUse") if landed.error is None else None
                landed = replace(landed, error=error)
            return landed

        return await self._ask(answer)

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        raise NotImplementedError("the builder simulates by itself")

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        return ()

    async def rent_exemption(self, data_length: int) -> int:
        return 2_039_280
