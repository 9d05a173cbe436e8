"""Addresses the pool program derives, from the page's section Accounts (programs/pool/README.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.types.mints import TOKEN_PROGRAM_ID, Mint

DEFAULT_PROGRAM_ID: Final = Pubkey.from_string("dexF9oMdp9VqCYTe5k1EdprE8efsUr5y98pZXG1xMhL")
LP_DECIMALS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAccounts:
    """Every account of one pool. Pairs are in the order a, b; mint a is below mint b by bytes."""

    program_id: Pubkey
    pool: Pubkey
    oracle: Pubkey
    mints: tuple[Pubkey, Pubkey]
    token_programs: tuple[Pubkey, Pubkey]
    vaults: tuple[Pubkey, Pubkey]
    lp_mint: Pubkey

    @property
    def lp_token(self) -> Mint:
        """The LP token as a mint value: always SPL Token, without transfer fee."""
        return Mint(address=self.lp_mint, decimals=LP_DECIMALS, token_program=TOKEN_PROGRAM_ID)


def pool_accounts(first: Mint, second: Mint, index: int = 0, *, program_id: Pubkey = DEFAULT_PROGRAM_ID) -> PoolAccounts:
    """Where the pool number `index` (u16) of two mints is, whichever order they are named in, and whether or not it exists.

    Raises ValueError for one mint named twice, OverflowError for an index beyond u16.
    """
    if first.address == second.address:
        raise ValueError(f"a pool needs two different mints, not {first.address} twice")
    a, b = sorted((first, second), key=lambda mint: bytes(mint.address))
    pool = pool_address(a.address, b.address, index, program_id)
    return PoolAccounts(
        program_id=program_id,
        pool=pool,
        oracle=oracle_address(pool, program_id),
        mints=(a.address, b.address),
        token_programs=(a.token_program, b.token_program),
        vaults=(vault_address(pool, a.address, program_id), vault_address(pool, b.address, program_id)),
        lp_mint=lp_mint_address(pool, program_id),
    )


def pool_address(mint_a: Pubkey, mint_b: Pubkey, index: int, program_id: Pubkey) -> Pubkey:
    return _derive(program_id, b"pool", bytes(mint_a), bytes(mint_b), index.to_bytes(2, "little"))


def vault_address(pool: Pubkey, mint: Pubkey, program_id: Pubkey) -> Pubkey:
    return _derive(program_id, b"vault", bytes(pool), bytes(mint))


def lp_mint_address(pool: Pubkey, program_id: Pubkey) -> Pubkey:
    return _derive(program_id, b"lp_mint", bytes(pool))


def oracle_address(pool: Pubkey, program_id: Pubkey) -> Pubkey:
    return _derive(program_id, b"oracle", bytes(pool))


def _derive(program_id: Pubkey, *seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), program_id)[0]
