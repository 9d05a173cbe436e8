"""The clock sysvar: the only clock pools know. (And where the cluster keeps its recent slots.)

Layout (solana-program, clock.rs, bincode): slot u64, epoch_start_timestamp i64, epoch u64, leader_schedule_epoch u64,
unix_timestamp i64; 40 bytes, owned by the sysvar program.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import RpcError
from dexroute.fetchers.layout import Reader
from dexroute.types.accounts import AccountData, ChainClock

CLOCK_SYSVAR_ID: Final = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
SLOT_HASHES_ID: Final = Pubkey.from_string("SysvarS1otHashes111111111111111111111111111")
SYSVAR_OWNER: Final = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
_LENGTH: Final = 40


def decode_clock(account: AccountData) -> ChainClock:
    """The cluster's clock. Raises RpcError when the node sent something else under its address."""
    if account.owner != SYSVAR_OWNER or len(account.data) < _LENGTH:
        raise RpcError(
            f"the node's clock sysvar is {len(account.data)} bytes owned by {account.owner}, expected {_LENGTH} bytes owned by "
            f"{SYSVAR_OWNER}; use another RPC endpoint",
            owner=str(account.owner),
            length=len(account.data),
        )
    reader = Reader(account.data)
    return ChainClock(slot=reader.u64(0), epoch=reader.u64(16), unix_timestamp=reader.i64(32))
