"""Token-2022 transfer fees, as the token program computes them.

Source: solana-program/token-2022, interface/src/extension/transfer_fee/mod.rs (`TransferFee::calculate_fee`,
`calculate_pre_fee_amount`, `calculate_inverse_fee`).
"""

from __future__ import annotations

from dexroute.math.rounding import BPS, ceil_div
from dexroute.types.mints import TransferFee


def transfer_fee_on(amount: int, fee: TransferFee | None) -> int:
    """Base units withheld when `amount` is sent: min(ceil(amount * bps / 10_000), maximum); 0 without a fee."""
    if fee is None or fee.bps == 0 or amount == 0:
        return 0
    return min(ceil_div(amount * fee.bps, BPS), fee.maximum)


def amount_after_fee(amount: int, fee: TransferFee | None) -> int:
    """What arrives when `amount` is sent."""
    if fee is None:
        return amount
    return amount - transfer_fee_on(amount, fee)


def amount_before_fee(net: int, fee: TransferFee | None) -> int:
    """What the venues' programs send so that at least `net` arrives: net plus the fee of the pre-fee amount.

    bps 10_000: net + maximum. Else pre = ceil(net * 10_000 / (10_000 - bps)), or net + maximum once pre - net reaches it;
    the result is net + fee(pre), which can be one unit less than pre. May exceed u64: the caller refuses that.
    """
    if fee is None or fee.bps == 0 or net == 0:
        return net
    if fee.bps >= BPS:
        return net + fee.maximum
    pre = ceil_div(net * BPS, BPS - fee.bps)
    if pre - net >= fee.maximum:
        pre = net + fee.maximum
    return net + transfer_fee_on(pre, fee)
