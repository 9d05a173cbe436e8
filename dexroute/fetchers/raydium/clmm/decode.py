"""CLMM account bytes.

Layouts: raydium-io/raydium-clmm@a5a46ff and @03b44b7, programs/amm/src/states/{pool,pool_fee,config,tick_array,
tickarray_bitmap_extension}.rs (packed, little endian). The later source gave meaning to bytes that were zero before.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.pool_layout import PoolLayout
from dexroute.fetchers.raydium.clmm.addresses import PROGRAM_ID, bitmap_extension_address, tick_array_address
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY, TickArrayBitmap, bitmap_of
from dexroute.fetchers.raydium.clmm.dynamic_fee import DynamicFee
from dexroute.fetchers.raydium.clmm.ladder import TickArray, TickLadder, ladder_of
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.fetchers.raydium.clmm.tick_array import decode_tick_array
from dexroute.math.rounding import PPM
from dexroute.math.tick import MAX_SQRT_PRICE_X64, MAX_TICK, MIN_SQRT_PRICE_X64, MIN_TICK, sqrt_price_at_tick
from dexroute.types.accounts import AccountSnapshot

POOL_LAYOUT: Final = PoolLayout(
    program_id=PROGRAM_ID,
    discriminator=bytes.fromhex("f7ede3f5d7c3de46"),
    length=1544,
    mint_offsets=(73, 105),
    vault_offsets=(137, 169),
    side_names=("0", "1"),
    reference_offsets=(9,),
)
_CONFIG_DISCRIMINATOR: Final = bytes.fromhex("daf42168cbcb2b6f")
_CONFIG_LENGTH: Final = 117
_EXTENSION_DISCRIMINATOR: Final = bytes.fromhex("3c9624db61808b99")
_EXTENSION_LENGTH: Final = 1832
_DYNAMIC_FEE: Final = 1096


def decode_clmm_pool(address: Pubkey, snapshot: AccountSnapshot) -> ClmmPool:
    """The pool with all tick arrays that lie in one run around its price. Raises DecodeError naming pool and field."""
    reader = POOL_LAYOUT.reader(address, snapshot)
    spacing, tick, sqrt_price_x64 = _price(address, reader)
    _require_known_layout(address, reader)
    sides = POOL_LAYOUT.sides(address, reader, snapshot)
    config = reader.pubkey(9)
    bitmap = decode_bitmap(address, reader, snapshot)
    return ClmmPool(
        address=address,
        clock=snapshot.clock,
        mints=sides.mints,
        vaults=sides.vaults,
        vault_amounts=sides.vault_amounts,
        status=reader.u8(389),
        open_time=reader.u64(1080),
        config=config,
        observation=reader.pubkey(201),
        trade_fee_ppm=_trade_fee_ppm(address, config, snapshot),
        tick_spacing=spacing,
        liquidity=reader.u128(237),
        sqrt_price_x64=sqrt_price_x64,
        tick_current=tick,
        bitmap=bitmap,
        ladder=_ladder(address, snapshot, bitmap, tick, spacing),
        fee_on=reader.u8(390),
        dynamic_fee=_dynamic_fee(reader),
    )


def current_array(address: Pubkey, reader: Reader) -> tuple[int, int]:
    """(number of the tick array around the price, ticks that an array spans). Raises DecodeError."""
    spacing, tick, _ = _price(address, reader)
    return tick // (TICKS_PER_ARRAY * spacing), TICKS_PER_ARRAY * spacing


def decode_bitmap(address: Pubkey, reader: Reader, snapshot: AccountSnapshot) -> TickArrayBitmap:
    """The pool's own bits, and the extension's where it was read and exists. Raises DecodeError."""
    own, spacing = reader.data[904:1032], reader.u16(235)
    extension = bitmap_extension_address(address)
    if snapshot.accounts.get(extension) is None:
        return bitmap_of(own, None, tick_spacing=spacing)
    content = checked_reader(
        require_account(snapshot, extension, pool=address, field="bitmap_extension"),
        pool=address,
        field="bitmap_extension",
        owner=PROGRAM_ID,
        discriminator=_EXTENSION_DISCRIMINATOR,
        length=_EXTENSION_LENGTH,
    )
    if content.pubkey(8) != address:
        raise DecodeError(
            f"pool {address}: bitmap extension {extension} is of pool {content.pubkey(8)}",
            pool=str(address),
            field="bitmap_extension.pool_id",
        )
    return bitmap_of(own, (content.data[40:936], content.data[936:1832]), tick_spacing=spacing)


def _price(address: Pubkey, reader: Reader) -> tuple[int, int, int]:
    spacing, tick, sqrt_price_x64 = reader.u16(235), reader.i32(269), reader.u128(253)
    wrong = None
    if spacing == 0:
        wrong = ("tick_spacing", "its tick spacing is 0")
    elif not MIN_TICK <= tick < MAX_TICK:
        wrong = ("tick_current", f"its tick {tick} is out of range")
    elif not MIN_SQRT_PRICE_X64 <= sqrt_price_x64 < MAX_SQRT_PRICE_X64:
        wrong = ("sqrt_price_x64", f"its square-root price {sqrt_price_x64} is out of range")
    elif not sqrt_price_at_tick(tick) <= sqrt_price_x64 <= sqrt_price_at_tick(tick + 1):
        wrong = ("sqrt_price_x64", f"its square-root price {sqrt_price_x64} is not that of its tick {tick}")
    if wrong is not None:
        raise DecodeError(f"pool {address}: {wrong[1]}", pool=str(address), field=f"pool.{wrong[0]}")
    return spacing, tick, sqrt_price_x64


def _require_known_layout(address: Pubkey, reader: Reader) -> None:
    """Bytes that no known source gives a meaning tell of a later one."""
    for start, end in ((391, 397), (1176, 1544)):
        if any(reader.data[start:end]):
            raise DecodeError(
                f"pool {address}: its bytes {start} to {end} hold settings this version does not know; update dexroute",
                pool=str(address),
                field="pool.padding",
            )
    if reader.u8(390) > 2:
        raise DecodeError(
            f"pool {address}: it takes its fee on {reader.u8(390)}, expected 0 to 2", pool=str(address), field="pool.fee_on"
        )


def _trade_fee_ppm(address: Pubkey, config: Pubkey, snapshot: AccountSnapshot) -> int:
    reader = checked_reader(
        require_account(snapshot, config, pool=address, field="config"),
        pool=address,
        field="config",
        owner=PROGRAM_ID,
        discriminator=_CONFIG_DISCRIMINATOR,
        length=_CONFIG_LENGTH,
    )
    rates = {"trade": reader.u32(47), "protocol and fund": reader.u32(43) + reader.u32(53)}
    if rates["trade"] >= PPM or rates["protocol and fund"] > PPM:
        raise DecodeError(
            f"pool {address}: config {config} sets fee rates above 100 %: {rates}", pool=str(address), field="config.fee_rates"
        )
    return rates["trade"]


def _dynamic_fee(reader: Reader) -> DynamicFee | None:
    if not any(reader.data[_DYNAMIC_FEE : _DYNAMIC_FEE + 80]):
        return None
    at = _DYNAMIC_FEE
    return DynamicFee(
        filter_period=reader.u16(at),
        decay_period=reader.u16(at + 2),
        reduction=reader.u16(at + 4),
        control=reader.u32(at + 6),
        max_volatility=reader.u32(at + 10),
        index_reference=reader.i32(at + 14),
        volatility_reference=reader.u32(at + 18),
        volatility=reader.u32(at + 22),
        last_update=reader.u64(at + 26),
    )


def _ladder(address: Pubkey, snapshot: AccountSnapshot, bitmap: TickArrayBitmap, tick: int, spacing: int) -> TickLadder:
    current = tick // (TICKS_PER_ARRAY * spacing)
    arrays: dict[int, TickArray] = {}
    for down in (True, False):
        number = current if bitmap.is_set(current) else bitmap.next(current, down=down)
        while number is not None:
            start = number * TICKS_PER_ARRAY * spacing
            account = snapshot.accounts.get(tick_array_address(address, start))
            if account is None:
                break
            if number not in arrays:
                arrays[number] = decode_tick_array(account, start, spacing, pool=address)
            number = bitmap.next(number, down=down)
    return ladder_of(arrays, bitmap, current)
