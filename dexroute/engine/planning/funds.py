"""What a plan needs, item by item, against what the wallet has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dexroute.engine.planning.swap_plan import SwapPlan
from dexroute.errors import InsufficientFunds
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.network import LAMPORTS_PER_SIGNATURE
from dexroute.types.orders import Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rents:
    """Lamports an account must hold: an empty wallet, and token accounts by their length in bytes."""

    wallet_lamports: int
    by_length: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Lamports by item, and the input token when it is not SOL. `temporary_rent_lamports` comes back in the same transaction but
    must be there for it."""

    token_amount: int
    sol_amount_lamports: int
    network_fee_lamports: int
    priority_fee_lamports: int
    rent_lamports: int
    temporary_rent_lamports: int
    tip_lamports: int = 0

    @property
    def lamports(self) -> int:
        return (
            self.sol_amount_lamports
            + self.network_fee_lamports
            + self.priority_fee_lamports
            + self.tip_lamports
            + self.rent_lamports
            + self.temporary_rent_lamports
        )


def needs_of(plan: SwapPlan, rents: Rents, *, priority_fee_lamports: int, tip_lamports: int = 0) -> Needs:
    """The most the plan can ask of the wallet at any moment of its execution."""
    native_input = plan.places[0].account is None
    return Needs(
        token_amount=0 if native_input else plan.max_amount_in,
        sol_amount_lamports=plan.max_amount_in if native_input else 0,
        network_fee_lamports=LAMPORTS_PER_SIGNATURE,
        priority_fee_lamports=priority_fee_lamports,
        tip_lamports=tip_lamports,
        rent_lamports=sum(rents.by_length[account.length] for account in plan.opened if not account.temporary),
        temporary_rent_lamports=sum(rents.by_length[account.length] for account in plan.opened if account.temporary),
    )


def expected_costs(needs: Needs) -> Costs:
    """What landing will cost beside the swap: rent that comes back in the same transaction is no cost."""
    return Costs(
        network_fee_lamports=needs.network_fee_lamports,
        priority_fee_lamports=needs.priority_fee_lamports,
        rent_lamports=needs.rent_lamports,
        other_lamports=needs.tip_lamports,
    )


def check_funds(plan: SwapPlan, needs: Needs, rents: Rents) -> None:
    """Raises InsufficientFunds naming every item with what is needed, and what the wallet has.

    A wallet must end empty or with an empty account's rent, or the cluster refuses the transaction. What the swap itself
    pays out in SOL counts for that end, not for the way there.
    """
    wallet, request = plan.wallet, plan.request
    if needs.token_amount:
        have = wallet.holdings[request.input_mint].amount or 0
        if have < needs.token_amount:
            account, unit = plan.places[0].account, f"base units of {request.input_mint}"
            raise InsufficientFunds(
                f"{wallet.user} holds {have} {unit} in its associated account {account}, and the swap can take "
                f"{needs.token_amount} {unit}; send {needs.token_amount - have} {unit} more or swap less",
                wallet=str(wallet.user),
                mint=str(request.input_mint),
                account=str(account),
                have=str(have),
                need=str(needs.token_amount),
                short=str(needs.token_amount - have),
                items=_items(needs),
            )
    returned = needs.temporary_rent_lamports + (plan.min_amount_out if plan.places[-1].account is None else 0)
    left = wallet.lamports - needs.lamports
    end = left + returned
    kept = rents.wallet_lamports if 0 < end < rents.wallet_lamports else 0
    if left < 0 or kept:
        need = needs.lamports + (kept - returned if kept else 0)
        items = {
            name.removesuffix("_lamports").replace("_", " "): int(value)
            for name, value in _items(needs).items()
            if int(value) and name != "token_amount"
        }
        if kept:
            items["wallet rent that must stay"] = kept
        spelled = ", ".join(f"{name} {value} lamports" for name, value in items.items())
        raise InsufficientFunds(
            f"{wallet.user} has {wallet.lamports} lamports and the swap needs {need} lamports ({spelled}); "
            f"add {need - wallet.lamports} lamports or swap less",
            wallet=str(wallet.user),
            mint=str(NATIVE_MINT),
            have=str(wallet.lamports),
            need=str(need),
            short=str(need - wallet.lamports),
            items={**_items(needs), "wallet_rent_lamports": str(kept)},
        )


def _items(needs: Needs) -> dict[str, Any]:
    return {
        "token_amount": str(needs.token_amount),
        "sol_amount_lamports": str(needs.sol_amount_lamports),
        "network_fee_lamports": str(needs.network_fee_lamports),
        "priority_fee_lamports": str(needs.priority_fee_lamports),
        "rent_lamports": str(needs.rent_lamports),
        "temporary_rent_lamports": str(needs.temporary_rent_lamports),
        "tip_lamports": str(needs.tip_lamports),
    }
