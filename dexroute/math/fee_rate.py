"""Proportional fees: a part of a gross amount, or the gross amount that leaves a wanted net. Fees round up.

`rate` and `scale` share a unit: ppm over 1_000_000, bps over 10_000, or parts of 10**9.
"""

from __future__ import annotations


def fee_inside(gross: int, rate: int, scale: int) -> int:
    """Base units of fee contained in `gross`: ceil(gross * rate / scale)."""
    return -(-gross * rate // scale)


def gross_for_net(net: int, rate: int, scale: int) -> int:
    """Gross amount for `net` to remain: ceil(net * scale / (scale - rate)); `net` itself without a rate.

    Raises ValueError for rate >= scale: nothing would remain of any amount.
    """
    if rate >= scale:
        raise ValueError(f"a fee of {rate} parts of {scale} leaves nothing")
    return -(-net * scale // (scale - rate))
