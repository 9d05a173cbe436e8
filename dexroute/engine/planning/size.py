"""How large a transaction is, without making it: exact arithmetic over what its instructions name.

The wire format is a signature count and signatures, then the message: version, header, static keys, blockhash, instructions, and
table lookups, with compact-u16 lengths (solana-sdk, message/src/versions/v0). Which keys a table replaces follows
`MessageV0.try_compile`: tables in order, never a signer or an invoked program. A test holds this equal to the real thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey

MAX_TRANSACTION_BYTES: Final = 1_232
MAX_TRANSACTION_ACCOUNTS: Final = 64
_KEY: Final = 32
# One signature with its count; version, header and blockhash.
_FIXED_BYTES: Final = (1 + 64) + 1 + 3 + 32


@dataclass(frozen=True, slots=True)
class UsableTable:
    """A table as a message takes it, and its addresses for looking up."""

    account: AddressLookupTableAccount
    keys: frozenset[Pubkey]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an instruction adds to a message: its own bytes, the program it invokes, and the accounts it names; and how many more
    instructions it makes programs execute, in about how many compute units; `sure` is False where the program would refuse it and
    the units are a guess."""

    encoded: int
    program: Pubkey
    writable: frozenset[Pubkey]
    named: frozenset[Pubkey]
    calls: int = 0
    units: int = 0
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """`bytes` on the wire with one signature; `accounts` locked, looked-up ones included; `instructions` executed, those that
    programs call included."""

    bytes: int
    accounts: int
    instructions: int


def shape_of(instruction: Instruction, calls: int = 0, units: int = 0, *, sure: bool = True) -> Shape:
    metas = instruction.accounts
    data = len(instruction.data)
    return Shape(
        encoded=1 + _compact(len(metas)) + len(metas) + _compact(data) + data,
        program=instruction.program_id,
        writable=frozenset(meta.pubkey for meta in metas if meta.is_writable),
        named=frozenset(meta.pubkey for meta in metas),
        calls=calls,
        units=units,
        sure=sure,
    )


def measure(shapes: Sequence[Shape], payer: Pubkey, tables: Iterable[UsableTable]) -> Measured:
    """The transaction of these instructions, signed by `payer` alone."""
    fixed = {payer, *(shape.program for shape in shapes)}
    named = frozenset().union(*(shape.named for shape in shapes)) - fixed
    keys = len(fixed) + len(named)
    total = _FIXED_BYTES + _compact(len(shapes)) + sum(shape.encoded for shape in shapes)
    lookups = looked_up = 0
    writable: frozenset[Pubkey] | None = None
    for table in tables:
        found = named & table.keys
        if found:
            if writable is None:
                writable = frozenset().union(*(shape.writable for shape in shapes))
            written = len(found & writable)
            total += _KEY + _compact(written) + _compact(len(found) - written) + len(found)
            lookups += 1
            looked_up += len(found)
            named -= found
    static = keys - looked_up
    return Measured(
        bytes=total + _compact(static) + _KEY * static + _compact(lookups),
        accounts=keys,
        instructions=len(shapes) + sum(shape.calls for shape in shapes),
    )


def _compact(length: int) -> int:
    """Bytes of a compact-u16."""
    return 1 if length < 0x80 else 2 if length < 0x4000 else 3
