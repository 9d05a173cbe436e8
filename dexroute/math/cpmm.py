"""The constant-product curve x * y = k between two reserves. Every rounding is in the pool's favour.

Fees are no part of it: callers take them off the input or the output (`math.fee_rate`, `math.transfer_fee`).
Source of the formulas: raydium-io/raydium-cp-swap, programs/cp-swap/src/curve/constant_product.rs
(`swap_base_input_without_fees`, `swap_base_output_without_fees`); programs/pool/README.md, section Swap.
"""

from __future__ import annotations


def amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """Base units paid for `amount_in`: floor(reserve_out * in / (reserve_in + in)); always below `reserve_out`.

    Raises ValueError when nothing goes in and nothing is there (no price exists).
    """
    if amount_in < 0 or reserve_in < 0 or reserve_out < 0 or amount_in + reserve_in == 0:
        raise ValueError(f"no constant-product price for {amount_in} in over reserves {reserve_in} and {reserve_out}")
    return reserve_out * amount_in // (reserve_in + amount_in)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int) -> int:
    """Base units owed for `amount_out`: ceil(reserve_in * out / (reserve_out - out)).

    Raises ValueError when `amount_out` is not below `reserve_out`: no input buys a whole reserve.
    """
    if amount_out < 0 or reserve_in < 0 or amount_out >= reserve_out:
        raise ValueError(f"{amount_out} out cannot be bought from a reserve of {reserve_out}")
    return -(-reserve_in * amount_out // (reserve_out - amount_out))
