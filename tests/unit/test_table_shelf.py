"""Which lookup tables a `Dex` takes into account, and in which order: what the router is told must be what a message then takes."""

from __future__ import annotations

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.pubkey import Pubkey

from dexroute.sdk.table_shelf import MOST_TABLES, TableShelf
from dexroute.types.accounts import AccountData
from tests.engine.svm_cluster import table_bytes

NAMED, OLD, NEW = (Pubkey(bytes([number]) * 32) for number in (1, 2, 3))


def read(*tables: Pubkey) -> dict[Pubkey, AccountData | None]:
    content = table_bytes([Pubkey(bytes([9]) * 32)])
    return {table: AccountData(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=1, data=content) for table in tables}


def usable(shelf: TableShelf) -> list[Pubkey]:
    return [table.account.key for table in shelf.usable()]


def test_tables_are_offered_in_the_order_a_message_chooses_from() -> None:
    shelf = TableShelf([NAMED])
    shelf.add([OLD])
    shelf.learn(read(OLD), 100)
    shelf.learn(read(NAMED), 100)
    assert list(shelf.addresses) == usable(shelf) == [NAMED, OLD]
    shelf.renew(NEW)
    assert list(shelf.addresses) == [NAMED, NEW, OLD] and shelf.unread == (NEW,) and usable(shelf) == [NAMED, OLD]
    shelf.learn(read(NEW), 100)
    assert usable(shelf) == [NAMED, NEW, OLD]
    shelf.renew(NAMED)
    assert list(shelf.addresses) == [NAMED, NEW, OLD] and usable(shelf) == [NEW, OLD]


def test_a_table_that_was_closed_or_forgotten_is_offered_no_more() -> None:
    shelf = TableShelf([NAMED])
    shelf.add([OLD])
    shelf.learn(read(NAMED, OLD), 100)
    shelf.remove(OLD)
    assert usable(shelf) == [NAMED] == list(shelf.addresses)
    shelf.learn(read(OLD), 100)
    assert usable(shelf) == [NAMED]
    shelf.remove(NAMED)
    assert usable(shelf) == []


def test_more_tables_than_are_read_are_told_of() -> None:
    shelf = TableShelf([NAMED])
    others = [Pubkey.new_unique() for _ in range(MOST_TABLES)]
    shelf.add(others)
    assert len(shelf.addresses) == MOST_TABLES and others[-1] not in shelf.addresses
    assert "1 lookup table beyond the first 16" in shelf.notes[0]
    shelf.renew(NEW)
    assert NEW in shelf.addresses and "2 lookup tables beyond the first 16" in shelf.notes[0]
    shelf.learn(read(*others, NEW), 100)
    assert len(usable(shelf)) == MOST_TABLES - 1
    for known in (*others, NEW):
        shelf.remove(known)
    assert shelf.notes == () and shelf.addresses == (NAMED,)
