"""One bin taking part in a swap: its layers of liquidity, and what they leave behind.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/quote.rs (`get_exact_in_fill_amount_result`,
`swap_exact_in_quote_at_bin`, `swap_exact_out_quote_at_bin`), corrected by what the program was seen to do: it rounds the
input of an exact-out swap once per bin, and refuses where the layers' own roundings then yield less.
"""

from __future__ import annotations

from dexroute.errors import ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.meteora.dlmm.bins import Bin
from dexroute.fetchers.meteora.dlmm.fees import FEE_SCALE
from dexroute.fetchers.meteora.dlmm.program_errors import (
    INSUFFICIENT_IN_AMOUNT,
    MATH_OVERFLOW,
    TYPE_CAST_FAILED,
    UNDETERMINED_ERROR,
)
from dexroute.math.rounding import U64_MAX

Fill = tuple[int, int, int, int]
"""Base units: consumed of the input, given of the output, the fee contained in the one or the other, and what of the input the bin
was offered after it (`filled` tells what that leaves behind). A plain tuple: a swap makes one for every bin it comes through."""


def on_offer(entry: Bin, down: bool) -> int:
    """Base units this bin gives a swap of X (`down`) or of Y, before fees on the output."""
    own = entry.y if down else entry.x
    return own if entry.asks is down else own + entry.partly_filled + entry.open_orders


def exact_in(entry: Bin, amount: int, rate: int, down: bool, fee_on_input: bool) -> Fill:
    """As much of `amount` as the bin takes. Raises QuoteOverflow."""
    fee = -(-amount * rate // FEE_SCALE) if fee_on_input else 0
    net = amount - fee
    x, y, price_x64, open_orders, partly_filled, _ = entry
    if open_orders or partly_filled:
        left, given, _ = filled(entry, net, down)
    else:
        used, given = _layer(y if down else x, net, price_x64, down)
        left = net - used
        if (x if down else y) + used > U64_MAX:
            raise _overflowing()
    if left:
        used = net - left
        if fee_on_input:
            fee = -(-used * rate // (FEE_SCALE - rate))
        amount = used + fee
    if not fee_on_input:
        fee = -(-given * rate // FEE_SCALE)
        given -= fee
    return amount, given, fee, net


def exact_out(entry: Bin, wanted: int, budget: int, rate: int, down: bool, fee_on_input: bool) -> Fill:
    """`wanted` out of the bin, or all it has; `budget` is the input still to be spent. Raises QuoteError."""
    gross = wanted if fee_on_input else wanted - -wanted * rate // (FEE_SCALE - rate)
    if gross >= on_offer(entry, down):
        return exact_in(entry, budget, rate, down, fee_on_input)
    net = _input_for(gross, entry.price_x64, down)
    amount = net - -net * rate // (FEE_SCALE - rate) if fee_on_input else net
    if amount > U64_MAX:
        raise QuoteOverflow(
            f"with its fee a bin on the way would take {amount} in, more than 64 bits", program_error=TYPE_CAST_FAILED
        )
    if amount > budget:
        raise ExceedsLiquidity(
            f"it would take {amount} base units in, more than the {budget} base units in left to spend",
            program_error=INSUFFICIENT_IN_AMOUNT,
        )
    consumed, given, fee, offered = exact_in(entry, amount, rate, down, fee_on_input)
    if given < wanted:
        raise ExceedsLiquidity(
            f"limit orders in the last bin round to {given} base units out of {wanted}, and the program refuses that; "
            "ask for a few units more or less",
            program_error=UNDETERMINED_ERROR,
        )
    return consumed, wanted, fee, offered


def filled(entry: Bin, net: int, down: bool) -> tuple[int, int, Bin]:
    """(input left over, output given, the bin afterwards) for an input of `net` after fees: the providers' own first, then orders
    partly filled, then open ones. Raises QuoteOverflow."""
    x, y, price_x64, open_orders, partly_filled, asks = entry
    own = y if down else x
    used, given = _layer(own, net, price_x64, down)
    left = net - used
    if down:
        x, y = x + used, y - given
    else:
        x, y = x - given, y + used
    if x > U64_MAX or y > U64_MAX:
        raise _overflowing()
    if left and asks is not down:
        used, filled = _layer(partly_filled, left, price_x64, down)
        left, given, partly_filled = left - used, given + filled, partly_filled - filled
        if left and open_orders:
            used, filled = _layer(open_orders, left, price_x64, down)
            left, given = left - used, given + filled
            if filled:
                # The first swap that gets something out of open orders turns all of them into orders being filled.
                partly_filled, open_orders = open_orders - filled, 0
    return left, given, Bin(x, y, price_x64, open_orders, partly_filled, asks)


def _overflowing() -> QuoteOverflow:
    return QuoteOverflow("a bin would hold more than 64 bits; ask for less", program_error=MATH_OVERFLOW)


def _layer(capacity: int, net: int, price_x64: int, down: bool) -> tuple[int, int]:
    """(input used, output given) of one layer: whole if the input suffices, else rounded down."""
    if not capacity:
        return 0, 0
    whole = _input_for(capacity, price_x64, down)
    if net >= whole:
        return whole, capacity
    return net, net * price_x64 >> 64 if down else (net << 64) // price_x64


def _input_for(out: int, price_x64: int, down: bool) -> int:
    """Base units of input that buy `out`, rounded up. Raises QuoteOverflow."""
    amount = -(-(out << 64) // price_x64) if down else -(-out * price_x64 >> 64)
    if amount > U64_MAX:
        raise QuoteOverflow(f"a bin on the way would take {amount} in, more than 64 bits", program_error=TYPE_CAST_FAILED)
    return amount
