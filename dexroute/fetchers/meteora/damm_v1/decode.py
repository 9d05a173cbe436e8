"""DAMM v1 account bytes: the pool, its two vaults, and the accounts those name.

Layout: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/state.rs (Pool) and programs/dynamic-vault/src/state.rs
(Vault), both in Borsh.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.meteora.damm_v1.addresses import PROGRAM_ID, VAULT_PROGRAM_ID
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct, StableCurve
from dexroute.fetchers.meteora.damm_v1.fees import PoolFees
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.meteora.damm_v1.staking import decode_peg, staking_account
from dexroute.fetchers.meteora.damm_v1.vault import VaultAccounts, VaultSide
from dexroute.fetchers.tokens import MINT_LENGTH, decode_mint, decode_token_amount
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.mints import TOKEN_PROGRAM_ID

POOL_DISCRIMINATOR: Final = bytes.fromhex("f19a6d0411b16dbc")
# Pools of today, and those made when the program still reserved more room.
_POOL_LENGTHS: Final = (952, 1_387)
_VAULT_DISCRIMINATOR: Final = bytes.fromhex("d308e82b02987577")
_VAULT_LENGTH: Final = 1_227  # at least: vaults were made with room of several sizes
_SIDES: Final = ("a", "b")
_STABLE: Final = 1


def pool_reader(address: Pubkey, snapshot: AccountSnapshot) -> Reader:
    """The pool account's fields; owner, length and discriminator are checked. Raises DecodeError."""
    account = require_account(snapshot, address, pool=address, field="pool")
    length = len(account.data) if len(account.data) in _POOL_LENGTHS else _POOL_LENGTHS[0]
    return checked_reader(account, pool=address, field="pool", owner=PROGRAM_ID, discriminator=POOL_DISCRIMINATOR, length=length)


def vault_reader(vault: Pubkey, side: str, address: Pubkey, snapshot: AccountSnapshot) -> Reader:
    """A vault account's fields; owner, length and discriminator are checked. Raises DecodeError."""
    field = f"vault_{side}"
    account = require_account(snapshot, vault, pool=address, field=field)
    return checked_reader(
        account,
        pool=address,
        field=field,
        owner=VAULT_PROGRAM_ID,
        discriminator=_VAULT_DISCRIMINATOR,
        length=max(len(account.data), _VAULT_LENGTH),
    )


def required_accounts(address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
    """The pool, then mints, vaults, pool shares and a staking account, then what the vaults name. Raises DecodeError."""
    if address not in known.accounts:
        return frozenset({address})
    pool = pool_reader(address, known)
    wanted = {pool.pubkey(offset) for offset in (40, 72, 104, 136, 168, 200)}
    staking = staking_account(address, pool)
    wanted |= {staking.address} if staking else set()
    for side, offset in zip(_SIDES, (104, 136), strict=True):
        vault = pool.pubkey(offset)
        if vault in known.accounts:
            reader = vault_reader(vault, side, address, known)
            wanted |= {reader.pubkey(19), reader.pubkey(115)}
    return frozenset(wanted - known.accounts.keys())


def decode_damm_v1_pool(address: Pubkey, snapshot: AccountSnapshot) -> DammV1Pool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = pool_reader(address, snapshot)
    mints = tuple(
        decode_mint(snapshot, reader.pubkey(offset), pool=address, field=f"mint_{side}")
        for side, offset in zip(_SIDES, (40, 72), strict=True)
    )
    if mints[0].address == mints[1].address or reader.pubkey(104) == reader.pubkey(136):
        raise DecodeError(f"pool {address}: both sides are the same token or vault", pool=str(address), field="pool.mints")
    return DammV1Pool(
        address=address,
        clock=snapshot.clock,
        mints=(mints[0], mints[1]),
        sides=(
            _side(0, address, reader, snapshot),
            _side(1, address, reader, snapshot),
        ),
        enabled=reader.u8(233) != 0,
        activation_type=reader.u8(475),
        activation_point=reader.u64(403),
        fees=_fees(address, reader),
        curve=_curve(address, reader, snapshot),
    )


def _side(index: int, address: Pubkey, pool: Reader, snapshot: AccountSnapshot) -> VaultSide:
    side = _SIDES[index]
    mint, vault, pool_lp = (pool.pubkey(start + 32 * index) for start in (40, 104, 168))
    reader = vault_reader(vault, side, address, snapshot)
    if reader.pubkey(83) != mint:
        raise DecodeError(
            f"pool {address}: vault_{side} is of mint {reader.pubkey(83)}, expected {mint}",
            pool=str(address),
            field=f"vault_{side}.token_mint",
        )
    cash, lp_mint = reader.pubkey(19), reader.pubkey(115)
    return VaultSide(
        accounts=VaultAccounts(
            vault=vault, cash=cash, lp_mint=lp_mint, pool_lp=pool_lp, protocol_fee=pool.pubkey(234 + 32 * index)
        ),
        enabled=reader.u8(8) != 0,
        total=reader.u64(11),
        cash=decode_token_amount(snapshot, cash, mint=mint, pool=address, field=f"cash_{side}"),
        supply=_supply(snapshot, lp_mint, address, f"lp_mint_{side}"),
        share=decode_token_amount(snapshot, pool_lp, mint=lp_mint, pool=address, field=f"pool_lp_{side}"),
        locked_profit=reader.u64(1203),
        last_report=reader.u64(1211),
        degradation=reader.u64(1219),
    )


def _supply(snapshot: AccountSnapshot, mint: Pubkey, address: Pubkey, field: str) -> int:
    account = require_account(snapshot, mint, pool=address, field=field)
    if account.owner != TOKEN_PROGRAM_ID or len(account.data) != MINT_LENGTH or account.data[45] != 1:
        raise DecodeError(f"pool {address}: {field} account {mint} is no mint", pool=str(address), field=field)
    return Reader(account.data).u64(36)


def _fees(address: Pubkey, reader: Reader) -> PoolFees:
    trade, protocol = (reader.u64(330), reader.u64(338)), (reader.u64(346), reader.u64(354))
    for name, (numerator, denominator) in (("trade_fee", trade), ("protocol_fee", protocol)):
        if denominator == 0 or numerator > denominator:
            raise DecodeError(
                f"pool {address}: {name} is {numerator}/{denominator}, above 100 %", pool=str(address), field=f"pool.{name}"
            )
    return PoolFees(trade=trade, protocol=protocol, partner_numerator=reader.u64(476))


def _curve(address: Pubkey, reader: Reader, snapshot: AccountSnapshot) -> ConstantProduct | StableCurve:
    kind = reader.u8(874)
    if kind > _STABLE:
        raise DecodeError(f"pool {address}: curve type {kind} is unknown", pool=str(address), field="pool.curve_type")
    if kind != _STABLE:
        return ConstantProduct()
    amp, multipliers = reader.u64(875), (reader.u64(883), reader.u64(891))
    if amp == 0 or 0 in multipliers:
        raise DecodeError(
            f"pool {address}: amplification {amp} and multipliers {multipliers} must be positive",
            pool=str(address),
            field="pool.curve_type",
        )
    return StableCurve(amp=amp, multipliers=multipliers, peg=decode_peg(address, reader, snapshot))
