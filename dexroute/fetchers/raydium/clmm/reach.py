"""How many tick arrays a quote starts out with.

An array spans 60 tick spacings: 0.6 % of price at spacing 1, 43 % at spacing 60. Arrays are 10 KB each, so the first read
asks for what people trade: about 10 % of price either way, between two and six arrays a side that hold ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dexroute.fetchers.raydium.clmm.bitmap import TickArrayBitmap

TICKS_EACH_WAY: Final = 1_000
LEAST_EACH_WAY: Final = 2
MOST_EACH_WAY: Final = 6


def arrays_within_reach(bitmap: TickArrayBitmap, current: int, span: int) -> Iterator[int]:
    """The numbers of the arrays to read around array number `current`, where an array spans `span` ticks."""
    if bitmap.is_set(current):
        yield current
    for down in (True, False):
        number = bitmap.next(current, down=down)
        for count in range(MOST_EACH_WAY):
            if number is None or (count >= LEAST_EACH_WAY and (abs(number - current) - 1) * span > TICKS_EACH_WAY):
                break
            yield number
            number = bitmap.next(number, down=down)
