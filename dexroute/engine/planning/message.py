"""The message to sign: compute budget first, then the plan, on one blockhash, within what a transaction can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.planning.arrangement import arranged
from dexroute.engine.planning.size import MAX_TRANSACTION_ACCOUNTS, MAX_TRANSACTION_BYTES, Measured
from dexroute.engine.planning.swap_plan import SwapPlan
from dexroute.engine.routing.landing import OPENING_CALLS
from dexroute.engine.routing.market import swap_calls
from dexroute.errors import TransactionTooLarge
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.counts import counted
from dexroute.types.network import MAX_COMPUTE_UNITS, MAX_INSTRUCTIONS

BUDGET_INSTRUCTIONS: Final = 2
"""Instructions that `build_message` puts before the plan's own."""


def budget_instructions(compute_unit_limit: int, compute_unit_price: int) -> tuple[Instruction, ...]:
    """The compute budget: units, and micro-lamports per unit."""
    return set_compute_unit_limit(compute_unit_limit), set_compute_unit_price(compute_unit_price)


def build_message(
    plan: SwapPlan, lifetime: BlockhashLifetime, compute_unit_limit: int, compute_unit_price: int, *, arrangement: int = 0
) -> MessageV0:
    """The plan, with the lookup tables it takes, as a versioned message paid by its user; the price is in micro-lamports per unit.
    Another `arrangement` is the same swap, and another transaction.

    Raises TransactionTooLarge above 1,232 bytes with signatures, 64 accounts, 64 executed instructions or 1.4 million compute
    units.
    """
    budget = budget_instructions(compute_unit_limit, compute_unit_price)
    tables = list(plan.lookup_tables)
    message = MessageV0.try_compile(plan.wallet.user, [*budget, *plan.instructions], tables, lifetime.blockhash)
    message = arranged(message, arrangement)
    looked_up = sum(len(table.writable_indexes) + len(table.readonly_indexes) for table in message.address_table_lookups)
    accounts = len(message.account_keys) + looked_up
    size = len(unsigned_wire(message))
    legs, hops = len(plan.quote.route.legs), len(plan.venues)
    measured = Measured(bytes=size, accounts=accounts, instructions=len(budget) + _executed(plan))
    refusal = too_large(legs, hops, measured, compute_units=compute_unit_limit, tables=len(tables))
    if refusal is not None:
        raise TransactionTooLarge(
            refusal,
            bytes=size,
            accounts=accounts,
            instructions=measured.instructions,
            compute_unit_limit=compute_unit_limit,
            legs=legs,
            hops=hops,
            lookup_tables=[str(table.key) for table in tables],
        )
    return message


def too_large(legs: int, hops: int, measured: Measured, *, compute_units: int, tables: int) -> str | None:
    """Why these numbers do not fit one transaction and what would help, or None."""
    over = []
    if measured.bytes > MAX_TRANSACTION_BYTES:
        over.append(f"{measured.bytes} bytes of {MAX_TRANSACTION_BYTES}")
    if measured.accounts > MAX_TRANSACTION_ACCOUNTS:
        over.append(f"{measured.accounts} accounts of {MAX_TRANSACTION_ACCOUNTS}")
    if measured.instructions > MAX_INSTRUCTIONS:
        over.append(f"{measured.instructions} executed instructions of {MAX_INSTRUCTIONS}")
    if compute_units > MAX_COMPUTE_UNITS:
        over.append(f"{compute_units} compute units of {MAX_COMPUTE_UNITS}")
    if not over:
        return None
    shape = counted(hops, "hop") if legs == 1 else f"{legs} legs and {hops} hops"
    fewer = "fewer hops (--max-hops)" if legs == 1 else "fewer legs or hops (--max-splits, --max-hops)"
    if hops == 1:  # one pool that goes through very many ticks or bins
        fewer = "less at once"
    helped = f", with {counted(tables, 'lookup table')}" if tables else ""
    advice = f"Ask for {fewer}"
    if measured.bytes > MAX_TRANSACTION_BYTES:
        advice += ", or make a lookup table of its pools (dex tables create)"
    return f"the route of {shape} makes a transaction too large{helped}: {', '.join(over)}. {advice}"


def _executed(plan: SwapPlan) -> int:
    """The plan's instructions and at most those they make programs execute."""
    opened = sum(not account.temporary for account in plan.opened)
    return len(plan.instructions) + OPENING_CALLS * opened + sum(swap_calls(venue_id) for venue_id, _ in plan.venues)


def unsigned_wire(message: MessageV0) -> bytes:
    """The transaction's bytes with empty signatures: for its size and for simulation."""
    signatures = [Signature.default()] * message.header.num_required_signatures
    return bytes(VersionedTransaction.populate(message, signatures))


def writable_accounts(message: MessageV0, lookup_tables: Sequence[AddressLookupTableAccount] = ()) -> tuple[Pubkey, ...]:
    """The accounts the message locks for writing, looked-up ones included, which is what block space is bid for."""
    static = [key for index, key in enumerate(message.account_keys) if message.is_maybe_writable(index)]
    addresses = {table.key: table.addresses for table in lookup_tables}
    for lookup in message.address_table_lookups:
        static += [addresses[lookup.account_key][index] for index in lookup.writable_indexes]
    return tuple(static)
