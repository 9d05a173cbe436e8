"""What a transaction did, as Agave's UiTransactionStatusMeta."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.resolved import ResolvedMessage
from dexroute.localnet.runtime import Execution
from dexroute.localnet.token_layout import holding, mint_facts, ui_amount

AccountLookup = Callable[[Pubkey], StoredAccount | None]


def transaction_meta(
    resolved: ResolvedMessage,
    execution: Execution,
    before: Mapping[Pubkey, StoredAccount | None],
    present: AccountLookup,
) -> dict[str, Any]:
    """The meta of a landed transaction. `before` holds its writable accounts as they were; `present` reads what is now, and
    thereby the read-only accounts and the mints."""

    present = cache(present)  # a program's account is copied whole with every look

    def was(address: Pubkey) -> StoredAccount | None:
        return before[address] if address in before else present(address)

    def became(address: Pubkey) -> StoredAccount | None:
        return execution.post[address] if address in execution.post else present(address)

    meta: dict[str, Any] = {
        "err": execution.error,
        "status": {"Ok": None} if execution.error is None else {"Err": execution.error},
        "fee": execution.fee_lamports,
        "preBalances": [_lamports(was(key)) for key in resolved.keys],
        "postBalances": [_lamports(became(key)) for key in resolved.keys],
        "innerInstructions": list(execution.inner_instructions),
        "logMessages": list(execution.logs),
        "preTokenBalances": _token_balances(resolved, was, (was, became)),
        "postTokenBalances": _token_balances(resolved, became, (became, was)),
        "rewards": [],
        "loadedAddresses": {
            "writable": [str(key) for key in resolved.loaded_writable],
            "readonly": [str(key) for key in resolved.loaded_readonly],
        },
        "computeUnitsConsumed": execution.units_consumed,
    }
    if execution.return_data is not None:
        meta["returnData"] = return_data(execution)
    return meta


def return_data(execution: Execution) -> dict[str, Any] | None:
    """Agave's UiTransactionReturnData."""
    if execution.return_data is None:
        return None
    program_id, data = execution.return_data
    return {"programId": str(program_id), "data": [base64.b64encode(data).decode(), "base64"]}


def _lamports(account: StoredAccount | None) -> int:
    return 0 if account is None else account.lamports


def _token_balances(
    resolved: ResolvedMessage, read: AccountLookup, mints: tuple[AccountLookup, AccountLookup]
) -> list[dict[str, Any]]:
    """One entry for each token account among the keys. A mint made or closed by the transaction is found on
    the other side of it."""
    balances = []
    for index, key in enumerate(resolved.keys):
        account = read(key)
        token = holding(account)
        if account is None or token is None:
            continue
        mint = mint_facts(mints[0](token.mint)) or mint_facts(mints[1](token.mint))
        if mint is None:
            continue
        balances.append(
            {
                "accountIndex": index,
                "mint": str(token.mint),
                "owner": str(token.owner),
                "programId": str(account.owner),
                "uiTokenAmount": ui_amount(token.amount, mint.decimals),
            }
        )
    return balances
