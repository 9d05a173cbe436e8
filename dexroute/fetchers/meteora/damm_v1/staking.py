"""The accounts of staking programs that pegged pools take their price from.

Layouts: MeteoraAg/damm-v1-sdk@02c66a3, dynamic-amm-quote/src/depeg/{marinade,solido,spl_stake}.rs. The program knows the
account by its address; its owner and length are checked here all the same, for whoever answers may lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, require_account
from dexroute.fetchers.meteora.damm_v1.addresses import (
    LIDO_PROGRAM_ID,
    LIDO_STATE,
    MARINADE_PROGRAM_ID,
    MARINADE_STATE,
    STAKE_POOL_PROGRAM_IDS,
)
from dexroute.fetchers.meteora.damm_v1.peg import Peg
from dexroute.types.accounts import AccountSnapshot

_CURVE_KIND: Final = 874
_PEG_KIND: Final = 916
_NONE, _MARINADE, _LIDO, _STAKE_POOL = range(4)


@dataclass(frozen=True, slots=True)
class StakingAccount:
    """Where value and units stand in the account: offsets of u64s; `fixed_units` where the program has a constant."""

    address: Pubkey
    owners: tuple[Pubkey, ...]
    value_offset: int
    units_offset: int
    fixed_units: int | None = None


def staking_account(address: Pubkey, pool: Reader) -> StakingAccount | None:
    """The account a pool's peg follows, or None for pools without one. Raises DecodeError for an unknown kind of peg."""
    kind = pool.u8(_PEG_KIND) if pool.u8(_CURVE_KIND) == 1 else _NONE
    if kind == _NONE:
        return None
    if kind == _MARINADE:
        return StakingAccount(MARINADE_STATE, (MARINADE_PROGRAM_ID,), 512, 512, fixed_units=1 << 32)
    if kind == _LIDO:
        return StakingAccount(LIDO_STATE, (LIDO_PROGRAM_ID,), 81, 73)
    if kind == _STAKE_POOL:
        return StakingAccount(pool.pubkey(363), STAKE_POOL_PROGRAM_IDS, 258, 266)
    raise DecodeError(f"pool {address}: peg kind {kind} is unknown", pool=str(address), field="pool.depeg_type")


def decode_peg(address: Pubkey, pool: Reader, snapshot: AccountSnapshot) -> Peg | None:
    """The pool's peg with what its staking account says now. Raises DecodeError."""
    staking = staking_account(address, pool)
    if staking is None:
        return None
    account = require_account(snapshot, staking.address, pool=address, field="staking")
    if account.owner not in staking.owners:
        raise DecodeError(
            f"pool {address}: staking account {staking.address} is owned by {account.owner}, which is no staking program",
            pool=str(address),
            field="staking.owner",
        )
    if len(account.data) < max(staking.value_offset, staking.units_offset) + 8:
        raise DecodeError(
            f"pool {address}: staking account holds {len(account.data)} bytes, too few for a price",
            pool=str(address),
            field="staking.length",
        )
    reader = Reader(account.data)
    return Peg(
        staking_account=staking.address,
        cached_price=pool.u64(900),
        cached_at=pool.u64(908),
        value=reader.u64(staking.value_offset),
        units=reader.u64(staking.units_offset) if staking.fixed_units is None else staking.fixed_units,
    )
