"""Adding and removing liquidity, to the last unit (programs/pool/README.md, section Liquidity).

A share is a claim on both reserves. The first deposit locks 1,000 units that nobody holds: inflating the price of one unit,
to round the next depositor's shares to nothing, then costs the attacker about a thousand times what it can take.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isqrt
from typing import Final

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PoolNotTradable, QuoteOverflow
from dexroute.fetchers.pool.error_codes import ErrorCode
from dexroute.fetchers.pool.pool import ADDING_OFF, REMOVING_OFF, DexroutePool
from dexroute.math.rounding import U64_MAX, mul_div_ceil, mul_div_floor
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee

LOCKED_LP: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityQuote:
    """`amounts` of a and b leave (adding) or reach (removing) the user; `lp` is minted to or burned by them. Base units."""

    amounts: tuple[int, int]
    lp: int
    next_pool: DexroutePool


def quote_add(pool: DexroutePool, max_amounts: tuple[int, int]) -> LiquidityQuote:
    """The deposit for at most these amounts (base units leaving the user, 0 to 2^64-1). Raises QuoteError."""
    if pool.status & ADDING_OFF:
        raise PoolNotTradable(
            f"pool {pool.address}: adding liquidity is switched off; use another pool", program_error=int(ErrorCode.AddingDisabled)
        )
    net = tuple(amount_after_fee(most, mint.transfer_fee) for most, mint in zip(max_amounts, pool.mints, strict=True))
    if pool.lp_supply == 0:
        shares = isqrt(net[0] * net[1])
        minted, deposited, amounts = shares - LOCKED_LP, (net[0], net[1]), max_amounts
    else:
        minted = shares = min(mul_div_floor(net[side], pool.lp_supply, pool.reserves[side]) for side in (0, 1))
        deposited = _pair(mul_div_ceil(shares, reserve, pool.lp_supply) for reserve in pool.reserves)
        amounts = _pair(amount_before_fee(part, mint.transfer_fee) for part, mint in zip(deposited, pool.mints, strict=True))
    if minted <= 0:
        raise AmountTooSmall(
            f"pool {pool.address}: {max_amounts[0]} and {max_amounts[1]} buy no share of it; add more",
            program_error=int(ErrorCode.AmountTooSmall),
        )
    reserves = (pool.reserves[0] + deposited[0], pool.reserves[1] + deposited[1])
    return LiquidityQuote(amounts=amounts, lp=minted, next_pool=_settled(pool, reserves, pool.lp_supply + shares))


def quote_remove(pool: DexroutePool, lp: int) -> LiquidityQuote:
    """What burning `lp` units (0 to 2^64-1) returns. Raises QuoteError."""
    if pool.status & REMOVING_OFF:
        raise PoolNotTradable(
            f"pool {pool.address}: removing liquidity is switched off; wait for its admin",
            program_error=int(ErrorCode.RemovingDisabled),
        )
    if lp == 0:
        raise AmountTooSmall(f"pool {pool.address}: removing nothing; burn at least 1", program_error=int(ErrorCode.AmountTooSmall))
    if lp > pool.lp_supply - LOCKED_LP:
        raise ExceedsLiquidity(
            f"pool {pool.address}: {lp} LP units are more than the {max(0, pool.lp_supply - LOCKED_LP)} anybody can hold",
            program_error=int(ErrorCode.InsufficientLiquidity),
        )
    leaving = _pair(mul_div_floor(lp, reserve, pool.lp_supply) for reserve in pool.reserves)
    amounts = _pair(amount_after_fee(part, mint.transfer_fee) for part, mint in zip(leaving, pool.mints, strict=True))
    reserves = (pool.reserves[0] - leaving[0], pool.reserves[1] - leaving[1])
    return LiquidityQuote(amounts=amounts, lp=lp, next_pool=_settled(pool, reserves, pool.lp_supply - lp))


def _settled(pool: DexroutePool, reserves: tuple[int, int], lp_supply: int) -> DexroutePool:
    if max(*reserves, lp_supply) > U64_MAX:
        raise QuoteOverflow(
            f"pool {pool.address}: reserves {reserves[0]} and {reserves[1]} with {lp_supply} LP units exceed 64 bits; add less",
            program_error=int(ErrorCode.MathOverflow),
        )
    sums = pool.sums.extended(pool.clock.unix_timestamp, pool.reserves)
    return replace(pool, reserves=reserves, lp_supply=lp_supply, sums=sums)


def _pair(values: Iterable[int]) -> tuple[int, int]:
    first, second = values
    return first, second
