"""How many bin arrays to read: enough for the amounts people swap, never all a pair has.

A swap fills at most about 250 bins (its compute units end there), so reading goes on, round by round, until that much
liquidity lies on either side or a side has had its share of accounts.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.meteora.dlmm.addresses import bin_array_address, bitmap_extension_address
from dexroute.fetchers.meteora.dlmm.bitmap import array_index
from dexroute.fetchers.meteora.dlmm.decode import POOL_LAYOUT, active_bin, array_bitmap, existing
from dexroute.types.accounts import AccountSnapshot

# Arrays asked for on each side of the active bin, the active one included: at first, and while they turn out sparse.
ARRAYS_PER_SIDE: Final = (3, 6, 10)
# Filled bins on one side that end the asking: a fifth of what one transaction can cross.
_ENOUGH_BINS: Final = 50


def required_accounts(address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
    """The pair, then its mints, reserves and bitmap extension with the nearest arrays, then further arrays while those hold
    little. Raises DecodeError when the pair's bytes are wrong."""
    asked = POOL_LAYOUT.required_accounts(address, known)
    if address not in known.accounts:
        return asked
    reader = POOL_LAYOUT.reader(address, known)
    start = array_index(active_bin(address, reader))
    bitmap = array_bitmap(address, reader, known)
    wanted = {bitmap_extension_address(address)}
    for down in (True, False):
        filled = 0
        nearest = [bin_array_address(address, index) for index in bitmap.nearest(start, ARRAYS_PER_SIDE[-1], down=down)]
        for count, addition in zip(ARRAYS_PER_SIDE, (0, *ARRAYS_PER_SIDE), strict=False):
            batch = nearest[addition:count]
            wanted.update(batch)
            if any(array not in known.accounts for array in batch):
                break
            filled += sum(_filled_bins(known, array) for array in batch)
            if filled >= _ENOUGH_BINS:
                break
    return asked | (wanted - known.accounts.keys())


def _filled_bins(known: AccountSnapshot, address: Pubkey) -> int:
    """Bins whose amounts are not all zero. Limit orders do not count here: sparse pairs ask for more, that is all."""
    account = existing(known, address)
    if account is None:
        return 0
    nothing = bytes(16)
    return sum(account.data[offset : offset + 16] != nothing for offset in range(56, len(account.data), 144))
