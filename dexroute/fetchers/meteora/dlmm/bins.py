"""Bins and the accounts that hold seventy of them.

Layout: MeteoraAg/dlmm-sdk@fb02e51, idls/dlmm.json (Bin, BinArray). An array is read from its bytes when a quote first
reaches it, once; the bytes are let go then.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from dexroute.fetchers.meteora.dlmm.bitmap import BINS_PER_ARRAY
from dexroute.math.bin_price import bin_price_x64

_BINS_START: Final = 56
# amount_x, amount_y, price (two halves), then past liquidity and reward counters: open orders, their former total, what is
# left of orders being filled, age, side.
_BIN: Final = struct.Struct("<4Q80x3QIB3x")


class Bin(NamedTuple):
    """Base units. `x` and `y` are the liquidity providers' own; `open_orders` and `partly_filled` are limit orders, of token X
    when `asks` (bought by swaps of Y) and of token Y otherwise. Orders are 0 in pairs whose program ignores them."""

    x: int
    y: int
    price_x64: int
    open_orders: int
    partly_filled: int
    asks: bool


class BinArray:
    """An immutable value: bins `index * 70` to `index * 70 + 69`, None for those that hold nothing."""

    __slots__ = ("_bins", "_encoded", "index")

    def __init__(self, index: int, bins: tuple[Bin | None, ...] | None, encoded: tuple[bytes, int, bool] | None = None) -> None:
        self.index = index
        self._bins = bins
        self._encoded = encoded

    @classmethod
    def from_account(cls, index: int, data: bytes, *, step_bps: int, with_orders: bool) -> BinArray:
        """The array of checked account bytes; nothing is read of them yet."""
        return cls(index, None, (data, step_bps, with_orders))

    @property
    def first_id(self) -> int:
        return self.index * BINS_PER_ARRAY

    @property
    def bins(self) -> tuple[Bin | None, ...]:
        if self._bins is None:
            assert self._encoded is not None
            self._bins = _decoded(self.first_id, *self._encoded)
            self._encoded = None
        return self._bins

    def with_bins(self, changed: dict[int, Bin]) -> BinArray:
        """This array with some of its bins, by bin id, replaced."""
        bins = list(self.bins)
        for bin_id, new in changed.items():
            bins[bin_id - self.first_id] = _normal(new)
        return BinArray(self.index, tuple(bins))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BinArray) and self.index == other.index and self.bins == other.bins

    def __hash__(self) -> int:
        return hash((self.index, self.bins))

    def __repr__(self) -> str:
        return f"BinArray({self.index}, {sum(entry is not None for entry in self.bins)} filled bins)"


def _decoded(first_id: int, data: bytes, step_bps: int, with_orders: bool) -> tuple[Bin | None, ...]:
    bins: list[Bin | None] = []
    for bin_id, fields in enumerate(_BIN.iter_unpack(data[_BINS_START:]), start=first_id):
        x, y, price_low, price_high, open_orders, _, partly_filled, _, ask_side = fields
        if not with_orders:
            open_orders = partly_filled = 0
        if not (x or y or open_orders or partly_filled):
            bins.append(None)
            continue
        # The program writes a bin's price when it first needs it.
        price_x64 = price_low | price_high << 64 or bin_price_x64(bin_id, step_bps)
        asks = bool(ask_side) and bool(open_orders or partly_filled)
        bins.append(Bin(x, y, price_x64, open_orders, partly_filled, asks))
    return tuple(bins)


def _normal(entry: Bin) -> Bin | None:
    if entry.open_orders or entry.partly_filled:
        return entry
    return entry._replace(asks=False) if entry.x or entry.y else None
