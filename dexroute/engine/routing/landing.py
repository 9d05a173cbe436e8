"""What landing a route costs beside its amounts: compute units as a transaction asks for them, lamports, and their worth.

First guesses where nothing was simulated yet; planning measures before anything is signed. What is asked for is paid for, used or
not, so costs rest on the limit, margin included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from solders.pubkey import Pubkey

from dexroute.math.rounding import ceil_div
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.network import LAMPORTS_PER_SIGNATURE, MAX_COMPUTE_UNITS, MICRO_LAMPORTS
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode

OPENING_UNITS: Final = 30_000
"""A generous guess at opening one associated token account."""
OPENING_CALLS: Final = 4
"""Instructions that opening one makes programs execute beside itself: its length, its making, two of its initialization."""
WRAPPING_UNITS: Final = 15_000
"""A generous guess at wrapping and unwrapping SOL."""
# Between simulation and landing a pool may take a longer way (an oracle observation, another tick), but not a much longer one.
_MARGIN_PERCENT: Final = 15
_MARGIN: Final = 3_000
UNITS_APART: Final = 4_096
"""Ways `unit_limit` tells equal transactions apart. At a bid of 100,000 micro-lamports a unit the last costs 410 lamports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingCosts:
    """Lamports a candidate costs, so that ranking is net of them.

    `lamport_price`: base units of the ranked token (the output for exact in, the input for exact out) per lamport. Where it
    is None and the ranked token is not SOL itself, lamports cannot be compared with the output and do not rank: the tie-break
    on compute units is then all they decide. `rent_lamports` is what opening the user's account of a mint would lock up; only
    intermediate mints differ between candidates, so only those are counted. `tip_lamports` goes to whoever lands it. The price
    of compute units is paid for the transaction's limit, up to `priority_fee_cap_lamports`; `units` are what one swap of a pool was
    seen to take, in place of the venue's guess.
    """

    lamport_price: Price | None = None
    signature_lamports: int = LAMPORTS_PER_SIGNATURE
    compute_unit_price_micro_lamports: int = 0
    priority_fee_cap_lamports: int | None = None
    units: Mapping[Pubkey, int] = field(default_factory=dict)
    rent_lamports: Mapping[Pubkey, int] = field(default_factory=dict)
    tip_lamports: int = 0


def unit_limit(units: int, *, apart: int = 0) -> int:
    """The compute units a transaction asks for that is expected to take so many. Every `apart` below UNITS_APART gives another one:
    so many more, or, where there are no more, so many less than the most there may be."""
    limit = min(units * (100 + _MARGIN_PERCENT) // 100 + _MARGIN, MAX_COMPUTE_UNITS)
    return limit + apart if limit + apart <= MAX_COMPUTE_UNITS else MAX_COMPUTE_UNITS - apart


def transaction_units(
    swaps: Iterable[tuple[Pubkey, int]], input_mint: Pubkey, received: Collection[Pubkey], costs: LandingCosts
) -> int:
    """Compute units expected of a transaction: `swaps` are pools with their venue's guess, in place of which what was learned of a
    pool counts; `received` are the different mints that hops deliver, those without an account to be opened."""
    units = sum(costs.units.get(pool) or guess for pool, guess in swaps)
    units += OPENING_UNITS * sum(mint in costs.rent_lamports for mint in received)
    return units + WRAPPING_UNITS * (input_mint == NATIVE_MINT or NATIVE_MINT in received)


def landing_lamports(units: int, costs: LandingCosts) -> int:
    """Signature, tip, and what is bid for the limit of these units (rounded up, within the cap)."""
    bid = ceil_div(unit_limit(units) * costs.compute_unit_price_micro_lamports, MICRO_LAMPORTS)
    if costs.priority_fee_cap_lamports is not None:
        bid = min(bid, costs.priority_fee_cap_lamports)
    return costs.signature_lamports + costs.tip_lamports + bid


def rent_lamports(between: Iterable[Pubkey], costs: LandingCosts) -> int:
    """Rent of the accounts of intermediate mints that are to be opened, once each however many legs pass through."""
    return sum(costs.rent_lamports.get(mint, 0) for mint in between)


def lamport_price(request: QuoteRequest, costs: LandingCosts) -> Price | None:
    """Base units of the ranked mint per lamport; None where lamports cannot be valued."""
    ranked_mint = request.output_mint if request.mode is SwapMode.EXACT_IN else request.input_mint
    return costs.lamport_price or (Price(numerator=1, denominator=1) if ranked_mint == NATIVE_MINT else None)


def valued(lamports: int, price: Price | None) -> int:
    """Lamports in base units of the ranked mint, rounded up; 0 where they cannot be valued."""
    return ceil_div(lamports * price.numerator, price.denominator) if price is not None else 0
