"""Programs as accounts, and what every cluster is born with."""

from __future__ import annotations

from typing import Final

from dexroute.localnet.accounts import StoredAccount
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.network import BPF_LOADER_2_ID

PROGRAM_DATA_HEADER: Final = 45  # solana-loader-v3-interface: size_of_programdata_metadata


def program_account(elf: bytes, *, rent_lamports: int) -> StoredAccount:
    """A program nobody can upgrade: the ELF itself under the second loader."""
    return StoredAccount(owner=BPF_LOADER_2_ID, lamports=max(1, rent_lamports), data=elf, executable=True)


def native_mint() -> StoredAccount:
    """Wrapped SOL: nine decimals, no authority, no supply (spl-token native_mint)."""
    data = bytearray(82)
    data[44] = 9
    data[45] = 1
    return StoredAccount(owner=TOKEN_PROGRAM_ID, lamports=1_000_000_000, data=bytes(data))


def pool_program_elf() -> bytes | None:
    """The dexroute pool program built into this package, or None where the package was made without it."""
    try:
        from dexroute.fetchers.pool.program import program_bytes
    except ImportError:
        return None
    try:
        return program_bytes()
    except FileNotFoundError:
        return None
