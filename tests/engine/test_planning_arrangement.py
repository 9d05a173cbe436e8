"""The order of a message's accounts: any is the same transaction, and each has a signature of its own."""

from __future__ import annotations

from math import prod

from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning import build_message, unsigned_wire
from dexroute.engine.planning.arrangement import arranged, arrangements
from dexroute.engine.planning.screening import named_accounts
from dexroute.engine.planning.size import MAX_TRANSACTION_ACCOUNTS
from dexroute.engine.routing.landing import UNITS_APART
from dexroute.types.requests import SwapMode
from tests.engine.leg_world import World, a_user, build_world
from tests.engine.test_planning_room import WORST, plan_of

KEYS = [Pubkey(bytes([place + 1]) * 32) for place in range(24)]
PROGRAMS = [Pubkey(bytes([place + 101]) * 32) for place in range(3)]
PAYER = KEYS[0]

metas = st.builds(lambda place, written: AccountMeta(KEYS[place], place == 0, written), st.integers(0, 23), st.booleans())
calls = st.builds(Instruction, st.sampled_from(PROGRAMS), st.binary(max_size=3), st.lists(metas, max_size=12))
tables = st.lists(st.lists(st.sampled_from(KEYS[4:]), max_size=8, unique=True), max_size=3)


def said(message: MessageV0, found: list[AddressLookupTableAccount]) -> list[object]:
    """What the cluster makes of a message: its payer, and each call with the accounts it names and what it may write."""
    keys = named_accounts(message, {table.key: table.addresses for table in found})
    static, header = len(message.account_keys), message.header
    looked_up = sum(len(one.writable_indexes) for one in message.address_table_lookups)
    readonly = {*range(static - header.num_readonly_unsigned_accounts, static), *range(static + looked_up, len(keys))}
    assert len(set(keys)) == len(keys)
    return [
        (keys[0], message.recent_blockhash, bytes(header)),
        *(
            (keys[call.program_id_index], bytes(call.data), [(keys[at], at in readonly) for at in bytes(call.accounts)])
            for call in message.instructions
        ),
        {(keys[at], at in readonly, at < static) for at in range(len(keys))},
    ]


@given(st.lists(calls, min_size=1, max_size=4), tables, st.integers(0, 2**256))
def test_any_arrangement_is_the_same_transaction(given: list[Instruction], addresses: list[list[Pubkey]], number: int) -> None:
    found = [AddressLookupTableAccount(Pubkey(bytes([place + 201]) * 32), one) for place, one in enumerate(addresses)]
    message = MessageV0.try_compile(PAYER, given, found, Hash.default())
    other = arranged(message, number)
    assert said(other, found) == said(message, found)
    assert len(unsigned_wire(other)) == len(unsigned_wire(message))
    assert arranged(message, 0) == message
    assert (bytes(other) == bytes(message)) == (number % arrangements(message) == 0)


def test_every_arrangement_is_another_message() -> None:
    written = [AccountMeta(key, False, True) for key in KEYS[1:7]]
    read = [AccountMeta(key, False, False) for key in KEYS[7:12]]
    found = [AddressLookupTableAccount(KEYS[20], KEYS[3:6]), AddressLookupTableAccount(KEYS[21], [KEYS[6], *KEYS[9:11]])]
    message = MessageV0.try_compile(PAYER, [Instruction(PROGRAMS[0], b"", written + read)], found, Hash.default())
    # of themselves KEYS[1:3], and KEYS[7:9], KEYS[11] with the program; three and one written in the tables, two read
    ways = prod((2, 24, 6, 1, 2))
    assert arrangements(message) == ways
    assert len({bytes(arranged(message, number)) for number in range(ways)}) == ways
    assert arranged(message, ways + 5) == arranged(message, 5)


async def test_the_smallest_swap_has_millions_of_ways() -> None:
    """Two journals of one wallet do not see each other's signatures: nothing but this keeps their equal swaps apart."""
    world: World = build_world("AB0")
    plan = await plan_of(world, await world.planned("AB", 10**6, SwapMode.EXACT_IN, "AB0"), a_user(world))
    message = build_message(plan, WORST, 200_000, 5)
    assert len(message.account_keys) < MAX_TRANSACTION_ACCOUNTS // 4
    assert arrangements(message) * UNITS_APART >= 2**24
    assert build_message(plan, WORST, 200_000, 5, arrangement=9) == arranged(message, 9) != message
