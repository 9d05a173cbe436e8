"""What may be done to a lookup table, and what is known of one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.engine.planning.lookup_tables import MOST_ADDRESSES
from dexroute.engine.planning.screening import TableVerb
from dexroute.engine.planning.table_instructions import MOST_ADDED, swap_accounts
from dexroute.errors import DatabaseError, UsageError
from dexroute.fetchers.base import Pool
from dexroute.types.lookup_tables import LookupTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """A known table and what is on chain. `state`: active, warming_up, empty, deactivated, closable, missing, owner or malformed.
    `source`: own (made here), added, or settings. `table` is None where the account is no table."""

    address: Pubkey
    source: str
    state: str
    table: LookupTable | None
    authority: Pubkey | None
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """What is about to be signed: `what` it does to `table`, one transaction after the other, and what rent it locks (negative:
    gets back). Network fees come on top. "finish" goes on with a creation that was cut short; it may have nothing left to sign.
    `noted` is what the journal said of this wallet's creations when a creation was decided on: it must still say that."""

    what: TableVerb | Literal["finish"]
    table: Pubkey
    added: tuple[Pubkey, ...]
    transactions: tuple[tuple[Instruction, ...], ...]
    rent_lamports: int
    noted: str | None = None


def creation_note(table: Pubkey, added: Sequence[Pubkey]) -> str:
    """What the journal keeps of a creation until it is whole: the table, and all it is to hold, in order."""
    return json.dumps({"table": str(table), "added": [str(key) for key in added]})


def creation_noted(noted: str) -> tuple[Pubkey, tuple[Pubkey, ...]]:
    """What `creation_note` noted. Raises DatabaseError for a note that is damaged."""
    try:
        facts = json.loads(noted)
        return Pubkey.from_string(facts["table"]), tuple(map(Pubkey.from_string, facts["added"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DatabaseError(f"the journal's note of a lookup table being made is damaged ({error}); restore a backup") from None


def accounts_of(pools: Iterable[Pool]) -> tuple[Pubkey, ...]:
    """What a table for swaps of these pools holds, each address once."""
    return tuple(dict.fromkeys(key for pool in pools for key in swap_accounts(pool)))


def require_room(added: Sequence[Pubkey], held: int) -> None:
    """Raises UsageError where there is nothing to add to a table that holds so many, or too much."""
    if not added:
        raise UsageError("name the pools whose accounts the table is to hold (--pool, --pair)")
    if held == MOST_ADDRESSES:
        raise UsageError(f"the table is full: it holds {held} addresses; make another with `dex tables create`", needed=len(added))
    if held + len(added) > MOST_ADDRESSES:
        raise UsageError(
            f"these pools need {len(added)} addresses and the table has room for {MOST_ADDRESSES - held}; name fewer pools",
            needed=len(added),
        )


def batches(addresses: Sequence[Pubkey]) -> list[Sequence[Pubkey]]:
    """As many at once as a transaction takes."""
    return [addresses[start : start + MOST_ADDED] for start in range(0, len(addresses), MOST_ADDED)]
