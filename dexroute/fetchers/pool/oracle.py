"""The price over a time window, read from a pool and its oracle ring (programs/pool/README.md, section Oracle)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, UsageError
from dexroute.fetchers.layout import Reader, checked_reader
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import X64_SHIFT, PriceSums
from dexroute.math.rounding import U128_MAX
from dexroute.types.accounts import AccountData
from dexroute.types.prices import Price

ORACLE_DISCRIMINATOR: Final = bytes.fromhex("8bc283b38cb3e5f4")
OBSERVATIONS: Final = 128
OBSERVATION_LENGTH: Final = 40
_FIRST_OBSERVATION: Final = 44
ORACLE_LENGTH: Final = _FIRST_OBSERVATION + OBSERVATIONS * OBSERVATION_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPrice:
    """Mean prices from `start` to `end` (unix seconds): b per a and a per b, base units. Each is the arithmetic mean of its own
    direction, so they are not each other's reciprocal. A price moved within one slot and back again leaves no trace in either."""

    a_in_b: Price
    b_in_a: Price
    start: int
    end: int


def decode_observations(account: AccountData, *, pool: Pubkey, program_id: Pubkey) -> tuple[PriceSums, ...]:
    """The recorded sums, oldest first, from untrusted bytes. Raises DecodeError."""
    reader = checked_reader(
        account, pool=pool, field="oracle", owner=program_id, discriminator=ORACLE_DISCRIMINATOR, length=ORACLE_LENGTH
    )
    following, count = reader.u16(40), reader.u16(42)
    if reader.pubkey(8) != pool:
        raise DecodeError(f"pool {pool}: oracle account belongs to pool {reader.pubkey(8)}", pool=str(pool), field="oracle.pool")
    if count > OBSERVATIONS or following >= OBSERVATIONS or (count < OBSERVATIONS and following != count):
        raise DecodeError(
            f"pool {pool}: oracle ring of {count} observations cannot continue at {following}", pool=str(pool), field="oracle.next"
        )
    observations = tuple(_ring(reader, following, count))
    if any(later.at <= earlier.at for earlier, later in pairwise(observations)):
        raise DecodeError(f"pool {pool}: oracle observations are not in the order of time", pool=str(pool), field="oracle.at")
    return observations


def _ring(reader: Reader, following: int, count: int) -> Iterator[PriceSums]:
    for place in range(following - count, following):
        offset = _FIRST_OBSERVATION + place % OBSERVATIONS * OBSERVATION_LENGTH
        yield PriceSums(at=reader.i64(offset), a_x64=reader.u128(offset + 8), b_x64=reader.u128(offset + 24))


def time_weighted_price(pool: DexroutePool, observations: tuple[PriceSums, ...], window_s: int) -> WindowPrice:
    """The mean price over at least the last `window_s` seconds of the snapshot's clock.

    The window starts at the youngest observation that is old enough, so it can be longer than asked for (`start` says how long);
    nothing is interpolated. Exact while price ratio times window is below 2^64. Raises UsageError when no record is that old.
    """
    now = pool.sums.extended(pool.clock.unix_timestamp, pool.reserves)
    start = next((then for then in reversed(observations) if now.at - then.at >= window_s), None)
    if window_s < 1 or start is None:
        longest_s = max(0, now.at - observations[0].at) if observations else 0
        raise UsageError(
            f"pool {pool.address} at slot {pool.slot}: no price over {window_s} s; ask for a window of 1 to {longest_s} s, or wait",
            pool=str(pool.address),
            window_s=window_s,
            longest_s=longest_s,
        )
    return WindowPrice(
        a_in_b=_mean(now.a_x64 - start.a_x64, now.at - start.at),
        b_in_a=_mean(now.b_x64 - start.b_x64, now.at - start.at),
        start=start.at,
        end=now.at,
    )


def _mean(difference_x64: int, seconds: int) -> Price:
    return Price(numerator=difference_x64 & U128_MAX, denominator=seconds << X64_SHIFT)
