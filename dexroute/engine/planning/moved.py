"""What a successful simulation moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solders.pubkey import Pubkey

from dexroute.engine.planning.screening import Evidence
from dexroute.engine.planning.swap_plan import SwapPlan, TokenPlace
from dexroute.errors import RpcError
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.types.accounts import AccountData
from dexroute.types.chain import Simulation
from dexroute.types.orders import Residual, SwapAmounts


def moved_amounts(
    plan: SwapPlan,
    measured: Simulation,
    proved: Simulation,
    evidence: Evidence | None,
    *,
    taken_lamports: int,
    priority_lamports: int,
) -> tuple[SwapAmounts, tuple[Residual, ...]]:
    """What the swap took from and paid to the wallet, and what it left of intermediate mints, those of nothing omitted.
    `taken_lamports` (network fee, tip and rent) are apart. Figures for people, never a limit. Raises RpcError when the node left
    out an account it was asked for.

    `measured` bids nothing, so it tells lamports to the last one, where what was `proved` may have paid the priority fee: nodes
    disagree on that. Where the two differ by more, another transaction of the wallet is in one of them, and the one nearer to the
    quote counts.
    """
    changes = _changes(plan, measured, _planned_on(plan), taken_lamports)
    if evidence is not None:
        quoted = plan.quote
        before = [_balance(plan, place, evidence.before) for place in plan.places]
        alone = _changes(plan, proved, before, taken_lamports)
        explained = [{0, priority_lamports} if place.account is None else {0} for place in plan.places]
        if not all(abs(a - b) in apart for a, b, apart in zip(changes, alone, explained, strict=True)):
            changes = min(changes, alone, key=lambda told: (abs(told[0] + quoted.amount_in), abs(told[-1] - quoted.amount_out)))
    paid, *between, received = changes
    amounts = zip(plan.places[1:-1], between, strict=True)
    residuals = tuple(Residual(mint=place.mint, amount=amount) for place, amount in amounts if amount)
    return SwapAmounts(amount_in=-paid, amount_out=received), residuals


def _planned_on(plan: SwapPlan) -> list[int]:
    wallet = plan.wallet
    return [wallet.lamports if place.account is None else wallet.holdings[place.mint].amount or 0 for place in plan.places]


def _changes(plan: SwapPlan, simulation: Simulation, before: Sequence[int], taken_lamports: int) -> list[int]:
    """Balance changes by place. At most one place is native, so all lamports that fee and rent do not explain are its own."""
    changes = []
    for place, had in zip(plan.places, before, strict=True):
        address = place.account or plan.wallet.user
        if address not in simulation.post_accounts:
            raise RpcError(
                f"the node simulated at slot {simulation.slot} without returning account {address}; use another RPC endpoint",
                account=str(address),
            )
        apart = taken_lamports if place.account is None else 0
        changes.append(_balance(plan, place, simulation.post_accounts) + apart - had)
    return changes


def _balance(plan: SwapPlan, place: TokenPlace, accounts: Mapping[Pubkey, AccountData | None]) -> int:
    account = accounts.get(place.account or plan.wallet.user)
    if account is None:
        return 0
    if place.account is None:
        return account.lamports
    return Reader(account.data).u64(64) if len(account.data) >= TOKEN_ACCOUNT_LENGTH else 0
