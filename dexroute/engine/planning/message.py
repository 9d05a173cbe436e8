"""The message to sign: compute budget first, then the plan, on one blockhash, within what a transaction can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.planning.swap_plan import SwapPlan
from dexroute.errors import TransactionTooLarge
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.network import MAX_COMPUTE_UNITS

MAX_TRANSACTION_BYTES: Final = 1_232
MAX_TRANSACTION_ACCOUNTS: Final = 64
BUDGET_INSTRUCTIONS: Final = 2
"""Instructions that `build_message` puts before the plan's own."""


def build_message(
    plan: SwapPlan,
    lifetime: BlockhashLifetime,
    compute_unit_limit: int,
    compute_unit_price: int,
    *,
    lookup_tables: Sequence[AddressLookupTableAccount] = (),
) -> MessageV0:
    """The plan as a versioned message paid by its user; the price is in micro-lamports per unit.

    Raises TransactionTooLarge above 1,232 bytes with signatures, 64 accounts or 1.4 million compute units.
    """
    budget = [set_compute_unit_limit(compute_unit_limit), set_compute_unit_price(compute_unit_price)]
    message = MessageV0.try_compile(plan.wallet.user, [*budget, *plan.instructions], list(lookup_tables), lifetime.blockhash)
    looked_up = sum(len(table.writable_indexes) + len(table.readonly_indexes) for table in message.address_table_lookups)
    accounts = len(message.account_keys) + looked_up
    size = len(unsigned_wire(message))
    if size > MAX_TRANSACTION_BYTES or accounts > MAX_TRANSACTION_ACCOUNTS or compute_unit_limit > MAX_COMPUTE_UNITS:
        raise TransactionTooLarge(
            f"the route of {len(plan.venues)} hop(s) makes a transaction of {size} bytes, {accounts} accounts and "
            f"{compute_unit_limit} compute units; at most {MAX_TRANSACTION_BYTES}, {MAX_TRANSACTION_ACCOUNTS} and "
            f"{MAX_COMPUTE_UNITS} fit. Ask for fewer hops (--max-hops 1)",
            bytes=size,
            accounts=accounts,
            compute_unit_limit=compute_unit_limit,
            hops=len(plan.venues),
        )
    return message


def unsigned_wire(message: MessageV0) -> bytes:
    """The transaction's bytes with empty signatures: for its size and for simulation."""
    signatures = [Signature.default()] * message.header.num_required_signatures
    return bytes(VersionedTransaction.populate(message, signatures))


def writable_accounts(message: MessageV0) -> tuple[Pubkey, ...]:
    """The accounts the message locks for writing, which is what block space is bid for."""
    return tuple(key for index, key in enumerate(message.account_keys) if message.is_maybe_writable(index))
