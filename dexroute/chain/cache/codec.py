"""A set of accounts as bytes: compact, versioned, and refused when anything about them is not what this file writes.

`dxr1`, then deflated: slot u64, count u32, and for each account its address, u8 1 when it exists, and then owner, lamports u64,
data length u32 and data. Little-endian. Deflate carries a checksum.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import CacheDamaged
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot

LARGEST_SET: Final = 16 * 2**20  # bytes of a set before and, so, after deflation
_MAGIC: Final = b"dxr1"
_HEAD: Final = struct.Struct("<QI")
_PRESENT: Final = struct.Struct("<32sQI")
_LEVEL: Final = 1  # twice as fast as the next, and pools are mostly zeros


def encode_set(accounts: AccountsAtSlot) -> bytes | None:
    """None for a set too large to share."""
    parts = [_HEAD.pack(accounts.slot, len(accounts.accounts))]
    for address, account in accounts.accounts.items():
        parts.append(bytes(address))
        if account is None:
            parts.append(b"\0")
            continue
        parts += [b"\1", _PRESENT.pack(bytes(account.owner), account.lamports, len(account.data)), account.data]
    if sum(map(len, parts)) > LARGEST_SET:
        return None
    return _MAGIC + zlib.compress(b"".join(parts), _LEVEL)


def decode_set(value: bytes) -> AccountsAtSlot:
    """Raises CacheDamaged for whatever `encode_set` did not write."""
    if value[:4] != _MAGIC:
        raise _damaged(f"{len(value)} bytes that begin with {value[:4].hex() or 'nothing'}")
    inflate = zlib.decompressobj()
    try:
        body = inflate.decompress(value[4:], LARGEST_SET)
    except zlib.error as error:
        raise _damaged(str(error)) from None
    if not inflate.eof or inflate.unused_data:
        raise _damaged("a value cut short, too large, or with something behind it")
    try:
        return _read(body)
    except (struct.error, ValueError):
        raise _damaged(f"{len(body)} bytes that are no set of accounts") from None


def _read(body: bytes) -> AccountsAtSlot:
    slot, count = _HEAD.unpack_from(body)
    at = _HEAD.size
    found: dict[Pubkey, AccountData | None] = {}
    for _ in range(count):
        exists = body[at + 32 : at + 33]
        if not exists:
            raise ValueError("cut short")  # from_bytes panics on less than 32 bytes
        address = Pubkey.from_bytes(body[at : at + 32])
        at += 33
        found[address] = None
        if exists == b"\1":
            owner, lamports, length = _PRESENT.unpack_from(body, at)
            at += _PRESENT.size
            data = body[at : at + length]
            if len(data) != length:
                raise ValueError("cut short")
            found[address] = AccountData(owner=Pubkey.from_bytes(owner), lamports=lamports, data=data)
            at += length
        elif exists != b"\0":
            raise ValueError("neither there nor absent")
    if at != len(body) or len(found) != count:
        raise ValueError("more than was announced, or one account twice")
    return AccountsAtSlot(slot=slot, accounts=found)


def _damaged(what: str) -> CacheDamaged:
    return CacheDamaged(f"the shared account cache holds {what}; it is passed over and written anew", found=what)
