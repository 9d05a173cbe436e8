"""Orders through the whole executor with full durability, on a cluster that answers at once: what is left is our own overhead.

`python -m benchmarks.orders [--orders N] [--at-once N] [--database URL]` prints orders per second and how long an order took. The
default database is a SQLite file on this machine's disk; a RAM disk would tell nothing about fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.chain.signers import KeypairSigner
from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.host.clock import HostClock
from dexroute.storage.store import open_store
from dexroute.types.chain import BlockhashLifetime, Commitment, LandedTransaction, SignatureStatus, TokenBalance
from dexroute.types.orders import Costs, Order, OrderState, SwapAmounts
from dexroute.types.requests import QuoteRequest

PAID: Final = Pubkey.from_string("A1111111111111111111111111111111111111111111")
GOT: Final = Pubkey.from_string("B1111111111111111111111111111111111111111111")
FEE_LAMPORTS: Final = 5_000
AMOUNTS: Final = SwapAmounts(amount_in=1_000_000, amount_out=500_000)


@dataclass(kw_only=True)
class InstantNode:
    """dexroute.ports.TransactionSender: what is sent has landed, confirmed, before the call returns."""

    genesis: Hash = field(default_factory=Hash.new_unique)
    landed: dict[Signature, Pubkey] = field(default_factory=dict)

    async def genesis_hash(self) -> Hash:
        return self.genesis

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        return BlockhashLifetime(blockhash=Hash.new_unique(), last_valid_block_height=150, slot=1)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        return 1, 1

    async def send(self, wire: bytes) -> None:
        transaction = VersionedTransaction.from_bytes(wire)
        self.landed[transaction.signatures[0]] = transaction.message.account_keys[0]

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        found = SignatureStatus(slot=1, commitment=Commitment.CONFIRMED, error=None)
        return 1, tuple(found if signature in self.landed else None for signature in signatures)

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        wallet = self.landed.get(signature)
        if wallet is None:
            return None

        def held(paid: int, got: int) -> tuple[TokenBalance, ...]:
            return (
                TokenBalance(account=PAID, mint=PAID, owner=wallet, amount=paid),
                TokenBalance(account=GOT, mint=GOT, owner=wallet, amount=got),
            )

        return LandedTransaction(
            slot=1,
            block_time=None,
            error=None,
            fee_lamports=FEE_LAMPORTS,
            units_consumed=1,
            account_keys=(wallet, PAID, GOT),
            pre_lamports=(10**9,) * 3,
            post_lamports=(10**9 - FEE_LAMPORTS, 10**9, 10**9),
            pre_token_balances=held(AMOUNTS.amount_in, 0),
            post_token_balances=held(0, AMOUNTS.amount_out),
            logs=(),
        )


class InstantBuilder:
    """dexroute.engine.execution.OrderBuilder: always the same swap."""

    async def route(self, order: Order) -> RoutedOrder:
        return RoutedOrder(route={"legs": []}, quoted=AMOUNTS, limit_amount=AMOUNTS.amount_out)

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        moves = transfer(TransferParams(from_pubkey=order.wallet, to_pubkey=PAID, lamports=1))
        message = MessageV0.try_compile(order.wallet, [moves], [], lifetime.blockhash)
        return BuiltAttempt(message=message, simulated=AMOUNTS, costs=Costs())


async def drive(database: str | Path, orders: int, at_once: int) -> None:
    clock, node, signer = HostClock(), InstantNode(), KeypairSigner(Keypair())
    took: list[float] = []
    began: dict[str, float] = {}

    def heard(order: Order, _event: Any) -> None:
        began.setdefault(order.id, time.perf_counter())
        if not order.is_open:
            took.append(time.perf_counter() - began[order.id])

    async with open_store(database) as store:
        executor = Executor(
            store=store,
            senders=[node],  # type: ignore[list-item]  # what a node is asked on other days is left out
            signer=signer,
            builder=InstantBuilder(),
            clock=clock,
            owner="bench",
            watcher=heard,
        )

        def asked() -> Order:
            return new_order(
                request=QuoteRequest(input_mint=PAID, output_mint=GOT, amount=AMOUNTS.amount_in),
                wallet=signer.pubkey,
                genesis_hash=str(node.genesis),
                slippage_bps=0,
                now_ms=clock.now_ms(),
            )

        start = time.perf_counter()
        await asyncio.gather(*(executor.place(asked()) for _ in range(orders)))
        placed = time.perf_counter()
        await OrderQueue(executor, QueuePolicy(at_once=at_once, per_wallet=at_once)).run(until_idle=True)
        done = time.perf_counter()
        assert len(await store.orders(states=[OrderState.CONFIRMED])) == orders == len(node.landed)
    took.sort()
    print(f"placed    {orders / (placed - start):8.0f} orders/s")
    print(f"carried   {orders / (done - placed):8.0f} orders/s, {at_once} at once")
    print(f"in all    {orders / (done - start):8.0f} orders/s")
    median_ms, slow_ms = statistics.median(took) * 1e3, took[len(took) * 99 // 100] * 1e3
    print(f"one order {median_ms:8.1f} ms at the median, {slow_ms:.1f} ms at the 99th percentile")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--database", help="postgresql://... or sqlite:///...; a file in a temporary directory without it")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir="/var/tmp") as directory:  # /tmp may be a RAM disk
        asyncio.run(drive(arguments.database or Path(directory) / "journal.db", arguments.orders, arguments.at_once))


if __name__ == "__main__":
    main()
