"""DLMM account bytes.

Layout: MeteoraAg/dlmm-sdk@fb02e51, idls/dlmm.json (LbPair, StaticParameters, VariableParameters, BinArray,
BinArrayBitmapExtension).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader
from dexroute.fetchers.meteora.dlmm.addresses import PROGRAM_ID, bin_array_address, bitmap_extension_address
from dexroute.fetchers.meteora.dlmm.bins import BinArray
from dexroute.fetchers.meteora.dlmm.bitmap import ArrayBitmap, array_index, joined
from dexroute.fetchers.meteora.dlmm.fees import FeeTerms, Volatility
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool, DlmmSettings
from dexroute.fetchers.pool_layout import PoolLayout
from dexroute.math.rounding import BPS, U64_MAX, U128_MAX
from dexroute.types.accounts import AccountData, AccountSnapshot

POOL_LAYOUT: Final = PoolLayout(
    program_id=PROGRAM_ID,
    discriminator=bytes.fromhex("210b3162b565b10d"),
    length=904,
    mint_offsets=(88, 120),
    vault_offsets=(152, 184),
    side_names=("x", "y"),
)
_BIN_ARRAY: Final = (bytes.fromhex("5c8e5cdc059446b5"), 10_136)
_EXTENSION: Final = (bytes.fromhex("506f7c7137ed1205"), 1_576)
_SYSTEM_PROGRAM: Final = Pubkey.default()
_REWARD_MINTS: Final = (264, 408)
_MAX_STEP_BPS: Final = 400
_BIN_ID_LIMIT: Final = 443_636
_UNDETERMINED, _LIMIT_ORDERS = 0, 2  # function types as the pair stores them


def decode_dlmm_pool(address: Pubkey, snapshot: AccountSnapshot) -> DlmmPool:
    """The pair with the bin arrays the snapshot has, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = POOL_LAYOUT.reader(address, snapshot)
    sides = POOL_LAYOUT.sides(address, reader, snapshot)
    active_id = active_bin(address, reader)
    bitmap = array_bitmap(address, reader, snapshot)
    fees = _fee_terms(address, reader)
    return DlmmPool(
        address=address,
        clock=snapshot.clock,
        settings=DlmmSettings(
            mints=sides.mints,
            reserves=sides.vaults,
            oracle=reader.pubkey(552),
            step_bps=fees.step_bps,
            min_bin_id=_i32(reader, 24),
            max_bin_id=_i32(reader, 28),
            fees=fees,
            collect_fee_mode=reader.u8(36),
            function_type=reader.u8(35),
            pair_type=reader.u8(75),
            status=reader.u8(82),
            activation_type=reader.u8(86),
            activation_point=reader.u64(816),
        ),
        bitmap=bitmap,
        reserve_amounts=sides.vault_amounts,
        active_id=active_id,
        volatility=Volatility(reader.u32(40), reader.u32(44), _i32(reader, 48), reader.i64(56)),
        arrays=_arrays(address, reader, snapshot, bitmap, active_id),
    )


def active_bin(address: Pubkey, reader: Reader) -> int:
    """The active bin's id. Raises DecodeError outside the range in which bins have prices."""
    active_id = _i32(reader, 76)
    if abs(active_id) > _BIN_ID_LIMIT:
        raise DecodeError(
            f"pool {address}: active_id is {active_id}, outside ±{_BIN_ID_LIMIT}", pool=str(address), field="pool.active_id"
        )
    return active_id


def array_bitmap(address: Pubkey, reader: Reader, snapshot: AccountSnapshot) -> ArrayBitmap:
    """The pair's bitmap, joined with the extension's where the snapshot has one. Raises DecodeError."""
    extension = existing(snapshot, bitmap_extension_address(address))
    if extension is None:
        return joined(reader.data[584:712], b"", b"")
    content = _owned(extension, address, field="bitmap_extension", kind=_EXTENSION, pair_offset=8).data
    return joined(reader.data[584:712], content[40:808], content[808:1576])


def existing(snapshot: AccountSnapshot, address: Pubkey) -> AccountData | None:
    """The account, or None when it was not read or its program never made it (lamports sent there make no account of it)."""
    account = snapshot.accounts.get(address)
    return None if account is None or (account.owner == _SYSTEM_PROGRAM and not account.data) else account


def _fee_terms(address: Pubkey, reader: Reader) -> FeeTerms:
    step_bps, power = reader.u16(80), reader.u8(34)
    if not 1 <= step_bps <= _MAX_STEP_BPS:
        raise DecodeError(
            f"pool {address}: bin_step is {step_bps} bps, outside 1 to {_MAX_STEP_BPS}", pool=str(address), field="pool.bin_step"
        )
    terms = FeeTerms(
        base_rate=reader.u16(8) * step_bps * 10 * 10**power,
        step_bps=step_bps,
        variable_control=reader.u32(16),
        max_accumulator=reader.u32(20),
        filter_period=reader.u16(10),
        decay_period=reader.u16(12),
        reduction_bps=reader.u16(14),
        protocol_share_bps=reader.u16(32),
    )
    squared = (terms.max_accumulator * step_bps) ** 2
    if terms.base_rate > U64_MAX or squared * terms.variable_control > U128_MAX or terms.protocol_share_bps > BPS:
        raise DecodeError(f"pool {address}: its fee parameters overflow", pool=str(address), field="pool.parameters")
    return terms


def _arrays(address: Pubkey, reader: Reader, snapshot: AccountSnapshot, bitmap: ArrayBitmap, active_id: int) -> dict[int, BinArray]:
    """From the active bin outwards, both ways, up to the first array that was not read: no swap gets past that one."""
    arrays: dict[int, BinArray] = {}
    step_bps, with_orders = reader.u16(80), _counts_orders(reader)
    for down in (True, False):
        index = bitmap.at_or_after(array_index(active_id), down=down)
        while index is not None:
            if index not in arrays:
                account = existing(snapshot, bin_array_address(address, index))
                if account is None:
                    break
                data = _bin_array(account, address, index).data
                arrays[index] = BinArray.from_account(index, data, step_bps=step_bps, with_orders=with_orders)
            index = bitmap.at_or_after(index - 1 if down else index + 1, down=down)
    return arrays


def _bin_array(account: AccountData, address: Pubkey, index: int) -> Reader:
    field = f"bin_array_{index}"
    reader = _owned(account, address, field=field, kind=_BIN_ARRAY, pair_offset=24)
    if reader.i64(8) != index:
        raise DecodeError(f"pool {address}: {field} says it is array {reader.i64(8)}", pool=str(address), field=f"{field}.index")
    return reader


def _owned(account: AccountData, address: Pubkey, *, field: str, kind: tuple[bytes, int], pair_offset: int) -> Reader:
    discriminator, length = kind
    reader = checked_reader(account, pool=address, field=field, owner=PROGRAM_ID, discriminator=discriminator, length=length)
    if reader.pubkey(pair_offset) != address:
        raise DecodeError(
            f"pool {address}: {field} belongs to pair {reader.pubkey(pair_offset)}", pool=str(address), field=f"{field}.lb_pair"
        )
    return reader


def _counts_orders(reader: Reader) -> bool:
    function_type = reader.u8(35)
    without_rewards = all(reader.pubkey(offset) == Pubkey.default() for offset in _REWARD_MINTS)
    return function_type == _LIMIT_ORDERS or (function_type == _UNDETERMINED and without_rewards)


def _i32(reader: Reader, offset: int) -> int:
    return int.from_bytes(reader.data[offset : offset + 4], "little", signed=True)
