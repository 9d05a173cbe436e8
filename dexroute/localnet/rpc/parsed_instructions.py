"""Instructions as objects, for encoding "jsonParsed": system transfers, token movements, associated accounts, lookup
tables and memos.

Shapes: agave transaction-status/src/parse_*.rs. What has no reader here is told by program, accounts and base58 data, which is how
a node tells instructions of programs it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.pubkey import Pubkey

from dexroute.localnet import base58
from dexroute.localnet.rpc.parsed_lookup_tables import parsed_table_instruction
from dexroute.localnet.token_layout import ui_amount
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

_SYSTEM: Final = Pubkey.default()
_MEMO: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_MEMO_V1: Final = Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
MEMO_PROGRAMS: Final = (_MEMO, _MEMO_V1)
Parsed = tuple[str, dict[str, Any]]
Parser = Callable[[bytes, Sequence[str]], Parsed | None]


def parsed_instruction(program_index: int, accounts: Iterable[int], data: bytes, keys: Sequence[Pubkey], stack_height: int) -> Any:
    """Agave's UiParsedInstruction, or UiPartiallyDecodedInstruction."""
    program_id = keys[program_index]
    named = [str(keys[index]) for index in accounts]
    head: dict[str, Any] = {"programId": str(program_id), "stackHeight": stack_height}
    if program_id in MEMO_PROGRAMS:
        return {**head, "program": "spl-memo", "parsed": data.decode("utf-8", "replace")}
    known = _PARSERS.get(program_id)
    parsed = None
    if known is not None:
        try:
            parsed = known[1](data, named)
        except IndexError:  # fewer accounts than the instruction needs
            parsed = None
    if known is None or parsed is None:
        return {**head, "accounts": named, "data": base58.encode(data)}
    kind, info = parsed
    return {**head, "program": known[0], "parsed": {"type": kind, "info": info}}


def parsed_inner_instructions(inner: Iterable[dict[str, Any]], keys: Sequence[Pubkey]) -> list[dict[str, Any]]:
    """Inner instructions of a meta in encoding "json", parsed."""
    return [
        {
            "index": group["index"],
            "instructions": [
                parsed_instruction(item["programIdIndex"], item["accounts"], base58.decode(item["data"]), keys, item["stackHeight"])
                for item in group["instructions"]
            ],
        }
        for group in inner
    ]


def _u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


def _system(data: bytes, keys: Sequence[str]) -> Parsed | None:
    kind = int.from_bytes(data[:4], "little")
    if kind == 0 and len(data) >= 52:
        return "createAccount", {
            "source": keys[0],
            "newAccount": keys[1],
            "lamports": _u64(data, 4),
            "space": _u64(data, 12),
            "owner": str(Pubkey(data[20:52])),
        }
    if kind == 1 and len(data) >= 36:
        return "assign", {"account": keys[0], "owner": str(Pubkey(data[4:36]))}
    if kind == 2 and len(data) >= 12:
        return "transfer", {"source": keys[0], "destination": keys[1], "lamports": _u64(data, 4)}
    if kind == 8 and len(data) >= 12:
        return "allocate", {"account": keys[0], "space": _u64(data, 4)}
    return None


def _token(data: bytes, keys: Sequence[str]) -> Parsed | None:
    kind = data[0] if data else -1
    amount = str(_u64(data, 1))
    if len(keys) >= 2 and (kind == 1 or (kind == 18 and len(data) == 33)):
        owner = keys[2] if kind == 1 else str(Pubkey(data[1:33]))
        return "initializeAccount" if kind == 1 else "initializeAccount3", {"account": keys[0], "mint": keys[1], "owner": owner}
    if kind == 3 and len(data) == 9:
        return "transfer", {"source": keys[0], "destination": keys[1], "authority": keys[2], "amount": amount}
    if kind == 7 and len(data) == 9:
        return "mintTo", {"mint": keys[0], "account": keys[1], "mintAuthority": keys[2], "amount": amount}
    if kind == 8 and len(data) == 9:
        return "burn", {"account": keys[0], "mint": keys[1], "authority": keys[2], "amount": amount}
    if kind == 9:
        return "closeAccount", {"account": keys[0], "destination": keys[1], "owner": keys[2]}
    if kind == 12 and len(data) == 10:
        return "transferChecked", {
            "source": keys[0],
            "mint": keys[1],
            "destination": keys[2],
            "authority": keys[3],
            "tokenAmount": ui_amount(_u64(data, 1), data[9]),
        }
    if kind == 17:
        return "syncNative", {"account": keys[0]}
    if kind == 22:
        return "initializeImmutableOwner", {"account": keys[0]}
    return None


def _associated(data: bytes, keys: Sequence[str]) -> Parsed | None:
    if data[:1] not in (b"", b"\0", b"\1") or len(keys) < 6:
        return None
    names = ("source", "account", "wallet", "mint", "systemProgram", "tokenProgram")
    kind = "createIdempotent" if data[:1] == b"\1" else "create"
    return kind, dict(zip(names, keys, strict=False))


_PARSERS: Final[dict[Pubkey, tuple[str, Parser]]] = {
    _SYSTEM: ("system", _system),
    TOKEN_PROGRAM_ID: ("spl-token", _token),
    TOKEN_2022_PROGRAM_ID: ("spl-token", _token),
    LOOKUP_TABLE_PROGRAM_ID: ("address-lookup-table", parsed_table_instruction),
    ASSOCIATED_TOKEN_PROGRAM_ID: ("spl-associated-token-account", _associated),
}
