"""Accounts of Pyth's receiver as its SDK lays them out (Borsh), built field by field and not with the code under test."""

from __future__ import annotations

import hashlib
import struct

from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountData

RECEIVER = Pubkey.from_string("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ")


def price_update(
    *, price: int, confidence: int, exponent: int, publish_time: int, full: bool = True, owner: Pubkey = RECEIVER
) -> AccountData:
    """A PriceUpdateV2 account of 134 bytes."""
    level = b"\x01" if full else b"\x00\x05"
    message = bytes(range(32)) + struct.pack(
        "<qQiqqqQ", price, confidence, exponent, publish_time, publish_time - 1, price, confidence
    )
    data = hashlib.sha256(b"account:PriceUpdateV2").digest()[:8] + bytes(32) + level + message + struct.pack("<Q", 77)
    return AccountData(owner=owner, lamports=10**7, data=data.ljust(134, b"\x00"))
