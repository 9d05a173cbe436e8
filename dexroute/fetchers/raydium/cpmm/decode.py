"""CPMM account bytes.

Layouts: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/states/{pool,config}.rs (packed, little endian).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import checked_reader, require_account
from dexroute.fetchers.pool_layout import PoolLayout
from dexroute.fetchers.raydium.cpmm.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.cpmm.curve import FeeRates
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.rounding import PPM
from dexroute.types.accounts import AccountSnapshot

POOL_LAYOUT: Final = PoolLayout(
    program_id=PROGRAM_ID,
    discriminator=bytes.fromhex("f7ede3f5d7c3de46"),
    length=637,
    mint_offsets=(168, 200),
    vault_offsets=(72, 104),
    side_names=("0", "1"),
    reference_offsets=(8,),
)
_CONFIG_DISCRIMINATOR: Final = bytes.fromhex("daf42168cbcb2b6f")
_CONFIG_LENGTH: Final = 236


def decode_cpmm_pool(address: Pubkey, snapshot: AccountSnapshot) -> CpmmPool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = POOL_LAYOUT.reader(address, snapshot)
    if reader.u8(390) > 1:
        raise DecodeError(
            f"pool {address}: creator fee switch is {reader.u8(390)}, expected 0 or 1",
            pool=str(address),
            field="pool.enable_creator_fee",
        )
    sides = POOL_LAYOUT.sides(address, reader, snapshot)
    config = reader.pubkey(8)
    return CpmmPool(
        address=address,
        clock=snapshot.clock,
        mints=sides.mints,
        vaults=sides.vaults,
        vault_amounts=sides.vault_amounts,
        protocol_fees=(reader.u64(341), reader.u64(349)),
        fund_fees=(reader.u64(357), reader.u64(365)),
        creator_fees=(reader.u64(397), reader.u64(405)),
        status=reader.u8(329),
        open_time=reader.u64(373),
        creator_fee_on=reader.u8(389),
        config=config,
        rates=_decode_rates(address, config, snapshot, creator_enabled=reader.u8(390) == 1),
        observation=reader.pubkey(296),
    )


def _decode_rates(address: Pubkey, config: Pubkey, snapshot: AccountSnapshot, *, creator_enabled: bool) -> FeeRates:
    reader = checked_reader(
        require_account(snapshot, config, pool=address, field="config"),
        pool=address,
        field="config",
        owner=PROGRAM_ID,
        discriminator=_CONFIG_DISCRIMINATOR,
        length=_CONFIG_LENGTH,
    )
    rates = {"trade": reader.u64(12), "protocol": reader.u64(20), "fund": reader.u64(28), "creator": reader.u64(108)}
    for name, rate_ppm in rates.items():
        if rate_ppm > PPM:
            raise DecodeError(
                f"pool {address}: config {config} sets a {name} fee rate of {rate_ppm} parts per million, above 100 %",
                pool=str(address),
                field=f"config.{name}_fee_rate",
            )
    return FeeRates(
        trade_ppm=rates["trade"],
        protocol_ppm=rates["protocol"],
        fund_ppm=rates["fund"],
        creator_ppm=rates["creator"] if creator_enabled else 0,
    )
