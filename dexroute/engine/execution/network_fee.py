"""Splitting a transaction's fee into what the network asks and what was bid for priority."""

from __future__ import annotations

import struct
from typing import Final

from solders.message import Message, MessageV0, from_bytes_versioned
from solders.pubkey import Pubkey

from dexroute.math.rounding import ceil_div

COMPUTE_BUDGET_PROGRAM_ID: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
_SET_UNIT_LIMIT: Final = 2
_SET_UNIT_PRICE: Final = 3
_MICRO: Final = 1_000_000
_DEFAULT_UNITS: Final = 200_000
_MAX_UNITS: Final = 1_400_000


def split_fee(message: bytes, fee_lamports: int) -> tuple[int, int]:
    """(network fee, priority fee) in lamports; their sum is `fee_lamports`.

    The bid is unit limit * unit price / 1,000,000, rounded up, of the message's compute budget instructions (what the runtime
    charges whether or not the units are used). A cluster that charges less than the bid took no priority fee beyond what it
    charged.
    """
    priority = min(_bid_lamports(from_bytes_versioned(message)), fee_lamports)
    return fee_lamports - priority, priority


def unit_price_micro_lamports(message: bytes) -> int:
    """What a message bids per compute unit, 0 when it bids nothing."""
    return _bid(from_bytes_versioned(message))[1]


def _bid_lamports(message: Message | MessageV0) -> int:
    units, price = _bid(message)
    return ceil_div(units * price, _MICRO)


def _bid(message: Message | MessageV0) -> tuple[int, int]:
    """(compute units paid for, micro-lamports per unit)."""
    price = 0
    limit: int | None = None
    others = 0
    for instruction in message.instructions:
        body = bytes(instruction.data)
        if message.account_keys[instruction.program_id_index] != COMPUTE_BUDGET_PROGRAM_ID:
            others += 1
        elif body[:1] == bytes([_SET_UNIT_LIMIT]) and len(body) == 5:
            (limit,) = struct.unpack_from("<I", body, 1)
        elif body[:1] == bytes([_SET_UNIT_PRICE]) and len(body) == 9:
            (price,) = struct.unpack_from("<Q", body, 1)
    return min(_DEFAULT_UNITS * others if limit is None else limit, _MAX_UNITS), price
