"""CPMM account bytes.

Layouts: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/states/{pool,config}.rs (packed, little endian).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.raydium.cpmm.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.cpmm.curve import FeeRates
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.fetchers.tokens import decode_mint, decode_token_amount
from dexroute.math.rounding import PPM
from dexroute.types.accounts import AccountSnapshot

POOL_DISCRIMINATOR: Final = bytes.fromhex("f7ede3f5d7c3de46")
POOL_LENGTH: Final = 637
MINT_OFFSETS: Final = (168, 200)
_CONFIG_DISCRIMINATOR: Final = bytes.fromhex("daf42168cbcb2b6f")
_CONFIG_LENGTH: Final = 236
_CONFIG_OFFSET: Final = 8
_VAULT_OFFSETS: Final = (72, 104)


def pool_reader(address: Pubkey, snapshot: AccountSnapshot) -> Reader:
    """The pool account's fields, its owner, length and discriminator checked. Raises DecodeError."""
    account = require_account(snapshot, address, pool=address, field="pool")
    return checked_reader(
        account, pool=address, field="pool", owner=PROGRAM_ID, discriminator=POOL_DISCRIMINATOR, length=POOL_LENGTH
    )


def referenced_accounts(reader: Reader) -> frozenset[Pubkey]:
    """What quoting needs beside the pool: its configuration, vaults and mints."""
    return frozenset(reader.pubkey(offset) for offset in (_CONFIG_OFFSET, *_VAULT_OFFSETS, *MINT_OFFSETS))


def decode_cpmm_pool(address: Pubkey, snapshot: AccountSnapshot) -> CpmmPool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = pool_reader(address, snapshot)
    mint_0, mint_1 = reader.pubkey(MINT_OFFSETS[0]), reader.pubkey(MINT_OFFSETS[1])
    vault_0, vault_1 = reader.pubkey(_VAULT_OFFSETS[0]), reader.pubkey(_VAULT_OFFSETS[1])
    if mint_0 == mint_1 or vault_0 == vault_1:
        raise DecodeError(f"pool {address}: both sides are the same token or vault", pool=str(address), field="pool.mints")
    if reader.u8(390) > 1:
        raise DecodeError(
            f"pool {address}: creator fee switch is {reader.u8(390)}, expected 0 or 1",
            pool=str(address),
            field="pool.enable_creator_fee",
        )
    config = reader.pubkey(_CONFIG_OFFSET)
    return CpmmPool(
        address=address,
        clock=snapshot.clock,
        mints=(
            decode_mint(snapshot, mint_0, pool=address, field="mint_0"),
            decode_mint(snapshot, mint_1, pool=address, field="mint_1"),
        ),
        vaults=(vault_0, vault_1),
        vault_amounts=(
            decode_token_amount(snapshot, vault_0, mint=mint_0, pool=address, field="vault_0"),
            decode_token_amount(snapshot, vault_1, mint=mint_1, pool=address, field="vault_1"),
        ),
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
