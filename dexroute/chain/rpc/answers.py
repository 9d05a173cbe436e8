"""The answers of a node as values: accounts, simulations, signature statuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solders.pubkey import Pubkey

from dexroute.chain.rpc.fields import Field
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, Commitment, HistoryEntry, SignatureStatus, Simulation, TransactionError


def account(field: Field) -> AccountData | None:
    """An account in base64 encoding, None where the answer is null: it does not exist."""
    if field.value is None:
        return None
    return AccountData(owner=field["owner"].pubkey(), lamports=field["lamports"].uint(), data=field["data"].base64())


def accounts_at_slot(answer: Field, addresses: Sequence[Pubkey]) -> AccountsAtSlot:
    """getMultipleAccounts."""
    found = answer["value"].items(len(addresses))
    return AccountsAtSlot(
        slot=answer["context"]["slot"].uint(),
        accounts={address: account(field) for address, field in zip(addresses, found, strict=True)},
    )


def keyed_accounts(answer: Field) -> dict[Pubkey, AccountData]:
    """getProgramAccounts and getTokenAccountsByOwner, with or without a context around the list."""
    entries = answer["value"] if answer.has("value") else answer
    found = {}
    for entry in entries.items():
        held = account(entry["account"])
        if held is None:
            raise entry["account"].wrong("an account")
        found[entry["pubkey"].pubkey()] = held
    return found


def transaction_error(raw: Any) -> TransactionError | None:
    """A transaction's `err`, None for null. Errors of a shape not known here stay errors, with their JSON as given."""
    if raw is None:
        return None
    match raw:
        case {"InstructionError": [int(index), {"Custom": int(code)}]}:
            return TransactionError(raw=raw, instruction_index=index, custom_code=code)
        case {"InstructionError": [int(index), _]}:
            return TransactionError(raw=raw, instruction_index=index)
    return TransactionError(raw=raw)


def simulation(answer: Field, addresses: Sequence[Pubkey]) -> Simulation:
    """simulateTransaction. After a failure there may be no accounts; then `post_accounts` is empty."""
    value = answer["value"]
    error = transaction_error(value["err"].value)
    logs = value.get("logs")
    units = value.get("unitsConsumed")
    if units is None and error is None:
        raise value.wrong("an object with 'unitsConsumed'")
    listed = value.get("accounts")
    if listed is None and addresses and error is None:
        raise value.wrong(f"an object with the {len(addresses)} 'accounts' asked for")
    return Simulation(
        slot=answer["context"]["slot"].uint(),
        error=error,
        logs=tuple(line.text() for line in logs.items()) if logs else (),
        units_consumed=units.uint() if units else 0,
        post_accounts=(
            {address: account(field) for address, field in zip(addresses, listed.items(len(addresses)), strict=True)}
            if listed
            else {}
        ),
    )


def signature_statuses(answer: Field, count: int) -> tuple[int, tuple[SignatureStatus | None, ...]]:
    """getSignatureStatuses: the context slot, and a status or None for each signature asked for."""
    return answer["context"]["slot"].uint(), tuple(_status(field) for field in answer["value"].items(count))


def history(answer: Field) -> tuple[HistoryEntry, ...]:
    """getSignaturesForAddress."""
    return tuple(
        HistoryEntry(
            signature=entry["signature"].text(), slot=entry["slot"].uint(), failed=transaction_error(entry["err"].value) is not None
        )
        for entry in answer.items()
    )


def _status(field: Field) -> SignatureStatus | None:
    if field.value is None:
        return None
    level = field.get("confirmationStatus")
    try:
        commitment = Commitment(level.text()) if level else _commitment_by_count(field)
    except ValueError:
        raise (level or field).wrong("processed, confirmed or finalized") from None
    return SignatureStatus(slot=field["slot"].uint(), commitment=commitment, error=_error_of(field))


def _error_of(status: Field) -> TransactionError | None:
    """`err`, or on servers without it the older `status`: {"Ok": null} or {"Err": ...}. Neither is malformed: never a guess."""
    if not status.has("err") and (older := status.get("status")) is not None:
        return None if older.has("Ok") else transaction_error(older["Err"].value)
    return transaction_error(status["err"].value)


def _commitment_by_count(field: Field) -> Commitment:
    """Nodes that do not state the level give the number of confirmations, null once rooted. Any number is taken as the least."""
    return Commitment.FINALIZED if field["confirmations"].value is None else Commitment.PROCESSED
