"""Limits a caller signs: what the chain enforces when the market moved between quote and swap."""

from __future__ import annotations

from dexroute.math.rounding import BPS, U64_MAX, ceil_div


def min_amount_out(amount_out: int, slippage_bps: int) -> int:
    """Least output accepted: amount_out * (10_000 - slippage_bps) // 10_000 (rounded down, as architecture section 4 fixes it)."""
    return amount_out * (BPS - slippage_bps) // BPS


def max_amount_in(amount_in: int, slippage_bps: int) -> int:
    """Most input spent: amount_in * (10_000 + slippage_bps) / 10_000 rounded up, never more than a u64 holds."""
    return min(ceil_div(amount_in * (BPS + slippage_bps), BPS), U64_MAX)
