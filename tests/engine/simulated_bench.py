"""An executor on a simulated chain with a real SQLite journal: what the execution tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.invariants import check_order
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.receipt import Receipt, read_history, read_receipt
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.ports import OrderStore, TransactionRoute
from dexroute.storage.store import open_store
from dexroute.types.orders import Order, OrderEvent, is_legal_move
from dexroute.types.requests import QuoteRequest
from tests.engine.simulated_chain import KeySigner, SimulatedBuilder, SimulatedChain, SimulatedNode, VirtualClock

MINT_A: Final = Pubkey.from_string("A1111111111111111111111111111111111111111111")
MINT_B: Final = Pubkey.from_string("B1111111111111111111111111111111111111111111")


@dataclass(kw_only=True)
class Bench:
    store: OrderStore
    clock: VirtualClock
    chain: SimulatedChain
    nodes: list[SimulatedNode]
    signer: KeySigner = field(default_factory=KeySigner)
    further: list[KeySigner] = field(default_factory=list)
    builder: SimulatedBuilder = field(default_factory=SimulatedBuilder)
    funds: dict[Pubkey, int] | None = None
    seen: list[OrderEvent] = field(default_factory=list)

    def executor(
        self, *, routes: Sequence[TransactionRoute] = (), screening: SigningPolicy | None = None, **policy: Any
    ) -> Executor:
        return Executor(
            store=self.store,
            senders=self.nodes,
            signer_of={signer.pubkey: signer for signer in (self.signer, *self.further)}.get,
            builder=self.builder,
            clock=self.clock,
            owner="test",
            policy=ExecutionPolicy(**policy),
            watcher=lambda _order, event: self.seen.append(event),
            routes=routes,
            screening=screening,
            funds=None if self.funds is None else self._look,
            random=lambda: 1.0,
        )

    async def _look(self, order: Order) -> Mapping[Pubkey, int]:
        return self.funds or {}

    def order(self, **changes: Any) -> Order:
        facts: dict[str, Any] = {
            "request": QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=1_000_000),
            "wallet": self.signer.pubkey,
            "genesis_hash": str(self.chain.genesis),
            "slippage_bps": 50,
            "now_ms": self.clock.now_ms(),
        }
        return new_order(**(facts | changes))

    async def receipt(self, order: Order) -> Receipt:
        return await read_receipt(self.store, order.id, with_events=True)

    async def check_journal(self, order: Order) -> Receipt:
        """What must hold for every order at every moment: numbered without gaps, legal moves only, at most one swap on chain."""
        receipt = await self.receipt(order)
        assert check_order(await read_history(self.store, order.id)) == ()
        assert [event.seq for event in receipt.events] == list(range(1, receipt.order.event_seq + 1))
        assert receipt.events
        for earlier, later in zip(receipt.events, receipt.events[1:], strict=False):
            assert later.before is earlier.after
        for event in receipt.events:
            assert event.before is None or event.before is event.after or is_legal_move(event.before, event.after)
        assert receipt.events[-1].after is receipt.order.state
        assert sum(attempt.is_live for attempt in receipt.attempts) <= 1
        assert self.chain.swaps(order) <= 1
        committed = {attempt.wire for attempt in receipt.attempts}
        assert {wire for wire in self.chain.sends if order.id.encode() in wire} <= committed
        return receipt


@asynccontextmanager
async def open_bench(directory: Path, nodes: int = 1, *, elsewhere: Path | None = None) -> AsyncIterator[Bench]:
    clock = VirtualClock()
    chain = SimulatedChain(clock=clock)
    async with open_store(directory / "journal.db", elsewhere=elsewhere) as store:
        yield Bench(store=store, clock=clock, chain=chain, nodes=[SimulatedNode(chain=chain) for _ in range(nodes)])
