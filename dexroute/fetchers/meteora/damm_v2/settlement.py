"""What a swap writes into the pool account, and what it moves in the vaults.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/state/pool.rs (`apply_swap_result`, `update_post_swap`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dexroute.errors import ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.meteora.damm_v2.compounding import CompoundingCurve
from dexroute.fetchers.meteora.damm_v2.program_errors import MATH_OVERFLOW, TOKEN_INSUFFICIENT_FUNDS, checked
from dexroute.math.rounding import U64_MAX

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v2.dynamic_fee import DynamicFee
    from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSwap:
    """Base units. `amount_in` leaves the user's account, `reaching` of it enters the vault, `swapped_in` of it meets the curve;
    `leaving` goes out of the other vault, `amount_out` of it arrives. `fee` is what the pool charges, on the input or on the
    output."""

    amount_in: int
    reaching: int
    swapped_in: int
    leaving: int
    amount_out: int
    fee: int
    fee_on_input: bool
    sqrt_price_x64: int | None


def settlement(pool: DammV2Pool, swap: CoreSwap, index_in: int, dynamic: DynamicFee | None) -> Callable[[], DammV2Pool]:
    """What makes the pool after the swap, as the next one finds it; `dynamic` is the dynamic fee as this swap found it.
    Raises QuoteError, at once, where the program's bookkeeping fails."""
    fee_index = 0 if pool.collect_fee_mode == 0 and index_in == 1 else 1
    split = pool.fees.split(swap.fee)
    if pool.liquidity == 0:
        raise ExceedsLiquidity("it holds no liquidity to share the fee; use another pool", program_error=MATH_OVERFLOW)
    protocol_fees = _plus(pool.protocol_fees, fee_index, split.protocol, "the protocol's fees")
    protocol_fees_ever = _plus(pool.protocol_fees_ever, fee_index, split.protocol, "the protocol's fees ever")
    amounts = _plus(pool.amounts, index_in, swap.swapped_in, "the reserve")
    given = swap.leaving if swap.fee_on_input else swap.leaving + swap.fee
    amounts = _plus(amounts, 1 - index_in, -given, "the reserve")
    amounts = _plus(amounts, 1, split.compounding, "the reserve")
    sqrt_price_x64 = swap.sqrt_price_x64
    if sqrt_price_x64 is None:
        sqrt_price_x64 = CompoundingCurve(amounts=amounts).sqrt_price_x64()
    stored = dynamic.stored_after(pool.sqrt_price_x64, sqrt_price_x64, pool.clock.unix_timestamp) if dynamic else None
    return partial(
        _settled,
        pool,
        dynamic,
        stored,
        vault_amounts=_moved(pool.vault_amounts, swap, index_in),
        amounts=amounts,
        protocol_fees=protocol_fees,
        protocol_fees_ever=protocol_fees_ever,
        sqrt_price_x64=sqrt_price_x64,
    )


def _settled(pool: DammV2Pool, dynamic: DynamicFee | None, stored: tuple[int, int] | None, **changed: Any) -> DammV2Pool:
    fees = pool.fees
    if dynamic is not None and stored is not None:
        volatility, last_update = stored
        fees = replace(fees, dynamic=replace(dynamic, volatility=volatility, last_update=last_update))
    return replace(pool, fees=fees, **changed)


def _moved(vault_amounts: tuple[int, int], swap: CoreSwap, index_in: int) -> tuple[int, int]:
    vault_in = vault_amounts[index_in] + swap.reaching
    vault_out = vault_amounts[1 - index_in] - swap.leaving
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")
    if vault_out < 0:
        raise ExceedsLiquidity(
            f"{swap.leaving} would have to leave a vault that holds {vault_amounts[1 - index_in]}; ask for less",
            program_error=TOKEN_INSUFFICIENT_FUNDS,
        )
    return (vault_in, vault_out) if index_in == 0 else (vault_out, vault_in)


def _plus(pair: tuple[int, int], index: int, amount: int, what: str) -> tuple[int, int]:
    changed = checked(pair[index] + amount, what)
    return (changed, pair[1]) if index == 0 else (pair[0], changed)
