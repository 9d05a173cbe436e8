"""What a swap writes into the pool account, and what it moves in the vaults.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/state/pool.rs (`apply_swap_result`, `update_post_swap`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dexroute.errors import ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.meteora.damm_v2.compounding import CompoundingCurve
from dexroute.fetchers.meteora.damm_v2.program_errors import MATH_OVERFLOW, TOKEN_INSUFFICIENT_FUNDS, checked
from dexroute.math.rounding import U64_MAX

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v2.dynamic_fee import DynamicFee
    from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool


class CoreSwap(NamedTuple):
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


class Settlement(NamedTuple):
    """What a swap changes in the pool account, beside what it moves. `dynamic` is the dynamic fee as the swap found it,
    `stored` what it leaves there."""

    amounts: tuple[int, int]
    protocol_fees: tuple[int, int]
    protocol_fees_ever: tuple[int, int]
    sqrt_price_x64: int
    dynamic: DynamicFee | None
    stored: tuple[int, int] | None

    def pool_after(self, pool: DammV2Pool, swap: CoreSwap, index_in: int) -> DammV2Pool:
        """The pool as the next swap finds it."""
        fees = pool.fees
        if self.dynamic is not None and self.stored is not None:
            volatility, last_update = self.stored
            fees = replace(fees, dynamic=replace(self.dynamic, volatility=volatility, last_update=last_update))
        vault_in, vault_out = pool.vault_amounts[index_in] + swap.reaching, pool.vault_amounts[1 - index_in] - swap.leaving
        return replace(
            pool,
            fees=fees,
            vault_amounts=(vault_in, vault_out) if index_in == 0 else (vault_out, vault_in),
            amounts=self.amounts,
            protocol_fees=self.protocol_fees,
            protocol_fees_ever=self.protocol_fees_ever,
            sqrt_price_x64=self.sqrt_price_x64,
        )


def settlement(pool: DammV2Pool, swap: CoreSwap, index_in: int, dynamic: DynamicFee | None) -> Settlement:
    """What the swap writes; `dynamic` is the dynamic fee as it found it. Raises QuoteError where the program's books fail."""
    protocol, compounding = pool.fees.split(swap.fee)
    if pool.liquidity == 0:
        raise ExceedsLiquidity("it holds no liquidity to share the fee; use another pool", program_error=MATH_OVERFLOW)
    fee_in_a = pool.collect_fee_mode == 0 and index_in == 1
    protocol_fees = _with_fee(pool.protocol_fees, fee_in_a, protocol, "the protocol's fees")
    protocol_fees_ever = _with_fee(pool.protocol_fees_ever, fee_in_a, protocol, "the protocol's fees ever")
    given = swap.leaving if swap.fee_on_input else swap.leaving + swap.fee
    after_in = checked(pool.amounts[index_in] + swap.swapped_in, "the reserve")
    after_out = checked(pool.amounts[1 - index_in] - given, "the reserve")
    a, b = (after_in, after_out) if index_in == 0 else (after_out, after_in)
    amounts = a, checked(b + compounding, "the reserve")
    sqrt_price_x64 = swap.sqrt_price_x64
    if sqrt_price_x64 is None:
        sqrt_price_x64 = CompoundingCurve(amounts=amounts).sqrt_price_x64()
    stored = dynamic.stored_after(pool.sqrt_price_x64, sqrt_price_x64, pool.clock.unix_timestamp) if dynamic else None
    _require_vaults(pool.vault_amounts[index_in] + swap.reaching, pool.vault_amounts[1 - index_in], swap.leaving)
    return Settlement(amounts, protocol_fees, protocol_fees_ever, sqrt_price_x64, dynamic, stored)


def _require_vaults(vault_in: int, vault_out: int, leaving: int) -> None:
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")
    if leaving > vault_out:
        raise ExceedsLiquidity(
            f"{leaving} base units out would have to leave a vault that holds {vault_out} base units out; ask for less",
            program_error=TOKEN_INSUFFICIENT_FUNDS,
        )


def _with_fee(owed: tuple[int, int], in_a: bool, fee: int, what: str) -> tuple[int, int]:
    return (checked(owed[0] + fee, what), owed[1]) if in_a else (owed[0], checked(owed[1] + fee, what))
