"""Pool account bytes (programs/pool/README.md, section Accounts), read at fixed offsets: quoting many pools must not wait for
anchorpy. A test holds this reading and the IDL's equal."""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import PoolAccounts
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.fetchers.tokens import decode_mint
from dexroute.types.accounts import AccountSnapshot

POOL_DISCRIMINATOR: Final = bytes.fromhex("f19a6d0411b16dbc")
POOL_LENGTH: Final = 400
MINT_OFFSETS: Final = (45, 77)
_VERSION: Final = 1
_KNOWN_STATUS: Final = 7


def pool_reader(address: Pubkey, snapshot: AccountSnapshot, program_id: Pubkey) -> Reader:
    """The pool account's fields, its owner, length, discriminator and version checked. Raises DecodeError."""
    account = require_account(snapshot, address, pool=address, field="pool")
    reader = checked_reader(
        account, pool=address, field="pool", owner=program_id, discriminator=POOL_DISCRIMINATOR, length=POOL_LENGTH
    )
    if reader.u8(8) != _VERSION:
        raise DecodeError(
            f"pool {address}: layout version {reader.u8(8)}, this dexroute reads version {_VERSION}; update dexroute",
            pool=str(address),
            field="pool.version",
        )
    return reader


def decode_dexroute_pool(address: Pubkey, snapshot: AccountSnapshot, program_id: Pubkey) -> DexroutePool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field, also for a state its program never writes."""
    reader = pool_reader(address, snapshot, program_id)
    mint_a, mint_b = reader.pubkey(MINT_OFFSETS[0]), reader.pubkey(MINT_OFFSETS[1])
    if bytes(mint_a) >= bytes(mint_b):
        raise DecodeError(f"pool {address}: mints {mint_a} and {mint_b} are out of order", pool=str(address), field="pool.mints")
    mints = (
        decode_mint(snapshot, mint_a, pool=address, field="mint_a"),
        decode_mint(snapshot, mint_b, pool=address, field="mint_b"),
    )
    terms = FeeTerms(
        base_fee_ppm=reader.u32(277),
        protocol_share_ppm=reader.u32(281),
        dynamic_fee_ppm=reader.u32(285),
        max_volatility_bps=reader.u32(289),
        filter_period_s=reader.u32(293),
        decay_period_s=reader.u32(297),
    )
    pool = DexroutePool(
        accounts=PoolAccounts(
            program_id=program_id,
            pool=address,
            oracle=reader.pubkey(205),
            mints=(mint_a, mint_b),
            token_programs=(mints[0].token_program, mints[1].token_program),
            vaults=(reader.pubkey(109), reader.pubkey(141)),
            lp_mint=reader.pubkey(173),
        ),
        clock=snapshot.clock,
        mints=mints,
        index=reader.u16(11),
        admin=reader.pubkey(13),
        status=reader.u8(10),
        reserves=(reader.u64(237), reader.u64(245)),
        protocol_fees=(reader.u64(253), reader.u64(261)),
        lp_supply=reader.u64(269),
        terms=terms,
        volatility=Volatility(
            bps=reader.u32(301),
            carried_bps=reader.u32(369),
            reference=(reader.u64(305), reader.u64(313)),
            last_swap_at=reader.i64(321),
        ),
        sums=PriceSums(a_x64=reader.u128(329), b_x64=reader.u128(345), at=reader.i64(361)),
    )
    _require_possible(pool)
    return pool


def _require_possible(pool: DexroutePool) -> None:
    """Raises DecodeError for numbers the program never writes."""
    faults = {
        "status": None if pool.status <= _KNOWN_STATUS else f"status {pool.status} has unknown bits",
        "fees": pool.terms.fault(),
        "volatility": None
        if max(pool.volatility.bps, pool.volatility.carried_bps) <= pool.terms.max_volatility_bps
        else f"volatility of {pool.volatility.bps} bps, {pool.volatility.carried_bps} carried, is above its maximum",
        "reserves": None
        if (0 in pool.reserves) == (pool.lp_supply == 0) == (pool.reserves == (0, 0))
        else f"reserves {pool.reserves[0]} and {pool.reserves[1]} do not go with {pool.lp_supply} LP units",
    }
    for field, fault in faults.items():
        if fault is not None:
            raise DecodeError(
                f"pool {pool.address}: {fault}; its program cannot have written this, check the cluster (-u)",
                pool=str(pool.address),
                field=f"pool.{field}",
            )
