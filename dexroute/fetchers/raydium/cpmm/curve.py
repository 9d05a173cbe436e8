"""What a CPMM swap does to reserves and fees, between the two token transfers.

Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/curve/{calculator,constant_product,fees}.rs. Where the
program unwraps a None it panics and the refusal carries no code; where it returns None the code is 6006.
"""

from __future__ import annotations

from dataclasses import dataclass

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteOverflow
from dexroute.math import cpmm
from dexroute.math.fee_rate import fee_inside, gross_for_net
from dexroute.math.rounding import PPM, U64_MAX, U128_MAX

ZERO_TRADING_TOKENS = 6006


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """Parts per million. Protocol and fund rates are shares of the trade fee; `creator_ppm` is 0 where it is switched off."""

    trade_ppm: int
    protocol_ppm: int
    fund_ppm: int
    creator_ppm: int


def swap_exact_in(
    net_in: int, reserve_in: int, reserve_out: int, rates: FeeRates, *, creator_on_input: bool
) -> tuple[int, int, int]:
    """(what leaves the vault, the trade fee, the creator's fee) for `net_in` base units that reached the other vault.

    The trade fee is in the input mint, the creator's in the input or output mint. Reserves are positive. Raises QuoteError.
    """
    if creator_on_input:
        total = fee_inside(net_in, rates.trade_ppm + rates.creator_ppm, PPM)
        creator_fee = _creator_share(total, rates)
        trade_fee = total - creator_fee
        less = net_in - total
    else:
        trade_fee = fee_inside(net_in, rates.trade_ppm, PPM)
        less = net_in - trade_fee
    if less < 0:
        raise PoolNotTradable("its fee rates take more than the input", program_error=ZERO_TRADING_TOKENS)
    swapped = cpmm.amount_out(less, reserve_in, reserve_out)
    if creator_on_input:
        return swapped, trade_fee, creator_fee
    creator_fee = fee_inside(swapped, rates.creator_ppm, PPM)
    if creator_fee > swapped:
        raise PoolNotTradable("its creator fee takes more than the output", program_error=ZERO_TRADING_TOKENS)
    return swapped - creator_fee, trade_fee, creator_fee


def swap_exact_out(
    amount_out: int, reserve_in: int, reserve_out: int, rates: FeeRates, *, creator_on_input: bool
) -> tuple[int, int, int]:
    """(what has to reach the vault, the trade fee, the creator's fee) for `amount_out` base units to leave the other vault.
    Reserves are positive. Raises QuoteError."""
    gross_out = amount_out
    if not creator_on_input:
        if rates.creator_ppm >= PPM:
            raise PoolNotTradable("its creator fee takes all of the output", program_error=ZERO_TRADING_TOKENS)
        gross_out = gross_for_net(amount_out, rates.creator_ppm, PPM)
    if gross_out >= reserve_out:
        raise ExceedsLiquidity(
            f"{gross_out} base units out would have to leave a reserve of {reserve_out} base units out; ask for less"
        )
    swapped = cpmm.amount_in(gross_out, reserve_in, reserve_out)
    rate_ppm = rates.trade_ppm + rates.creator_ppm if creator_on_input else rates.trade_ppm
    if rate_ppm >= PPM:
        raise PoolNotTradable("its fee rates leave nothing of any input")
    if rate_ppm > 0 and swapped * PPM > U128_MAX - PPM:
        raise QuoteOverflow(f"{swapped} in with fees overflows the program's arithmetic; ask for less")
    amount_in = gross_for_net(swapped, rate_ppm, PPM)
    fee = amount_in - swapped
    creator_fee = _creator_share(fee, rates) if creator_on_input else gross_out - amount_out
    trade_fee = fee - creator_fee if creator_on_input else fee
    if amount_in > U64_MAX:  # else the shares fit whatever the rates
        shares_of(trade_fee, rates)
    return amount_in, trade_fee, creator_fee


def shares_of(trade_fee: int, rates: FeeRates) -> tuple[int, int]:
    """(the protocol's, the fund's) part of a trade fee. Raises QuoteOverflow."""
    return _checked(trade_fee * rates.protocol_ppm) // PPM, _checked(trade_fee * rates.fund_ppm) // PPM


def _creator_share(total_fee: int, rates: FeeRates) -> int:
    rate_ppm = rates.trade_ppm + rates.creator_ppm
    if rate_ppm == 0:
        raise PoolNotTradable("its fee rates are all zero, and the program divides by them", program_error=ZERO_TRADING_TOKENS)
    return _checked(total_fee * rates.creator_ppm) // rate_ppm


def _checked(product: int) -> int:
    if product > U128_MAX:
        raise QuoteOverflow("a fee share overflows the program's arithmetic; ask for less", program_error=ZERO_TRADING_TOKENS)
    return product
