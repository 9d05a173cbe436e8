"""Sets of accounts as bytes: what was written comes back, everything else is refused."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.chain.cache.codec import LARGEST_SET, decode_set, encode_set
from dexroute.errors import CacheDamaged
from dexroute.types.accounts import AccountData
from dexroute.types.amounts import U64_MAX
from dexroute.types.chain import AccountsAtSlot

pubkeys = st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)
u64s = st.integers(0, U64_MAX)
accounts = st.builds(AccountData, owner=pubkeys, lamports=u64s, data=st.binary(max_size=300))
sets = st.builds(AccountsAtSlot, slot=u64s, accounts=st.dictionaries(pubkeys, st.none() | accounts, max_size=8))
SAMPLE = AccountsAtSlot(
    slot=5,
    accounts={Pubkey.new_unique(): AccountData(owner=Pubkey.new_unique(), lamports=1, data=bytes(9)), Pubkey.new_unique(): None},
)


@given(sets)
def test_what_was_written_comes_back(read: AccountsAtSlot) -> None:
    value = encode_set(read)
    assert value is not None
    assert decode_set(value) == read


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(value: bytes) -> None:
    for foreign in (value, b"dxr1" + value, b"dxr1" + zlib.compress(value)):
        with pytest.raises(CacheDamaged):
            decode_set(foreign)


def test_every_cut_and_every_flipped_bit_is_refused() -> None:
    value = encode_set(SAMPLE)
    assert value is not None
    wrong = [value[:length] for length in range(len(value))]
    wrong += [value[:at] + bytes([value[at] ^ 1 << bit]) + value[at + 1 :] for at in range(len(value)) for bit in range(8)]
    wrong.append(value + b"\0")
    survivors = []
    for other in wrong:
        try:
            survivors.append(decode_set(other))
        except CacheDamaged:
            continue
    # Deflate ignores a few bits of its own framing; what comes back then is what was written, never anything else.
    assert all(read == SAMPLE for read in survivors)
    assert len(survivors) * 10 < len(wrong)


def test_bodies_that_deflate_well_but_are_no_set_are_refused() -> None:
    value = encode_set(SAMPLE)
    assert value is not None
    body = zlib.decompress(value[4:])
    twice = body[:8] + (4).to_bytes(4, "little") + body[12:] * 2
    for wrong in (body + b"\0", body[:-1], body[:8] + b"\xff" * 4 + body[12:], twice, body[:44] + b"\2" + body[45:]):
        with pytest.raises(CacheDamaged):
            decode_set(b"dxr1" + zlib.compress(wrong))


def test_sizes_are_bounded_both_ways() -> None:
    large = AccountData(owner=Pubkey.new_unique(), lamports=1, data=os.urandom(1024) * (LARGEST_SET // 1024))
    assert encode_set(AccountsAtSlot(slot=1, accounts={Pubkey.new_unique(): large})) is None
    bomb = b"dxr1" + zlib.compress(bytes(LARGEST_SET * 4))
    assert len(bomb) < 100_000
    with pytest.raises(CacheDamaged, match="too large"):
        decode_set(bomb)
