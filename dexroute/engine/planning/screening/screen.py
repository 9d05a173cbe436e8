"""All of it: a message is signed when this function returns."""

from __future__ import annotations

from dataclasses import dataclass

from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning.priority_fee import priority_fee_lamports
from dexroute.engine.planning.screening.balances import check_balances
from dexroute.engine.planning.screening.calls import calls_of, named_accounts, tables_in
from dexroute.engine.planning.screening.evidence import Evidence, own_accounts
from dexroute.engine.planning.screening.policy import SigningPolicy, SwapBounds, refused
from dexroute.engine.planning.screening.rules import Ledger, check_call
from dexroute.engine.planning.screening.swaps import check_swaps
from dexroute.types.network import DEFAULT_COMPUTE_UNITS, LAMPORTS_PER_SIGNATURE, MAX_COMPUTE_UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What was found, lamports."""

    network_fee_lamports: int
    priority_fee_lamports: int
    tip_lamports: int
    calls: int


def screen(message: MessageV0, bounds: SwapBounds, policy: SigningPolicy, evidence: Evidence) -> Screened:
    """Hold a message against policy and order. Raises PolicyRefused saying which rule it breaks, and RpcError where the
    node left gaps in the evidence."""
    check_signers(message, bounds.wallet)
    _check_mints(bounds, policy)
    keys = named_accounts(message, tables_in(message, evidence.before))
    calls = calls_of(message, keys)
    ledger = Ledger()
    for call in calls:
        check_call(call, bounds, policy, ledger)
    if ledger.temporary != ledger.closed:
        raise refused("close", "it leaves a temporary account open, with what is in it")
    priority = check_fees(ledger, policy)
    check_balances(
        bounds,
        own_accounts(bounds.wallet, keys, evidence.before),
        ledger.opened,
        evidence,
        fixed_lamports=LAMPORTS_PER_SIGNATURE + ledger.tip_lamports,
        priority_lamports=priority,
    )
    check_swaps(calls, bounds, policy, ledger.opened, evidence.before)
    return Screened(
        network_fee_lamports=LAMPORTS_PER_SIGNATURE,
        priority_fee_lamports=priority,
        tip_lamports=ledger.tip_lamports,
        calls=len(calls),
    )


def check_fees(ledger: Ledger, policy: SigningPolicy) -> int:
    """The priority fee in lamports. Raises PolicyRefused when it and the network fee are more than the policy allows."""
    units = DEFAULT_COMPUTE_UNITS * ledger.others if ledger.units is None else ledger.units
    priority = priority_fee_lamports(min(units, MAX_COMPUTE_UNITS), ledger.price_micro_lamports)
    if LAMPORTS_PER_SIGNATURE + priority > policy.max_fee_lamports:
        raise refused(
            "fee",
            f"its fees are {LAMPORTS_PER_SIGNATURE + priority} lamports and the policy allows {policy.max_fee_lamports} "
            "(policy_max_fee_lamports)",
            fee_lamports=str(LAMPORTS_PER_SIGNATURE + priority),
            cap_lamports=str(policy.max_fee_lamports),
        )
    return priority


def check_signers(message: MessageV0, wallet: Pubkey) -> None:
    """The wallet alone pays and signs. Raises PolicyRefused."""
    payer = message.account_keys[0] if message.account_keys else None
    if payer != wallet:
        raise refused("fee-payer", f"its fee payer is {payer}, not the wallet {wallet}", payer=str(payer))
    if message.header.num_required_signatures != 1 or message.header.num_readonly_signed_accounts:
        signers = [str(key) for key in message.account_keys[: message.header.num_required_signatures]]
        raise refused("signers", f"it needs {len(signers)} signatures, and only the wallet signs", signers=signers)


def _check_mints(bounds: SwapBounds, policy: SigningPolicy) -> None:
    if policy.only_mints is not None:
        for mint in (bounds.input_mint, bounds.output_mint):
            if mint not in policy.only_mints:
                raise refused("mint", f"{mint} is not among the mints the policy allows (policy_mints)", mint=str(mint))
    limit = policy.order_limits.get(bounds.input_mint)
    if limit is not None and bounds.max_amount_in > limit:
        raise refused(
            "order-limit",
            f"the order may spend {bounds.max_amount_in} base units of {bounds.input_mint} and the policy allows {limit} "
            f"base units of {bounds.input_mint} an order (policy_order_limits)",
            mint=str(bounds.input_mint),
            max_amount_in=str(bounds.max_amount_in),
            limit=str(limit),
        )
