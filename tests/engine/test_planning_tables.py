"""Lookup tables in messages: decoded from untrusted bytes, taken only where they help, and what a transaction then measures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning.lookup_tables import as_tables, choose_tables, decode_lookup_table, require_usable
from dexroute.engine.planning.message import unsigned_wire
from dexroute.engine.planning.size import MAX_TRANSACTION_BYTES, UsableTable, measure, shape_of
from dexroute.errors import LookupTableUnusable
from dexroute.types.accounts import AccountData
from dexroute.types.lookup_tables import LookupTable
from tests.engine.svm_cluster import table_bytes

TABLE = Pubkey.new_unique()
KEYS = [Pubkey.new_unique() for _ in range(40)]
PAYER = KEYS[0]


def account(data: bytes, owner: Pubkey = LOOKUP_TABLE_PROGRAM_ID) -> AccountData:
    return AccountData(owner=owner, lamports=1, data=data)


def table_of(addresses: Sequence[Pubkey], own: frozenset[Pubkey] = frozenset()) -> UsableTable:
    (table,) = as_tables([decode_lookup_table(Pubkey.new_unique(), account(table_bytes(addresses)), 9)], own)
    return table


def test_a_table_is_read_to_the_last_field() -> None:
    data = table_bytes(KEYS[:5], extended_at=77, start=3)
    table = decode_lookup_table(TABLE, account(data), 78)
    assert (table.addresses, table.authority) == (tuple(KEYS[:5]), Pubkey(bytes([7]) * 32))
    assert (table.last_extended_slot, table.last_extended_start, table.deactivation_slot) == (77, 3, None)
    assert require_usable(table).usable == tuple(KEYS[:5])
    frozen = bytearray(data)
    frozen[21] = 0
    assert decode_lookup_table(TABLE, account(bytes(frozen)), 78).authority is None


def test_addresses_serve_from_the_slot_after_they_were_added() -> None:
    data = table_bytes(KEYS[:5], extended_at=77, start=3)
    for slot in (76, 77):
        assert require_usable(decode_lookup_table(TABLE, account(data), slot)).usable == tuple(KEYS[:3])
    new = decode_lookup_table(TABLE, account(table_bytes(KEYS[:5], extended_at=77)), 77)
    with pytest.raises(LookupTableUnusable, match="in this very slot") as caught:
        require_usable(new)
    assert (caught.value.context["reason"], caught.value.exit_code) == ("warming_up", 4)
    assert as_tables([new], frozenset()) == ()


def test_a_deactivated_table_is_never_taken() -> None:
    table = decode_lookup_table(TABLE, account(table_bytes(KEYS[:5], deactivated_at=70)), 78)
    assert table.deactivation_slot == 70
    with pytest.raises(LookupTableUnusable, match="deactivated at slot 70"):
        require_usable(table)
    assert as_tables([table], frozenset()) == ()
    with pytest.raises(LookupTableUnusable, match="no address yet"):
        require_usable(decode_lookup_table(TABLE, account(table_bytes([])), 78))


GOOD = table_bytes(KEYS[:2])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "missing"),
        (account(GOOD, Pubkey.new_unique()), "owner"),
        (account(b""), "malformed"),
        (account(GOOD[:55]), "malformed"),
        (account(bytes(4) + GOOD[4:]), "malformed"),
        (account(b"\x02" + GOOD[1:]), "malformed"),
        (account(GOOD[:-1]), "malformed"),
        (account(GOOD[:21] + b"\x02" + GOOD[22:]), "malformed"),
        (account(GOOD[:56] + bytes(32 * 257)), "malformed"),
    ],
)
def test_bytes_that_are_no_table_are_refused_by_name(found: AccountData | None, reason: str) -> None:
    with pytest.raises(LookupTableUnusable) as caught:
        decode_lookup_table(TABLE, found, 5)
    assert caught.value.context == {"table": str(TABLE), "reason": reason, "slot": "5"}
    assert str(TABLE) in caught.value.message


metas = st.lists(st.tuples(st.integers(0, 39), st.booleans()), max_size=30)
instructions = st.lists(st.tuples(st.integers(30, 39), metas, st.integers(0, 200)), min_size=1, max_size=6)


def built(parts: list[tuple[int, list[tuple[int, bool]], int]]) -> list[Instruction]:
    return [
        Instruction(KEYS[program], bytes(size), [AccountMeta(KEYS[key], key == 0, writable) for key, writable in named])
        for program, named, size in parts
    ]


def real_size(parts: Sequence[Instruction], tables: Sequence[UsableTable]) -> tuple[int, int]:
    message = MessageV0.try_compile(PAYER, list(parts), [table.account for table in tables], Hash(bytes([255]) * 32))
    found = sum(len(lookup.writable_indexes) + len(lookup.readonly_indexes) for lookup in message.address_table_lookups)
    return len(unsigned_wire(message)), len(message.account_keys) + found


@given(parts=instructions, tabled=st.lists(st.lists(st.integers(0, 39), min_size=1, max_size=30), max_size=3))
def test_the_arithmetic_is_the_compilers(parts: list[tuple[int, list[tuple[int, bool]], int]], tabled: list[list[int]]) -> None:
    made = built(parts)
    tables = [table_of([KEYS[index] for index in indexes]) for indexes in tabled]
    measured = measure([shape_of(one) for one in made], PAYER, tables)
    assert (measured.bytes, measured.accounts) == real_size(made, tables)


def wide(count: int) -> list[Instruction]:
    return [Instruction(KEYS[39], b"", [AccountMeta(key, False, False) for key in WIDE[:count]])]


WIDE = [Pubkey.new_unique() for _ in range(60)]


def test_no_table_is_taken_where_the_message_fits_without() -> None:
    shapes = [shape_of(one) for one in wide(10)]
    chosen, measured = choose_tables(shapes, PAYER, [table_of(WIDE)])
    assert chosen == () and measured.bytes <= MAX_TRANSACTION_BYTES


def test_the_tables_that_help_most_are_taken_and_no_more() -> None:
    shapes = [shape_of(one) for one in wide(60)]
    small, large, useless, one = table_of(WIDE[:9]), table_of(WIDE[5:40]), table_of(KEYS), table_of(WIDE[50:51])
    chosen, measured = choose_tables(shapes, PAYER, [useless, small, one, large])
    assert chosen == (large,) and measured.bytes <= MAX_TRANSACTION_BYTES
    chosen, measured = choose_tables(shapes, PAYER, [useless, small, one])
    assert chosen == (small,), "one address costs more in a table than it saves"
    assert measured.bytes > MAX_TRANSACTION_BYTES


def test_the_wallets_own_accounts_are_always_in_the_message_itself() -> None:
    """A node could lie about a table's content: where the money goes must not depend on it."""
    own = frozenset(WIDE[:2])
    table = table_of(WIDE, own)
    parts = wide(60)
    chosen, _ = choose_tables([shape_of(one) for one in parts], PAYER, [table])
    message = MessageV0.try_compile(PAYER, parts, [one.account for one in chosen], Hash.default())
    assert own <= set(message.account_keys)
    (lookup,) = message.address_table_lookups
    assert [table.account.addresses[index] for index in lookup.readonly_indexes] == WIDE[2:]


def test_a_table_value_says_what_serves() -> None:
    table = LookupTable(
        address=TABLE,
        authority=None,
        addresses=tuple(KEYS[:4]),
        deactivation_slot=None,
        last_extended_slot=10,
        last_extended_start=2,
        lamports=1,
        slot=10,
    )
    assert table.usable == tuple(KEYS[:2])
