"""What a pool's liquidity gives and takes, fees aside: the answer both kinds of it share."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class CurveSwap(NamedTuple):
    """`amount` is the output of an exact input, or the input of an exact output, in base units. `sqrt_price_x64` is the
    price afterwards; None where it follows from the reserves, fees included, that the swap leaves behind."""

    amount: int
    sqrt_price_x64: int | None


class Curve(Protocol):
    """`index_in` is 0 when token A comes in, 1 when B does. Both methods raise QuoteError."""

    def exact_in(self, amount_in: int, index_in: int) -> CurveSwap: ...

    def exact_out(self, amount_out: int, index_in: int) -> CurveSwap: ...
