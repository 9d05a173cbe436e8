"""How much a loaded pool holds, seen from outside: venues need not say.

Most venues read their pools' token accounts, so what they hold of the pool's mints is known with the pool. Where those accounts
belong to many pools (shared vaults) or are not read, the pool says itself what is its own: `HoldsReserves`.
"""

from __future__ import annotations

from collections.abc import Iterable

from solders.pubkey import Pubkey

from dexroute.fetchers.base import HoldsReserves, Pool
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

_TOKEN_ACCOUNT_LENGTH = 165
_TOKEN_PROGRAMS = frozenset({TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID})


def reserves_of(pool: Pool, own: Iterable[Pubkey], snapshot: AccountSnapshot) -> tuple[int, ...]:
    """Base units in the order of the pool's mints; 0 for a mint none of its accounts holds. `own` are the accounts its decoding
    took. For ranking only: fees owed and liquidity out of reach are not told apart."""
    if isinstance(pool, HoldsReserves):
        return pool.held_reserves()
    held = dict.fromkeys((bytes(mint.address) for mint in pool.mints), 0)
    for address in own:
        account = snapshot.accounts.get(address)
        if account is None or account.owner not in _TOKEN_PROGRAMS or len(account.data) < _TOKEN_ACCOUNT_LENGTH:
            continue
        mint = account.data[:32]
        if mint in held:
            held[mint] += int.from_bytes(account.data[64:72], "little")
    return tuple(held[bytes(mint.address)] for mint in pool.mints)
