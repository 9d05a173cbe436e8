"""`Dex.tables`: making, growing and closing address lookup tables, each step a real transaction of the wallet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.engine.planning.lookup_tables import (
    META_LENGTH,
    blocks_until_closable,
    decode_lookup_table,
    require_usable,
)
from dexroute.engine.planning.screening import TableBounds
from dexroute.engine.planning.table_instructions import (
    close_table,
    create_table,
    deactivate_table,
    extend_table,
)
from dexroute.errors import (
    AttemptExpired,
    LandedWithError,
    LookupTableUnusable,
    PolicyRefused,
    SimulationFailed,
    StaleData,
    UsageError,
)
from dexroute.fetchers.base import Pool
from dexroute.fetchers.clock import SLOT_HASHES_ID
from dexroute.ports import AccountReader, Clock, Notes, TableMemory, TransactionSender
from dexroute.sdk.own_transactions import OwnTransactions
from dexroute.sdk.table_change import TableChange, TableState, accounts_of, batches, creation_note, creation_noted, require_room
from dexroute.sdk.table_shelf import TableShelf
from dexroute.types.chain import Commitment
from dexroute.types.lookup_tables import LookupTable, RememberedTable

_TABLES_AT_ONCE: Final = 99
_WARM_POLLS: Final = 50
_WARM_POLL_MS: Final = 200


class LookupTables:
    """The tables of one wallet on one cluster, as `memory` and the settings know them."""

    def __init__(
        self,
        *,
        reader: AccountReader,
        sender: TransactionSender,
        transactions: OwnTransactions,
        memory: TableMemory,
        notes: Notes,
        shelf: TableShelf,
        named: Sequence[Pubkey],
        genesis_hash: str,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._sender = sender
        self._transactions = transactions
        self._memory = memory
        self._notes = notes
        self._shelf = shelf
        self._named = tuple(named)
        self._genesis_hash = genesis_hash
        self._clock = clock

    async def list(self) -> tuple[TableState, ...]:
        """Every known table as it is now. Raises NetworkError."""
        remembered = {table.address: table for table in await self._memory.remembered_tables(self._genesis_hash)}
        addresses = list(dict.fromkeys([*self._named, *remembered]))[:_TABLES_AT_ONCE]
        if not addresses:
            return ()
        read = await self._reader.get_accounts([*addresses, SLOT_HASHES_ID])
        states = []
        for address in addresses:
            known = remembered.get(address)
            source = "settings" if known is None else "own" if known.authority else "added"
            state, table = "active", None
            try:
                table = decode_lookup_table(address, read.accounts[address], read.slot)
                require_usable(table)
            except LookupTableUnusable as error:
                state = error.context["reason"]
            if table and table.deactivation_slot is not None and not blocks_until_closable(table, read.accounts[SLOT_HASHES_ID]):
                state = "closable"
            authority = table.authority if table else known.authority if known else None
            states.append(TableState(address=address, source=source, state=state, table=table, authority=authority, slot=read.slot))
        return tuple(states)

    async def creating(self, authority: Pubkey, pools: Iterable[Pool]) -> TableChange:
        """A new table with the accounts of these pools; or what is left of making that very one, where an earlier call was cut
        short. Raises UsageError when they are none or too many for one table, or when a known usable table holds all of them
        already; OutcomeUnknown."""
        addresses = accounts_of(pools)
        require_room(addresses, 0)
        if isinstance(noted := await self._unfinished(authority, addresses), TableChange):
            return noted
        for state in await self.list():
            if state.table and state.state == "active" and set(addresses) <= set(state.table.addresses):
                raise UsageError(
                    f"lookup table {state.address} holds all accounts of these pools already; another one would do no more, and "
                    "nothing was sent",
                    table=str(state.address),
                )
        _, slot = await self._sender.block_height(Commitment.FINALIZED)
        create, table = create_table(authority, slot)
        first, *rest = batches(addresses)
        return TableChange(
            what="create",
            table=table,
            added=addresses,
            transactions=(
                (create, extend_table(table, authority, first)),
                *((extend_table(table, authority, batch),) for batch in rest),
            ),
            rent_lamports=await self._sender.rent_exemption(META_LENGTH + 32 * len(addresses)),
            noted=noted,
        )

    async def extending(self, authority: Pubkey, address: Pubkey, pools: Iterable[Pool]) -> TableChange:
        """The accounts of these pools the table does not hold yet. Raises LookupTableUnusable, UsageError (another's table,
        nothing to add, no room)."""
        table = await self._changeable(authority, address)
        if table.deactivation_slot is not None:
            require_usable(table)
        added = tuple(key for key in accounts_of(pools) if key not in table.addresses)
        if not added:
            raise UsageError(f"lookup table {address} holds all accounts of these pools already", table=str(address))
        require_room(added, len(table.addresses))
        rent = await self._sender.rent_exemption(META_LENGTH + 32 * (len(table.addresses) + len(added)))
        return TableChange(
            what="extend",
            table=address,
            added=added,
            transactions=tuple((extend_table(address, authority, batch),) for batch in batches(added)),
            rent_lamports=max(rent - table.lamports, 0),
        )

    async def deactivating(self, authority: Pubkey, address: Pubkey) -> TableChange:
        """Raises LookupTableUnusable, UsageError."""
        table = await self._changeable(authority, address)
        if table.deactivation_slot is not None:
            raise UsageError(f"lookup table {address} is deactivated already, since slot {table.deactivation_slot}")
        transactions = ((deactivate_table(address, authority),),)
        return TableChange(what="deactivate", table=address, added=(), transactions=transactions, rent_lamports=0)

    async def closing(self, authority: Pubkey, address: Pubkey) -> TableChange:
        """Raises LookupTableUnusable, UsageError (not deactivated, or not long enough)."""
        table = await self._changeable(authority, address)
        if table.deactivation_slot is None:
            raise UsageError(f"lookup table {address} is active; deactivate it first: `dex tables deactivate {address}`")
        left = blocks_until_closable(table, (await self._reader.get_accounts([SLOT_HASHES_ID])).accounts[SLOT_HASHES_ID])
        if left:
            raise UsageError(
                f"lookup table {address} was deactivated at slot {table.deactivation_slot} and can be closed in {left} blocks "
                f"(about {left * 2 // 5} s)",
                table=str(address),
                blocks=left,
            )
        transactions = ((close_table(address, authority),),)
        return TableChange(what="close", table=address, added=(), transactions=transactions, rent_lamports=-table.lamports)

    async def carry_out(self, change: TableChange, authority: Pubkey) -> tuple[Signature, ...]:
        """Sign, send and wait for each transaction of the change. A new table is remembered before it is made, so that no crash can
        lose its rent. Raises what `OwnTransactions.land` does, and StaleData where another process began a table since; what landed
        before stays."""
        bounds = TableBounds(
            wallet=authority,
            verb="extend" if change.what == "finish" else change.what,
            table=change.table,
            addresses=frozenset(change.added),
            max_rent_lamports=change.rent_lamports,
        )
        noted = change.noted
        if change.what == "create":
            noted = creation_note(change.table, change.added)
            if not await self._notes.replace_note(self._creation(authority), change.noted, noted):
                raise StaleData(
                    f"another process began a lookup table of {authority} meanwhile; nothing was sent by this one, try again"
                )
            await self._remember(change.table, authority)
        signatures: list[Signature] = []
        for instructions in change.transactions:
            try:
                signature, _ = await self._transactions.land(instructions, bounds)
            except (PolicyRefused, SimulationFailed, LandedWithError, AttemptExpired):
                if change.what == "create" and not signatures:  # proven: there will be no such table
                    await self._abandon(change.table, authority, noted)
                raise
            signatures.append(signature)
        if change.what in ("create", "finish"):
            await self._notes.replace_note(self._creation(authority), noted, "")
        if change.what == "extend" and change.table not in self._named and not await self._is_known(change.table):
            await self._remember(change.table, authority)
        if change.what == "close":
            await self._memory.forget_table(self._genesis_hash, change.table)
            self._shelf.remove(change.table)
        else:
            self._shelf.renew(change.table)
        if change.added or change.what == "finish":
            await self._until_warm(change.table)
        return tuple(signatures)

    async def add(self, address: Pubkey) -> LookupTable:
        """Remember somebody's table for routes on this cluster. Raises LookupTableUnusable when no message may name it."""
        table = require_usable(await self._table(address))
        if not await self._is_known(address):
            await self._remember(address, None)
        self._shelf.renew(address)
        return table

    async def forget(self, address: Pubkey) -> None:
        """Use it no more. On chain it stays as it is. Raises UsageError for one that is not known, or that the settings name."""
        if address in self._named:
            raise UsageError(
                f"lookup table {address} is named in the settings (lookup_tables); take it out there", table=str(address)
            )
        if not await self._is_known(address):
            raise UsageError(f"no lookup table {address} is known for this cluster; see `dex tables list`", table=str(address))
        await self._memory.forget_table(self._genesis_hash, address)
        self._shelf.remove(address)

    async def _unfinished(self, authority: Pubkey, addresses: tuple[Pubkey, ...]) -> TableChange | str | None:
        """What is left of a creation with exactly these addresses that was cut short; else what the journal says of creations.
        Where its table was provably never made, that is forgotten."""
        noted = await self._notes.noted(self._creation(authority))
        if not noted:
            return noted
        address, wanted = creation_noted(noted)
        if wanted != addresses:
            return noted
        reached = await self._transactions.settle()
        try:
            table = await self._table(address, reached)
        except LookupTableUnusable as error:
            if error.context["reason"] != "missing":
                raise
            await self._abandon(address, authority, noted)
            return ""
        if table.authority != authority or table.deactivation_slot is not None or table.addresses != wanted[: len(table.addresses)]:
            return noted  # somebody went on with it in another way
        left = wanted[len(table.addresses) :]
        rent = await self._sender.rent_exemption(META_LENGTH + 32 * len(wanted))
        return TableChange(
            what="finish",
            table=address,
            added=left,
            transactions=tuple((extend_table(address, authority, batch),) for batch in batches(left)),
            rent_lamports=max(rent - table.lamports, 0),
            noted=noted,
        )

    async def _abandon(self, address: Pubkey, authority: Pubkey, noted: str | None) -> None:
        await self._memory.forget_table(self._genesis_hash, address)
        await self._notes.replace_note(self._creation(authority), noted, "")

    def _creation(self, authority: Pubkey) -> str:
        return f"table-creation:{self._genesis_hash}:{authority}"

    async def _until_warm(self, address: Pubkey) -> None:
        """Wait for the slot after the one that added addresses, so that whoever made a table can use it at once."""
        for _ in range(_WARM_POLLS):
            table = await self._table(address)
            if table.slot > table.last_extended_slot:
                return
            await self._clock.sleep_ms(_WARM_POLL_MS)

    async def _is_known(self, address: Pubkey) -> bool:
        return any(one.address == address for one in await self._memory.remembered_tables(self._genesis_hash))

    async def _remember(self, address: Pubkey, authority: Pubkey | None) -> None:
        now_ms = self._clock.now_ms()
        await self._memory.remember_table(
            RememberedTable(genesis_hash=self._genesis_hash, address=address, authority=authority, added_ms=now_ms)
        )

    async def _table(self, address: Pubkey, reached: int | None = None) -> LookupTable:
        read = await self._reader.get_accounts([address], min_context_slot=reached)
        return decode_lookup_table(address, read.accounts[address], read.slot)

    async def _changeable(self, authority: Pubkey, address: Pubkey) -> LookupTable:
        table = await self._table(address, await self._transactions.settle())
        if table.authority != authority:
            whose = f"belongs to {table.authority}" if table.authority else "is frozen for ever"
            raise UsageError(f"lookup table {address} {whose}, and this wallet is {authority}", table=str(address))
        return table
