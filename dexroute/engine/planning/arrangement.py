"""Equal messages made different transactions at no price: the order in which a message lists its accounts means nothing.

The first account pays. After it stand, in this order, the writable and the read-only ones of the message itself, and those each
lookup table adds, writable and read-only; instructions name all of them by their place (solana-sdk, message/src/versions/v0).
Within each of these groups any order is the same transaction to the cluster, and another signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod
from typing import TypeVar

from solders.instruction import CompiledInstruction
from solders.message import MessageAddressTableLookup, MessageV0

T = TypeVar("T")


def arranged(message: MessageV0, arrangement: int) -> MessageV0:
    """The same message, signed by its payer alone, with its accounts in the order of this number. Numbers that differ modulo
    `arrangements` are different messages; 0 changes nothing."""
    places = _groups(message)
    for group in places:
        arrangement, chosen = divmod(arrangement, factorial(len(group)))
        group[:] = _permutation(group, chosen)
    before = [0, *(place for group in places for place in group)]
    after = {old: new for new, old in enumerate(before)}
    keys = [message.account_keys[place] for place in before[: len(message.account_keys)]]
    calls = [
        CompiledInstruction(after[call.program_id_index], bytes(call.data), bytes(after[place] for place in bytes(call.accounts)))
        for call in message.instructions
    ]
    return MessageV0(message.header, keys, message.recent_blockhash, calls, _lookups(message, places[2:]))


def arrangements(message: MessageV0) -> int:
    """How many messages `arranged` makes of one."""
    return prod(factorial(len(group)) for group in _groups(message))


def _groups(message: MessageV0) -> list[list[int]]:
    """Places of accounts that may change them among each other: writable, read-only, and of all tables writable, then read-only."""
    static = len(message.account_keys)
    lookups = message.address_table_lookups
    readonly = static - message.header.num_readonly_unsigned_accounts
    ends = [readonly, static]
    for count in [*(len(one.writable_indexes) for one in lookups), *(len(one.readonly_indexes) for one in lookups)]:
        ends.append(ends[-1] + count)
    return [list(range(start, end)) for start, end in zip([1, *ends], ends, strict=False)]


def _lookups(message: MessageV0, places: Sequence[Sequence[int]]) -> list[MessageAddressTableLookup]:
    tables = message.address_table_lookups
    indexes = [
        bytes(indexes[place - min(group)] for place in group)
        for group, indexes in zip(
            places,
            [*(bytes(one.writable_indexes) for one in tables), *(bytes(one.readonly_indexes) for one in tables)],
            strict=True,
        )
    ]
    writable, readonly = indexes[: len(tables)], indexes[len(tables) :]
    return [MessageAddressTableLookup(one.account_key, w, r) for one, w, r in zip(tables, writable, readonly, strict=True)]


def _permutation(items: Sequence[T], number: int) -> list[T]:
    """By its number in the factorial number system, below the factorial of their count."""
    left, found = list(items), []
    for count in range(len(left), 0, -1):
        place, number = divmod(number, factorial(count - 1))
        found.append(left.pop(place))
    return found
