"""How a swap instruction lies in its bytes and accounts, written down once: what builds the bytes also reads them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import NotASwap
from dexroute.fetchers.base import SwapCall
from dexroute.types.requests import SwapMode

_NUMBER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapLayout:
    """One swap instruction of a program: `head`, two u64 (`amount` first, or `limit`), `tail`; then the places of accounts.
    `constants` stand at theirs in every swap that has as many accounts; `most_accounts` is None where arrays follow, as many as a
    swap passes, each an account of the program that names the pool at byte `arrays_name_pool_at`. `limit_slack` as in SwapCall."""

    mode: SwapMode
    head: bytes
    tail: bytes = b""
    limit_first: bool = False
    pool: int
    user: int
    source: int
    destination: int
    accounts: int
    most_accounts: int | None
    constants: Mapping[int, Pubkey] = field(default_factory=dict)
    limit_slack: int = 0
    arrays_name_pool_at: int = 0

    def encoded(self, amount: int, limit: int) -> bytes:
        """The instruction's bytes. Raises OverflowError for numbers that are no u64."""
        numbers = (limit, amount) if self.limit_first else (amount, limit)
        return self.head + b"".join(number.to_bytes(_NUMBER, "little") for number in numbers) + self.tail

    def matches(self, content: bytes, accounts: int) -> bool:
        """Whether these bytes, to the last one, and so many accounts are of this instruction."""
        return (
            len(content) == len(self.head) + 2 * _NUMBER + len(self.tail)
            and content.startswith(self.head)
            and content.endswith(self.tail)
            and self.accounts <= accounts
            and (self.most_accounts is None or accounts <= self.most_accounts)
        )


def read_swap(instruction: Instruction, layouts: Iterable[SwapLayout], *, venue: str, program_id: Pubkey) -> SwapCall:
    """What a swap instruction asks its program for: `Venue.decode_swap` for a venue of these layouts. Raises NotASwap."""

    def unreadable(field: str, why: str, **facts: Any) -> NotASwap:
        return NotASwap(
            f"{venue}: {why}, so it is no swap this dexroute builds; build the swap with the venue's pool, do not sign this one",
            venue=venue,
            field=field,
            **facts,
        )

    if instruction.program_id != program_id:
        raise unreadable("program", f"the instruction is for program {instruction.program_id}", program=str(instruction.program_id))
    content, keys = bytes(instruction.data), [meta.pubkey for meta in instruction.accounts]
    layout = next((one for one in layouts if one.matches(content, len(keys))), None)
    if layout is None:
        raise unreadable("data", f"{len(content)} bytes of instruction data with {len(keys)} accounts", data=content[:64].hex())
    for place, constant in layout.constants.items():
        if place < len(keys) and keys[place] != constant:
            raise unreadable("accounts", f"account {place} is {keys[place]} and must be {constant}", account=str(keys[place]))
    user, source, destination, pool = (keys[at] for at in (layout.user, layout.source, layout.destination, layout.pool))
    for key in (user, source, destination):
        if keys.count(key) != 1:
            raise unreadable("accounts", f"the user's account {key} is named {keys.count(key)} times", account=str(key))
    body = content[len(layout.head) :]
    first, second = (int.from_bytes(body[at : at + _NUMBER], "little") for at in (0, _NUMBER))
    amount, limit = (second, first) if layout.limit_first else (first, second)
    if amount == 0:
        raise unreadable("amount", "it swaps nothing")
    return SwapCall(
        pool=pool,
        user=user,
        source=source,
        destination=destination,
        mode=layout.mode,
        amount=amount,
        limit=limit,
        limit_slack=layout.limit_slack,
        arrays=tuple(keys[layout.accounts :]) if layout.most_accounts is None else (),
        arrays_name_pool_at=layout.arrays_name_pool_at,
    )
