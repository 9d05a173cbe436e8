"""Landed transactions as RPC writes them (agave transaction-status: encode_ui_transaction)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from dexroute.localnet import base58
from dexroute.localnet.record import TransactionRecord
from dexroute.localnet.resolved import ResolvedMessage
from dexroute.localnet.rpc.failure import UNSUPPORTED_TRANSACTION_VERSION, RpcFailure
from dexroute.localnet.rpc.parsed_instructions import MEMO_PROGRAMS, parsed_inner_instructions, parsed_instruction

ENCODINGS: Final = ("json", "jsonParsed", "base58", "base64", "binary")


def rendered(record: TransactionRecord, encoding: str, max_version: int | None) -> dict[str, Any]:
    """`transaction`, `meta` and `version`. Raises RpcFailure -32015 for a versioned transaction nobody said they understand."""
    transaction = VersionedTransaction.from_bytes(record.wire)
    versioned = isinstance(transaction.message, MessageV0)
    if versioned and max_version is None:
        raise RpcFailure(
            UNSUPPORTED_TRANSACTION_VERSION,
            "Transaction version (0) is not supported by the requesting client. Please try the request again with the "
            'following configuration parameter: "maxSupportedTransactionVersion": 0',
        )
    resolved = resolved_record(record, transaction)
    body: dict[str, Any] = {"transaction": _transaction(transaction, resolved, encoding), "meta": record.meta}
    if encoding == "jsonParsed":
        meta = {name: value for name, value in record.meta.items() if name != "loadedAddresses"}
        body["meta"] = {**meta, "innerInstructions": parsed_inner_instructions(meta["innerInstructions"], resolved.keys)}
    if max_version is not None:
        body["version"] = 0 if versioned else "legacy"
    return body


def resolved_record(record: TransactionRecord, transaction: VersionedTransaction) -> ResolvedMessage:
    """The message with the addresses it loaded when it landed, whatever its tables say now."""
    loaded = record.meta["loadedAddresses"]
    writable = tuple(Pubkey.from_string(text) for text in loaded["writable"])
    readonly = tuple(Pubkey.from_string(text) for text in loaded["readonly"])
    keys = (*transaction.message.account_keys, *writable, *readonly)
    return ResolvedMessage(message=transaction.message, keys=keys, loaded_writable=writable, loaded_readonly=readonly)


def memo_of(record: TransactionRecord) -> str | None:
    """The memos of a transaction, each with its length (agave: extract_and_fmt_memos)."""
    message = VersionedTransaction.from_bytes(record.wire).message
    memos = [
        f"[{len(instruction.data)}] {bytes(instruction.data).decode('utf-8', 'replace')}"
        for instruction in message.instructions
        if message.account_keys[instruction.program_id_index] in MEMO_PROGRAMS
    ]
    return "; ".join(memos) or None


def account_keys(resolved: ResolvedMessage) -> list[dict[str, Any]]:
    return [
        {
            "pubkey": str(key),
            "signer": resolved.is_signer(index),
            "source": "transaction" if index < resolved.static_count else "lookupTable",
            "writable": resolved.is_writable(index),
        }
        for index, key in enumerate(resolved.keys)
    ]


def _transaction(transaction: VersionedTransaction, resolved: ResolvedMessage, encoding: str) -> Any:
    if encoding == "base64":
        return [base64.b64encode(bytes(transaction)).decode(), "base64"]
    if encoding in ("base58", "binary"):
        text = base58.encode(bytes(transaction))
        return text if encoding == "binary" else [text, "base58"]
    message = transaction.message
    rendered_message = _parsed_message(message, resolved) if encoding == "jsonParsed" else _message(message)
    return {"signatures": [str(signature) for signature in transaction.signatures], "message": rendered_message}


def _message(message: Message | MessageV0) -> dict[str, Any]:
    header = message.header
    body: dict[str, Any] = {
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "accountKeys": [str(key) for key in message.account_keys],
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            {
                "programIdIndex": item.program_id_index,
                "accounts": list(item.accounts),
                "data": base58.encode(bytes(item.data)),
                "stackHeight": 1,
            }
            for item in message.instructions
        ],
    }
    return body | _lookups(message)


def _parsed_message(message: Message | MessageV0, resolved: ResolvedMessage) -> dict[str, Any]:
    keys: Sequence[Pubkey] = resolved.keys
    body: dict[str, Any] = {
        "accountKeys": account_keys(resolved),
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            parsed_instruction(item.program_id_index, list(item.accounts), bytes(item.data), keys, 1)
            for item in message.instructions
        ],
    }
    return body | _lookups(message)


def _lookups(message: Message | MessageV0) -> dict[str, Any]:
    if not isinstance(message, MessageV0):
        return {}
    return {
        "addressTableLookups": [
            {
                "accountKey": str(item.account_key),
                "writableIndexes": list(item.writable_indexes),
                "readonlyIndexes": list(item.readonly_indexes),
            }
            for item in message.address_table_lookups
        ]
    }
