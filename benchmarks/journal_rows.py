"""A journal of many confirmed orders, written as rows: each order with its own amounts, signed transaction, fill and events, so
that no rule of `dex doctor --invariants` is broken. The executor would take minutes for what this takes seconds."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from sqlalchemy import create_engine, insert

from dexroute.chain.tokens import add_token
from dexroute.engine.execution.intake import new_order
from dexroute.storage.rows import attempt_row, event_row, fill_row, order_row
from dexroute.storage.steps import event_of
from dexroute.storage.store import open_store
from dexroute.storage.tables import AttemptRow, EventRow, FillRow, OrderRow, table_of
from dexroute.types.orders import Attempt, AttemptOutcome, Costs, EventKind, Fill, Order, OrderState, SwapAmounts
from dexroute.types.requests import QuoteRequest
from tests.engine.token_swap import MINT_A, MINT_B, USER_A, USER_B, swap_instructions

WALLET: Final = Keypair.from_seed(bytes(32))
CLUSTER: Final = Hash.hash(b"the cluster of benchmarks/journal.py")
SLOT: Final = 1_000
"""All landed in this one: who answers for the cluster need not look."""

LAST_VALID: Final = 1_150
_START_MS: Final = 1_700_000_000_000
_AT_ONCE: Final = 2_000
_LAMPORTS: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What one order is in each table."""

    order: dict[str, Any]
    attempt: dict[str, Any]
    events: list[dict[str, Any]]
    fill: dict[str, Any]


def confirmed_order(number: int) -> Rows:
    """Landed, and not final yet."""
    rng = random.Random(number)  # noqa: S311  the same journal each time
    amounts = SwapAmounts(amount_in=2 * rng.randrange(500, 10**12) + number % 2, amount_out=rng.randrange(1_000, 10**12))
    units, price = rng.randrange(20_000, 200_000), rng.randrange(1, 100_000)
    costs = Costs(network_fee_lamports=_LAMPORTS, priority_fee_lamports=-(-units * price // 1_000_000))
    placed = new_order(
        request=QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=amounts.amount_in),
        wallet=WALLET.pubkey(),
        genesis_hash=str(CLUSTER),
        slippage_bps=50,
        now_ms=_START_MS + 1_000 * number,
        limit_amount=amounts.amount_out * 9_950 // 10_000,
        options={"max_hops": 2, "strategy": "best"},
    )
    blockhash = Hash.hash(f"block {number // 100}".encode())
    budget = [set_compute_unit_limit(units), set_compute_unit_price(price)]
    message = MessageV0.try_compile(placed.wallet, [*budget, *swap_instructions(placed.wallet, amounts)], [], blockhash)
    signed = to_bytes_versioned(message)
    signature = WALLET.sign_message(signed)
    attempt = Attempt(
        id=f"{placed.id}-1",
        order_id=placed.id,
        number=1,
        fencing=2,
        message=signed,
        blockhash=str(blockhash),
        last_valid_block_height=LAST_VALID,
        created_ms=placed.created_ms + 40,
        signature=str(signature),
        wire=b"\x01" + bytes(signature) + signed,
        signed_ms=placed.created_ms + 45,
        simulated=amounts,
        expected_costs=costs,
        tracked=(USER_A, USER_B),
        outcome=AttemptOutcome.LANDED,
        slot=SLOT,
    )
    fill = Fill(
        attempt_id=attempt.id,
        order_id=placed.id,
        signature=str(signature),
        slot=SLOT,
        block_time=placed.created_ms // 1_000 + 1,
        amounts=amounts,
        costs=costs,
        units_consumed=units - 1_000,
        wallet_lamports_change=-costs.network_fee_lamports - costs.priority_fee_lamports,
    )
    events = list(_events(placed, attempt, fill))
    pool = str(Pubkey(bytes(Hash.hash(f"pool {number % 50}".encode()))))
    row = order_row(placed) | {
        "state": str(OrderState.CONFIRMED),
        "fencing": 2,
        "event_seq": len(events),
        "claimed_by": "bench:1:0",
        "updated_ms": placed.created_ms + 1_000,
        "route": {"legs": [{"amount_in": str(amounts.amount_in), "hops": [{"venue": "dexroute-pool", "pool": pool}]}]},
        "quoted_in": amounts.amount_in,
        "quoted_out": amounts.amount_out,
        "simulated_in": amounts.amount_in,
        "simulated_out": amounts.amount_out,
        "executed_in": amounts.amount_in,
        "executed_out": amounts.amount_out,
        "costs": attempt_row(attempt)["expected_costs"],
    }
    return Rows(order=row, attempt=attempt_row(attempt), events=events, fill=fill_row(fill))


def _events(placed: Order, attempt: Attempt, fill: Fill) -> Iterator[dict[str, Any]]:
    of_attempt = {"attempt": 1, "signature": attempt.signature}
    said = {"amount_in": str(fill.amounts.amount_in), "amount_out": str(fill.amounts.amount_out)}
    before: OrderState | None = None
    steps: list[tuple[EventKind, OrderState, dict[str, Any]]] = [
        (EventKind.PLACED, OrderState.PENDING, {}),
        (EventKind.CLAIMED, OrderState.PENDING, {"owner": "bench:1:0"}),
        (EventKind.ROUTING, OrderState.ROUTING, {}),
        (EventKind.ROUTED, OrderState.BUILDING, {"limit_amount": str(placed.limit_amount), "legs": 1}),
        (EventKind.INTENT, OrderState.BUILDING, {"attempt": 1, "blockhash": attempt.blockhash}),
        (EventKind.SIGNED, OrderState.SUBMITTED, of_attempt),
        (EventKind.CONFIRMED, OrderState.CONFIRMED, {**of_attempt, "slot": str(SLOT), **said}),
    ]
    for seq, (kind, state, facts) in enumerate(steps, 1):
        order = replace(placed, event_seq=seq, state=state, fencing=1 if seq == 1 else 2)
        yield event_row(event_of(order, before, kind, placed.created_ms + 10 * seq, facts))
        before = state


async def write(data_dir: Path, orders: int) -> None:
    """A data directory whose journal holds so many orders, and which knows their tokens."""
    for symbol, mint in (("AAA", MINT_A), ("BBB", MINT_B)):
        add_token(data_dir, str(CLUSTER), symbol=symbol, mint=mint, decimals=6)
    journal = data_dir / "journal.sqlite3"
    async with open_store(journal):
        pass  # makes the tables
    engine = create_engine(f"sqlite:///{journal}")
    position = 0
    for first in range(0, orders, _AT_ONCE):
        page = [confirmed_order(number) for number in range(first, min(first + _AT_ONCE, orders))]
        events = [event for rows in page for event in rows.events]
        numbered = [event | {"position": position + n} for n, event in enumerate(events, 1)]
        position += len(events)
        with engine.begin() as connection:
            connection.execute(insert(table_of(OrderRow)), [rows.order for rows in page])
            connection.execute(insert(table_of(AttemptRow)), [rows.attempt for rows in page])
            connection.execute(insert(table_of(EventRow)), numbered)
            connection.execute(insert(table_of(FillRow)), [rows.fill for rows in page])
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
