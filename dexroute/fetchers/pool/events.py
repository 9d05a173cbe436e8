"""Events of the pool program, read from transaction logs.

Log lines are the node's word and can be cut off ("Log truncated"); a program called from another one writes between that one's
lines. Only lines written while the pool program itself runs are read.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.pool.idl import coder
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID

_INVOKE: Final = re.compile(r"^Program (\w+) invoke \[\d+\]$")
_RETURN: Final = re.compile(r"^Program (\w+) (success|failed: .*)$")
_PAYLOAD: Final = "Program data: "
_DISCRIMINATOR_LENGTH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolInitialized:
    pool: Pubkey
    admin: Pubkey
    mint_a: Pubkey
    mint_b: Pubkey
    index: int
    base_fee_ppm: int
    protocol_share_ppm: int
    dynamic_fee_ppm: int
    max_volatility_bps: int
    filter_period_s: int
    decay_period_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityAdded:
    """Amounts are what left the user, `lp` what was minted to them, the rest the pool afterwards."""

    pool: Pubkey
    user: Pubkey
    amount_a: int
    amount_b: int
    lp: int
    reserve_a: int
    reserve_b: int
    lp_supply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityRemoved:
    """Amounts are what reached the user, `lp` what they burned, the rest the pool afterwards."""

    pool: Pubkey
    user: Pubkey
    amount_a: int
    amount_b: int
    lp: int
    reserve_a: int
    reserve_b: int
    lp_supply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """Amounts are what left and reached the user; `fee` is in the input mint and contains `protocol_fee`."""

    pool: Pubkey
    user: Pubkey
    a_to_b: bool
    amount_in: int
    amount_out: int
    fee: int
    protocol_fee: int
    fee_ppm: int
    reserve_a: int
    reserve_b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFeesCollected:
    """Amounts are what left the vaults."""

    pool: Pubkey
    admin: Pubkey
    amount_a: int
    amount_b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatusSet:
    pool: Pubkey
    admin: Pubkey
    status: int


PoolEvent = PoolInitialized | LiquidityAdded | LiquidityRemoved | Swapped | ProtocolFeesCollected | PoolStatusSet
_KINDS: Final = {
    kind.__name__: kind
    for kind in (PoolInitialized, LiquidityAdded, LiquidityRemoved, Swapped, ProtocolFeesCollected, PoolStatusSet)
}


def decode_events(logs: Sequence[str], *, program_id: Pubkey = DEFAULT_PROGRAM_ID) -> tuple[PoolEvent, ...]:
    """Every event the program wrote into these log lines, in order. Raises DecodeError for a payload that is none of its events."""
    return tuple(decode_event(payload) for payload in _payloads(logs, str(program_id)))


def decode_event(payload: bytes) -> PoolEvent:
    """One event from the bytes after "Program data:". Raises DecodeError."""
    from construct import ConstructError

    events = coder().events
    try:
        event = events.parse(payload)
    except (ConstructError, ValueError) as error:
        raise _refused(payload, str(error)) from error
    if event is None or event.name not in _KINDS:
        raise _refused(payload, "no event of this program starts like this")
    kind = _KINDS[event.name]
    decoded: PoolEvent = kind(**{field.name: getattr(event.data, field.name) for field in fields(kind)})
    if len(payload) != _DISCRIMINATOR_LENGTH + events.layouts[event.name].sizeof():
        raise _refused(payload, f"{event.name} is followed by other bytes")
    return decoded


def _refused(payload: bytes, why: str) -> DecodeError:
    return DecodeError(f"log payload {payload.hex()} is no pool event: {why}", pool="", field="event")


def _payloads(logs: Sequence[str], program_id: str) -> Iterator[bytes]:
    running: list[str] = []
    for line in logs:
        if match := _INVOKE.match(line):
            running.append(match[1])
        elif _RETURN.match(line) and running:
            running.pop()
        elif line.startswith(_PAYLOAD) and running and running[-1] == program_id:
            try:
                yield b64decode(line.removeprefix(_PAYLOAD), validate=True)
            except binascii.Error as error:
                raise DecodeError(f"log line {line!r} is not base64", pool="", field="event") from error
