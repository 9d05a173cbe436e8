"""Which bin arrays hold liquidity: one bit each, in the pair account and, far from bin 0, in an extension account.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/extensions/{lb_pair,bin_array_bitmap}.rs
(`next_bin_array_index_with_liquidity*`). The two bitmaps are joined into one number here: bit `index + reach`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BINS_PER_ARRAY: Final = 70
PAIR_REACH: Final = 512
EXTENSION_REACH: Final = 512 * 13


@dataclass(frozen=True, slots=True)
class ArrayBitmap:
    """Array indexes `-reach` to `reach - 1`; without an extension account `reach` is the pair's own 512."""

    bits: int
    reach: int

    @property
    def extended(self) -> bool:
        return self.reach > PAIR_REACH

    def at_or_after(self, index: int, *, down: bool) -> int | None:
        """The next array with liquidity, `index` included, towards lower (`down`) or higher prices; None when there is none,
        or when `index` lies beyond what the bitmap can tell."""
        position = index + self.reach
        if not 0 <= position < 2 * self.reach:
            return None
        if down:
            rest = self.bits & ((2 << position) - 1)
            return rest.bit_length() - 1 - self.reach if rest else None
        rest = self.bits >> position
        return index + (rest & -rest).bit_length() - 1 if rest else None

    def nearest(self, index: int, count: int, *, down: bool) -> tuple[int, ...]:
        """Up to `count` arrays with liquidity from `index` on, in walking order."""
        found: list[int] = []
        following = self.at_or_after(index, down=down)
        while following is not None and len(found) < count:
            found.append(following)
            following = self.at_or_after(following - 1 if down else following + 1, down=down)
        return tuple(found)

    def without(self, indexes: Iterable[int]) -> ArrayBitmap:
        """After the last liquidity of these arrays was gone."""
        bits = self.bits
        for index in indexes:
            bits &= ~(1 << index + self.reach)
        return ArrayBitmap(bits, self.reach)


def joined(pair_words: bytes, positive: bytes, negative: bytes) -> ArrayBitmap:
    """The pair's 128 bytes and the extension's two halves of 768; bit n of `negative` is array `-513 - n`."""
    inner = int.from_bytes(pair_words, "little")
    if not positive:
        return ArrayBitmap(inner, PAIR_REACH)
    # Lowest index first: the negative half runs away from zero, so its bits are turned round.
    below = int(bin(int.from_bytes(negative, "little") | 1 << 6144)[:2:-1], 2)
    above = int.from_bytes(positive, "little")
    return ArrayBitmap(below | inner << 6144 | above << 7168, EXTENSION_REACH)


def array_index(bin_id: int) -> int:
    """The bin array holding a bin."""
    return bin_id // BINS_PER_ARRAY
