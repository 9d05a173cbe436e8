"""Splitting a transaction's fee into what the network asks and what was bid for priority."""

from __future__ import annotations

import struct
from typing import Final

from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM_ID
from solders.message import Message, MessageV0, from_bytes_versioned

from dexroute.engine.planning.priority_fee import priority_fee_lamports
from dexroute.types.network import DEFAULT_COMPUTE_UNITS, MAX_COMPUTE_UNITS

_SET_UNIT_LIMIT: Final = 2
_SET_UNIT_PRICE: Final = 3


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
    return priority_fee_lamports(units, price)


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
    return min(DEFAULT_COMPUTE_UNITS * others if limit is None else limit, MAX_COMPUTE_UNITS), price
