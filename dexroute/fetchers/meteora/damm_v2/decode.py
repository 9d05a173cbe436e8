"""DAMM v2 account bytes.

Layout: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/state/{pool,fee}.rs and base_fee/*.rs (the 32 bytes of the base
fee mean something else for every kind).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.meteora.damm_v2.addresses import PROGRAM_ID
from dexroute.fetchers.meteora.damm_v2.base_fee import BaseFee, UnknownBaseFee
from dexroute.fetchers.meteora.damm_v2.dynamic_fee import DynamicFee
from dexroute.fetchers.meteora.damm_v2.fees import PoolFees
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.meteora.damm_v2.schedulers import Cliff, MarketCapScheduler, TimeScheduler
from dexroute.fetchers.pool_layout import PoolLayout
from dexroute.math.rounding import BPS
from dexroute.types.accounts import AccountSnapshot

POOL_LAYOUT: Final = PoolLayout(
    program_id=PROGRAM_ID,
    discriminator=bytes.fromhex("f19a6d0411b16dbc"),
    length=1112,
    mint_offsets=(168, 200),
    vault_offsets=(232, 264),
    side_names=("a", "b"),
)


def decode_damm_v2_pool(address: Pubkey, snapshot: AccountSnapshot) -> DammV2Pool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = POOL_LAYOUT.reader(address, snapshot)
    shares = {"protocol_percent": (reader.u8(48), 100), "compounding_bps": (reader.u16(54), BPS)}
    for name, (share, whole) in shares.items():
        if share > whole:
            raise DecodeError(
                f"pool {address}: {name} is {share}, above the whole fee of {whole}", pool=str(address), field=f"pool.{name}"
            )
    sides = POOL_LAYOUT.sides(address, reader, snapshot)
    return DammV2Pool(
        address=address,
        clock=snapshot.clock,
        mints=sides.mints,
        vaults=sides.vaults,
        vault_amounts=sides.vault_amounts,
        amounts=(reader.u64(680), reader.u64(688)),
        protocol_fees=(reader.u64(392), reader.u64(400)),
        protocol_fees_ever=(reader.u64(600), reader.u64(608)),
        liquidity=reader.u128(360),
        sqrt_price_x64=reader.u128(456),
        sqrt_min_x64=reader.u128(424),
        sqrt_max_x64=reader.u128(440),
        init_sqrt_price_x64=reader.u128(152),
        fees=PoolFees(
            base=_base_fee(reader),
            dynamic=_dynamic_fee(reader),
            protocol_percent=shares["protocol_percent"][0],
            compounding_bps=shares["compounding_bps"][0],
            version=reader.u8(486),
        ),
        collect_fee_mode=reader.u8(484),
        activation_type=reader.u8(480),
        activation_point=reader.u64(472),
        status=reader.u8(481),
        layout_version=reader.u8(696),
    )


def _base_fee(reader: Reader) -> BaseFee:
    kind = reader.u8(16)
    rate = reader.u64(8)
    cliff = Cliff(rate=rate, reduction=reader.u64(32), periods=reader.u16(22), exponential=kind in (1, 4))
    if kind in (0, 1):
        return TimeScheduler(cliff=cliff, period=reader.u64(24))
    if kind == 2:
        return RateLimiter(
            cliff_rate=rate,
            increment_bps=reader.u16(22),
            max_fee_bps=reader.u32(28),
            duration=reader.u32(24),
            reference_amount=reader.u64(32),
        )
    if kind in (3, 4):
        return MarketCapScheduler(cliff=cliff, price_step_bps=reader.u32(24), lifetime=reader.u32(28))
    return UnknownBaseFee(kind=kind)


def _dynamic_fee(reader: Reader) -> DynamicFee | None:
    if reader.u8(56) == 0:
        return None
    return DynamicFee(
        max_volatility=reader.u32(64),
        control=reader.u32(68),
        bin_step_bps=reader.u16(72),
        filter_period=reader.u16(74),
        decay_period=reader.u16(76),
        reduction_bps=reader.u16(78),
        last_update=reader.u64(80),
        bin_step_x64=reader.u128(88),
        sqrt_reference_x64=reader.u128(104),
        volatility=reader.u128(120),
        volatility_reference=reader.u128(136),
    )
