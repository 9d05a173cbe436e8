"""What landing a route costs beside its amounts, in the token it is ranked by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.priority_fee import PriorityFeePolicy, wished_price
from dexroute.engine.planning.tip import Tip
from dexroute.engine.planning.token_accounts import associated_token_address
from dexroute.engine.routing import LandingCosts
from dexroute.errors import QuoteError
from dexroute.fetchers.base import Pool
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode

# Opening an associated account of a plain mint locks this much; Token-2022 ones a little more. Ranking only: planning asks the
# cluster for the rent that is really paid.
_ACCOUNT_RENT_LAMPORTS: Final = 2_039_280
_MOST_ACCOUNTS: Final = 24


def possible_accounts(
    wallet: Pubkey, mints: Iterable[Pubkey], programs: Mapping[Pubkey, Pubkey] | None = None
) -> dict[Pubkey, Pubkey]:
    """Where a wallet may hold these mints, as {address: mint}: under the mint's token program where `programs` tells it, else under
    either, since only reading the mint would tell. At most two dozen accounts, those of the first mints; SOL needs none."""
    known = programs or {}
    places: dict[Pubkey, Pubkey] = {}
    for mint in dict.fromkeys(mints):
        either = (known[mint],) if mint in known else (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
        if mint != NATIVE_MINT and len(places) + len(either) <= _MOST_ACCOUNTS:
            held = (Mint(address=mint, decimals=0, token_program=program) for program in either)
            places |= {associated_token_address(wallet, one): mint for one in held}
    return places


def mints_held(places: Mapping[Pubkey, Pubkey], accounts: Mapping[Pubkey, AccountData | None]) -> frozenset[Pubkey]:
    """Mints the wallet has an account of (`places` as `possible_accounts` gave them). Lamports that somebody sent to where one
    would be make none."""
    found = ((mint, accounts.get(address)) for address, mint in places.items())
    return frozenset(mint for mint, account in found if account is not None and account.data)


def landing_costs(
    pools: Iterable[Pool],
    request: QuoteRequest,
    places: Mapping[Pubkey, Pubkey],
    accounts: Mapping[Pubkey, AccountData | None],
    fee: PriorityFeePolicy,
    *,
    samples: Sequence[Sequence[int]] = (),
    tip: Tip | None = None,
    units: Mapping[Pubkey, int] | None = None,
) -> LandingCosts:
    """Costs for ranking: lamports valued by the median spot price of the pools that hold SOL and the ranked token (not valued where
    there is none), the price per compute unit that the policy bids over recent `samples` (by node), its cap, the tip, and the
    rent of accounts the wallet does not have yet (`places` as `possible_accounts` gave them). `units` are compute units of one
    swap learned per pool."""
    ranked = request.output_mint if request.mode is SwapMode.EXACT_IN else request.input_mint
    open_already = mints_held(places, accounts)
    prices: list[Fraction] = []
    rents: dict[Pubkey, int] = {}
    for pool in pools:
        mints = {mint.address for mint in pool.mints}
        rents |= dict.fromkeys(mints - {NATIVE_MINT} - open_already, _ACCOUNT_RENT_LAMPORTS)
        if {NATIVE_MINT, ranked} <= mints and ranked != NATIVE_MINT and pool.tradable().ok:
            try:
                prices.append(pool.spot_price(NATIVE_MINT, ranked).ratio)
            except QuoteError:
                continue
    price = None
    if prices:
        median = sorted(prices)[len(prices) // 2]
        price = Price(numerator=median.numerator, denominator=median.denominator)
    return LandingCosts(
        lamport_price=price,
        compute_unit_price_micro_lamports=wished_price(fee, samples),
        priority_fee_cap_lamports=fee.cap_lamports,
        units={} if units is None else units,
        rent_lamports=rents,
        tip_lamports=0 if tip is None else tip.lamports,
    )
