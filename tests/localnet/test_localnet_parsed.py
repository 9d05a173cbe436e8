"""Instructions told as objects: whatever bytes a transaction carried, telling it never fails."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.pubkey import Pubkey

from dexroute.localnet.rpc.parsed_instructions import parsed_instruction
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

PROGRAMS = [Pubkey.default(), TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, ASSOCIATED_TOKEN_PROGRAM_ID, LOOKUP_TABLE_PROGRAM_ID]
ACCOUNTS = [Pubkey.new_unique() for _ in range(6)]


@settings(max_examples=300, deadline=None)
@given(
    program=st.integers(0, len(PROGRAMS) - 1),
    count=st.integers(0, len(ACCOUNTS)),
    data=st.builds(lambda kind, rest: bytes([kind]) + rest, st.integers(0, 30), st.binary(max_size=60)) | st.just(b""),
)
def test_any_bytes_are_told(program: int, count: int, data: bytes) -> None:
    accounts = [len(PROGRAMS) + index for index in range(count)]
    told = parsed_instruction(program, accounts, data, [*PROGRAMS, *ACCOUNTS], 1)
    assert told["programId"] == str(PROGRAMS[program])
    assert ("parsed" in told) != ("data" in told)


def test_an_account_initialized_without_its_owner() -> None:
    """A transaction that names no owner lands with an error, and can be asked for like any other."""
    keys = [TOKEN_PROGRAM_ID, *ACCOUNTS]
    assert "parsed" not in parsed_instruction(0, [1, 2], bytes([18]), keys, 1)
    told = parsed_instruction(0, [1, 2], bytes([18]) + bytes(ACCOUNTS[2]), keys, 1)
    assert told["parsed"]["info"]["owner"] == str(ACCOUNTS[2])
