"""Which tick arrays of a pool hold initialized ticks: one bit each, in the pool account and its bitmap extension.

Arrays are numbered by floor(start tick / (60 * spacing)). The pool's own bits are arrays -512 to 511, each of the extension's
rows 512 more on either side. Source: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/libraries/tick_array_bit_map.rs and
states/tickarray_bitmap_extension.rs: the program's search goes row by row, and finds what a search over all bits finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from dexroute.math.tick import MAX_TICK, MIN_TICK

TICKS_PER_ARRAY: Final = 60
_OWN: Final = 512
_ROWS: Final = 14
_ROW_BYTES: Final = 64
_EXTENDED: Final = _OWN * (1 + _ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickArrayBitmap:
    """Bit `array + 512 * 15` of `bits` is set for an array that holds initialized ticks. `extended`: the extension was read;
    otherwise only arrays -512 to 511 are known."""

    bits: int = field(repr=False)  # 15,360 bits: more digits than Python prints of a number
    extended: bool

    def is_set(self, array: int) -> bool:
        return bool(self.bits >> array + _EXTENDED & 1) if -_EXTENDED <= array < _EXTENDED else False

    def next_below(self, array: int) -> int | None:
        """The nearest array with ticks below this one."""
        below = self.bits & (1 << max(array + _EXTENDED, 0)) - 1
        return below.bit_length() - 1 - _EXTENDED if below else None

    def next_above(self, array: int) -> int | None:
        """The nearest array with ticks above this one."""
        shift = max(array + 1 + _EXTENDED, 0)
        above = self.bits >> shift
        return (above & -above).bit_length() - 1 + shift - _EXTENDED if above else None

    def next(self, array: int, *, down: bool) -> int | None:
        return self.next_below(array) if down else self.next_above(array)

    def without(self, arrays: Iterable[int]) -> TickArrayBitmap:
        """After the last ticks of these arrays were gone."""
        bits = self.bits
        for array in arrays:
            bits &= ~(1 << array + _EXTENDED)
        return replace(self, bits=bits)


def bitmap_of(own: bytes, extension: tuple[bytes, bytes] | None, *, tick_spacing: int) -> TickArrayBitmap:
    """From the pool's 128 bytes, and where it was read the extension's two times 14 rows of 64 bytes, positive ones first.

    Bits of arrays that no tick lies in are dropped: anybody's bytes may claim them.
    """
    possible = _possible(TICKS_PER_ARRAY * tick_spacing)
    bits = int.from_bytes(own, "little") << _EXTENDED - _OWN
    if extension is None:
        return TickArrayBitmap(bits=bits & possible, extended=False)
    positive, negative = extension
    bits |= int.from_bytes(positive, "little") << _EXTENDED + _OWN
    for row in range(_ROWS):
        # Row 0 is the one next to the pool's own bits, its highest bit next to them.
        content = negative[row * _ROW_BYTES : (row + 1) * _ROW_BYTES]
        bits |= int.from_bytes(content, "little") << _EXTENDED - _OWN * (row + 2)
    return TickArrayBitmap(bits=bits & possible, extended=True)


def _possible(span: int) -> int:
    lowest, highest = max(MIN_TICK // span, -_EXTENDED), min(MAX_TICK // span, _EXTENDED - 1)
    return (1 << highest - lowest + 1) - 1 << lowest + _EXTENDED


def is_in_own_bitmap(array: int) -> bool:
    """Whether the pool account itself has this array's bit."""
    return -_OWN <= array < _OWN
