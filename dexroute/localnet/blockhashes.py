"""The hash of every block, derived from the genesis hash, and how long it can be signed with."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

from solders.hash import Hash

MAX_AGE_BLOCKS: Final = 150  # solana-clock: MAX_PROCESSING_AGE


class Blockhashes:
    """hash(height) = sha256(genesis hash, height): nothing to store, and the same after a restart."""

    def __init__(self, genesis_hash: Hash) -> None:
        self.genesis_hash = genesis_hash
        self._heights: OrderedDict[Hash, int] = OrderedDict()

    def of(self, height: int) -> Hash:
        if height == 0:
            return self.genesis_hash
        return Hash(hashlib.sha256(bytes(self.genesis_hash) + height.to_bytes(8, "little")).digest())

    def height_of(self, blockhash: Hash, tip: int) -> int | None:
        """The height of a block whose hash can still be signed with at block height `tip`; None for any other hash."""
        first = max(0, tip - MAX_AGE_BLOCKS)
        newest = next(reversed(self._heights.values()), -1)
        for height in range(max(first, newest + 1), tip + 1):
            self._heights[self.of(height)] = height
        # Kept a little longer than they live: a finalized read looks from further back.
        while self._heights and next(iter(self._heights.values())) < first - MAX_AGE_BLOCKS:
            self._heights.popitem(last=False)
        found = self._heights.get(blockhash)
        return found if found is not None and first <= found <= tip else None

    def is_valid(self, blockhash: Hash, tip: int) -> bool:
        """Whether a transaction carrying this hash can land at block height `tip`."""
        return self.height_of(blockhash, tip) is not None
