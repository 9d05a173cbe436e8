"""The simulated outcome: exactly what the swap may do to the wallet's own accounts, and nothing else to any of them.

Token account layout: solana-program/token interface/src/state.rs: mint 0, owner 32, amount 64, delegate 72, state 108, native
reserve 109, delegated amount 121, close authority 129. Token-2022 puts its extensions behind.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.engine.planning.screening.evidence import Evidence, is_token_account_of
from dexroute.engine.planning.screening.policy import SwapBounds, refused
from dexroute.errors import PolicyRefused, RpcError
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT

_AMOUNT: Final = slice(64, 72)
_POWERS: Final = (slice(0, 64), slice(72, 109), slice(121, 165))  # mint and owner; delegate and state; delegated amount, closer


def check_balances(
    bounds: SwapBounds,
    own: tuple[Pubkey, ...],
    opened: dict[Pubkey, Pubkey],
    evidence: Evidence,
    *,
    fixed_lamports: int,
    priority_lamports: int,
) -> None:
    """Hold the change of each of the wallet's accounts to the order.

    `own` are the wallet and its token accounts the message names, `opened` those it opens, with their mint. `fixed_lamports`
    (network fee and tips) are certain to be taken; nodes disagree on whether a simulation takes the priority fee, so either is
    right. SOL counts over the wallet and its token accounts together: rent moved into an account of our own is still ours. Raises
    PolicyRefused, and RpcError when the node left an account out.
    """
    changes: defaultdict[Pubkey, int] = defaultdict(int)
    lamports = 0
    temporary_sol = NATIVE_MINT in opened.values()
    for key in dict.fromkeys((*own, *opened)):
        if key not in evidence.after:
            raise RpcError(f"the node simulated without returning account {key}; use another RPC endpoint", account=str(key))
        before, after = evidence.before.get(key), evidence.after[key]
        lamports += (after.lamports if after else 0) - (before.lamports if before else 0)
        if key == bounds.wallet:
            check_wallet(key, before, after)
            continue
        mint, change = _token_change(bounds, key, opened.get(key), before, after)
        if mint == NATIVE_MINT:
            if change and temporary_sol and key not in opened:
                raise _moved(key, "wrapped SOL it keeps", change)
        elif mint in bounds.mints:
            changes[mint] += change
        elif change:
            raise _moved(key, str(mint), change)
    _check_tokens(bounds, changes)
    _check_sol(bounds, lamports + fixed_lamports, priority_lamports)


def check_wallet(key: Pubkey, before: AccountData | None, after: AccountData | None) -> None:
    if before is None or before.owner != SYSTEM_PROGRAM_ID or before.data:
        raise refused("wallet", f"the wallet {key} does not exist or is no plain system account", account=str(key))
    if after is not None and (after.owner != SYSTEM_PROGRAM_ID or after.data):
        raise refused("wallet", f"the wallet {key} itself would be handed to program {after.owner}", account=str(key))


def _token_change(
    bounds: SwapBounds, key: Pubkey, opened_mint: Pubkey | None, before: AccountData | None, after: AccountData | None
) -> tuple[Pubkey, int]:
    """(mint, base units gained) of a token account of ours that stays as it is in everything but its amount."""
    existed = before is not None and is_token_account_of(bounds.wallet, before)
    exists = after is not None and is_token_account_of(bounds.wallet, after)
    if after is not None and after.data and not exists:
        raise _power(key, "would belong to somebody else")
    if existed and not exists:
        raise _power(key, "would be closed")
    if not exists:
        if opened_mint is None:
            raise _power(key, "would not be there")
        return opened_mint, 0  # opened and closed again
    assert after is not None
    mint = Pubkey(after.data[:32])
    if not existed or before is None:
        if mint != opened_mint:
            raise _power(key, f"would be opened for another mint, {mint}")
        if any(after.data[72:76]) or any(after.data[129:133]) or after.data[108] != 1:
            raise _power(key, "would be opened with a delegate, another closer, or frozen")
        return mint, _amount(after)
    if before.owner != after.owner or len(before.data) != len(after.data):
        raise _power(key, "would be of another program or length")
    if any(before.data[part] != after.data[part] for part in _POWERS):
        raise _power(key, "would have another mint, owner, delegate, state or closer")
    return mint, _amount(after) - _amount(before)


def _check_tokens(bounds: SwapBounds, changes: dict[Pubkey, int]) -> None:
    for mint in bounds.mints - {NATIVE_MINT}:
        change = changes.get(mint, 0)
        if mint == bounds.input_mint:
            _check_spent(bounds, -change)
        elif mint == bounds.output_mint:
            _check_received(bounds, change)
        elif change < 0:
            raise refused("balance", f"it would take {-change} base units of {mint}, which is only passed through", mint=str(mint))


def _check_sol(bounds: SwapBounds, change: int, priority_lamports: int) -> None:
    """`change` has the certain costs taken out; the priority fee may be in it or not."""
    if bounds.input_mint == NATIVE_MINT:
        if not 0 < -change <= bounds.max_amount_in + priority_lamports:
            _check_spent(bounds, -change)
            raise refused("balance", f"it would spend {-change} lamports")
    elif bounds.output_mint == NATIVE_MINT:
        _check_received(bounds, change + priority_lamports)
    elif NATIVE_MINT in bounds.mints:
        if change + priority_lamports < 0:
            raise refused("balance", f"it would take {-change} lamports beyond its fees, and SOL is only passed through")
    elif change not in (0, -priority_lamports):
        raise refused("balance", f"it would move {change} lamports that fees and rent do not explain", lamports=str(change))


def _check_spent(bounds: SwapBounds, spent: int) -> None:
    if not 0 < spent <= bounds.max_amount_in:
        raise refused(
            "balance",
            f"it would spend {spent} base units of {bounds.input_mint} and the order allows {bounds.max_amount_in}",
            mint=str(bounds.input_mint),
            spent=str(spent),
            max_amount_in=str(bounds.max_amount_in),
        )


def _check_received(bounds: SwapBounds, received: int) -> None:
    if received < bounds.min_amount_out:
        raise refused(
            "balance",
            f"it would bring {received} base units of {bounds.output_mint} and the order demands {bounds.min_amount_out}",
            mint=str(bounds.output_mint),
            received=str(received),
            min_amount_out=str(bounds.min_amount_out),
        )


def _amount(account: AccountData) -> int:
    return int.from_bytes(account.data[_AMOUNT], "little")


def _moved(key: Pubkey, what: str, change: int) -> PolicyRefused:
    return refused(
        "balance",
        f"it would change {key} by {change} of {what}, which the order is not about",
        account=str(key),
        change=str(change),
    )


def _power(key: Pubkey, what: str) -> PolicyRefused:
    return refused("account", f"the wallet's token account {key} {what}", account=str(key))
