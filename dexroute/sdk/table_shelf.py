"""The lookup tables one `Dex` knows of, and what is in them as far as they were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.lookup_tables import as_tables, decode_lookup_table, require_usable
from dexroute.engine.planning.room import OneTransaction
from dexroute.engine.planning.size import UsableTable
from dexroute.engine.planning.tip import TIP_ACCOUNTS, Tip
from dexroute.engine.routing import RouteOptions
from dexroute.errors import LookupTableUnusable
from dexroute.types.accounts import AccountData
from dexroute.types.counts import counted
from dexroute.types.lookup_tables import LookupTable
from dexroute.types.requests import QuoteRequest

MOST_TABLES: Final = 16
"""Read for a route: more would cost more to read and to choose among than they save."""


class TableShelf:
    """Named in the settings first, then remembered ones, the latest first. A table is read once for quotes (it can only grow, or
    die), and again for every quote that is to be signed."""

    def __init__(self, named: Iterable[Pubkey]) -> None:
        self._named = tuple(dict.fromkeys(named))
        self._addresses = list(self._named)
        self._read: dict[Pubkey, LookupTable | None] = {}
        self._unusable: dict[Pubkey, str] = {}

    @property
    def addresses(self) -> tuple[Pubkey, ...]:
        return tuple(self._addresses[:MOST_TABLES])

    @property
    def unread(self) -> tuple[Pubkey, ...]:
        """What the next quote is to read along if it is not to be signed."""
        return tuple(address for address in self.addresses if address not in self._read)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with tables that cannot be used, and how many are not looked at."""
        said = [f"not used: {said}" for said in self._unusable.values()]
        if (beyond := len(self._addresses) - MOST_TABLES) > 0:
            said.append(f"not looked at: {counted(beyond, 'lookup table')} beyond the first {MOST_TABLES}; see `dex tables forget`")
        return tuple(said)

    def add(self, addresses: Iterable[Pubkey]) -> None:
        self._addresses = list(dict.fromkeys([*self._addresses, *addresses]))

    def renew(self, address: Pubkey) -> None:
        """Read it again: it was changed. One that was not known is the latest."""
        self._read.pop(address, None)
        if address not in self._addresses:
            latest = sum(known in self._named for known in self._addresses)
            self._addresses.insert(latest, address)

    def remove(self, address: Pubkey) -> None:
        self._addresses = [known for known in self._addresses if known != address]
        self._read.pop(address, None)
        self._unusable.pop(address, None)

    def learn(self, accounts: Mapping[Pubkey, AccountData | None], slot: int) -> None:
        """Take in what was read at `slot`. What is still warming up, or not there yet, is read again next time."""
        for address in self.addresses:
            if address not in accounts:
                continue
            self._unusable.pop(address, None)
            self._read.pop(address, None)
            try:
                table = require_usable(decode_lookup_table(address, accounts[address], slot))
            except LookupTableUnusable as error:
                self._unusable[address] = error.message
                if error.context["reason"] in ("owner", "malformed", "deactivated"):
                    self._read[address] = None
                continue
            if table.slot > table.last_extended_slot:
                self._read[address] = table

    def room(
        self,
        request: QuoteRequest,
        options: RouteOptions,
        wallet: Pubkey | None,
        held: Collection[Pubkey],
        units: Mapping[Pubkey, int] | None,
        tip: Tip | None = None,
    ) -> OneTransaction:
        """What one transaction of this wallet can hold with these tables; `held` are the mints it has accounts of."""
        return OneTransaction(
            request,
            user=wallet,
            held=held,
            tables=self.usable(),
            units=units,
            max_accounts=options.max_accounts,
            tip=tip,
        )

    def usable(self) -> tuple[UsableTable, ...]:
        """What a message may take, as read so far, in the order in which it is chosen from when the message is built."""
        read = (self._read.get(address) for address in self.addresses)
        return as_tables([table for table in read if table is not None], TIP_ACCOUNTS)
