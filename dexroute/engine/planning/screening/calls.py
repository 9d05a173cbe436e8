"""A message as the calls it makes, every account index resolved, through lookup tables too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning.lookup_tables import decode_lookup_table
from dexroute.engine.planning.screening.policy import refused
from dexroute.errors import LookupTableUnusable
from dexroute.types.accounts import AccountData


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One instruction. `index` is its place in the message."""

    index: int
    program: Pubkey
    accounts: tuple[Pubkey, ...]
    data: bytes


def named_accounts(message: MessageV0, tables: Mapping[Pubkey, Sequence[Pubkey]]) -> tuple[Pubkey, ...]:
    """Every account of a message in the order of its indexes: its own keys, then those looked up to write, then those to read.

    Raises PolicyRefused for a table whose addresses are not given, or an index beyond them.
    """
    keys = list(message.account_keys)
    for lookup in message.address_table_lookups:
        if lookup.account_key not in tables:
            raise refused(
                "lookup-table", f"nobody showed what lookup table {lookup.account_key} holds", table=str(lookup.account_key)
            )
    for indexes_of in ("writable_indexes", "readonly_indexes"):
        for lookup in message.address_table_lookups:
            addresses = tables[lookup.account_key]
            for index in getattr(lookup, indexes_of):
                if index >= len(addresses):
                    raise refused(
                        "lookup-table",
                        f"it looks up address {index} in table {lookup.account_key}, which holds {len(addresses)}",
                        table=str(lookup.account_key),
                    )
                keys.append(addresses[index])
    return tuple(keys)


def tables_in(message: MessageV0, accounts: Mapping[Pubkey, AccountData | None]) -> dict[Pubkey, tuple[Pubkey, ...]]:
    """What the message's lookup tables hold, as these accounts show them. Raises PolicyRefused for one that is none."""
    try:
        return {
            lookup.account_key: decode_lookup_table(lookup.account_key, accounts.get(lookup.account_key), 0).addresses
            for lookup in message.address_table_lookups
        }
    except LookupTableUnusable as error:
        raise refused("lookup-table", error.message) from None


def calls_of(message: MessageV0, keys: Sequence[Pubkey]) -> tuple[Call, ...]:
    """The calls in order. Raises PolicyRefused for an index that names no account."""
    calls = []
    for place, instruction in enumerate(message.instructions):
        indexes = [instruction.program_id_index, *instruction.accounts]
        if max(indexes) >= len(keys):
            raise refused("malformed", f"instruction {place} names account {max(indexes)} of {len(keys)}", instruction=place)
        program, *accounts = (keys[index] for index in indexes)
        calls.append(Call(index=place, program=program, accounts=tuple(accounts), data=bytes(instruction.data)))
    return tuple(calls)
