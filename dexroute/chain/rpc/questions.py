"""Methods with more than trivial parameters, as (method, params).

Bytes go and come in base64. solders can build these too, but writes every option left out as null, which some servers misread;
tests hold the two equal otherwise.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import based58
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.types.chain import AccountFilter, Commitment

Question = tuple[str, list[Any]]


def multiple_accounts(addresses: Sequence[Pubkey], commitment: Commitment, min_context_slot: int | None) -> Question:
    config: dict[str, Any] = {"encoding": "base64", "commitment": commitment}
    if min_context_slot is not None:
        config["minContextSlot"] = min_context_slot
    return "getMultipleAccounts", [[str(address) for address in addresses], config]


def program_accounts(program_id: Pubkey, filters: Sequence[AccountFilter], data_slice: tuple[int, int] | None) -> Question:
    config: dict[str, Any] = {"encoding": "base64", "commitment": Commitment.CONFIRMED, "withContext": True}
    if filters:
        config["filters"] = [_filter(one) for one in filters]
    if data_slice is not None:
        config["dataSlice"] = {"offset": data_slice[0], "length": data_slice[1]}
    return "getProgramAccounts", [str(program_id), config]


def token_accounts(owner: Pubkey, token_program: Pubkey) -> Question:
    config = {"encoding": "base64", "commitment": Commitment.CONFIRMED}
    return "getTokenAccountsByOwner", [str(owner), {"programId": str(token_program)}, config]


def simulate(wire: bytes, accounts: Sequence[Pubkey], commitment: Commitment, min_context_slot: int | None) -> Question:
    config: dict[str, Any] = {
        "encoding": "base64",
        "commitment": commitment,
        "sigVerify": False,
        "replaceRecentBlockhash": False,
    }
    if accounts:
        config["accounts"] = {"encoding": "base64", "addresses": [str(address) for address in accounts]}
    if min_context_slot is not None:
        config["minContextSlot"] = min_context_slot
    return "simulateTransaction", [base64.b64encode(wire).decode(), config]


def send(wire: bytes) -> Question:
    config = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
    return "sendTransaction", [base64.b64encode(wire).decode(), config]


def transaction(signature: Signature) -> Question:
    config = {"encoding": "base64", "commitment": Commitment.CONFIRMED, "maxSupportedTransactionVersion": 0}
    return "getTransaction", [str(signature), config]


def _filter(one: AccountFilter) -> dict[str, Any]:
    if one.data_size is not None:
        return {"dataSize": one.data_size}
    # base58 is the one encoding that every server with memcmp knows
    return {"memcmp": {"offset": one.offset, "bytes": based58.b58encode(one.bytes_).decode(), "encoding": "base58"}}
