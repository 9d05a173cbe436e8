"""The bytes of one tick array: 60 ticks, of which the initialized ones matter.

Layout: raydium-io/raydium-clmm@03b44b7, programs/amm/src/states/tick_array.rs (`TickArrayState`, `TickState`); what it
calls limit orders was padding before.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import checked_reader
from dexroute.fetchers.raydium.clmm.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY
from dexroute.fetchers.raydium.clmm.ladder import TickArray
from dexroute.fetchers.raydium.clmm.limit_orders import LimitOrders
from dexroute.math.tick import MAX_TICK, MIN_TICK
from dexroute.types.accounts import AccountData

LENGTH: Final = 10_240
_DISCRIMINATOR: Final = bytes.fromhex("c09b55cd31f9812a")
# tick, liquidity_net (low, high), liquidity_gross (low, high), growths, order_phase, orders_amount, part_filled, ratio, padding
_TICK: Final = Struct("<iQqQQ80x8xQQ16x12x")
_TICKS_AT: Final = 44
_TICKS_END: Final = _TICKS_AT + TICKS_PER_ARRAY * _TICK.size


def decode_tick_array(account: AccountData, start: int, spacing: int, *, pool: Pubkey) -> TickArray:
    """The initialized ticks of the array that starts at tick `start`. Raises DecodeError."""
    field = f"tick_array[{start}]"
    reader = checked_reader(account, pool=pool, field=field, owner=PROGRAM_ID, discriminator=_DISCRIMINATOR, length=LENGTH)
    if (reader.pubkey(8), reader.i32(40)) != (pool, start):
        raise DecodeError(
            f"pool {pool}: {field} is the array at {reader.i32(40)} of pool {reader.pubkey(8)}", pool=str(pool), field=field
        )
    ticks: list[int] = []
    nets: list[int] = []
    orders: dict[int, LimitOrders] = {}
    expected = start
    for tick, net_low, net_high, gross_low, gross_high, waiting, part_filled in _TICK.iter_unpack(
        account.data[_TICKS_AT:_TICKS_END]
    ):
        if gross_low or gross_high or waiting or part_filled:
            if tick != expected or not MIN_TICK <= tick <= MAX_TICK:
                raise DecodeError(
                    f"pool {pool}: {field} holds tick {tick} in the place of tick {expected}", pool=str(pool), field=f"{field}.tick"
                )
            has_liquidity = bool(gross_low or gross_high)
            ticks.append(tick)
            nets.append((net_high << 64) + net_low if has_liquidity else 0)
            if waiting or part_filled:
                orders[tick] = LimitOrders(waiting=waiting, part_filled=part_filled, has_liquidity=has_liquidity)
        expected += spacing
    if not ticks:
        raise DecodeError(
            f"pool {pool}: {field} holds no initialized tick, but the pool's bitmap says so", pool=str(pool), field=f"{field}.ticks"
        )
    return TickArray(ticks=tuple(ticks), nets=tuple(nets), orders=orders)
