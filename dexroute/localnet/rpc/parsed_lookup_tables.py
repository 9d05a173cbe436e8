"""Lookup tables and their program's instructions as objects, for encoding "jsonParsed".

Shapes: agave account-decoder/src/parse_address_lookup_table.rs, transaction-status/src/parse_address_lookup_table.rs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount

_META_LENGTH: Final = 56
_UNINITIALIZED, _LOOKUP_TABLE = 0, 1


def parsed_lookup_table(account: StoredAccount) -> dict[str, Any] | None:
    """Agave's ParsedAccount of a table, or None where the bytes are none."""
    data = account.data
    if len(data) < 4:
        return None
    kind = int.from_bytes(data[:4], "little")
    parsed: dict[str, Any]
    if kind == _UNINITIALIZED:
        parsed = {"type": "uninitialized"}
    elif kind == _LOOKUP_TABLE and len(data) >= _META_LENGTH and (len(data) - _META_LENGTH) % 32 == 0:
        info: dict[str, Any] = {
            "deactivationSlot": str(int.from_bytes(data[4:12], "little")),
            "lastExtendedSlot": str(int.from_bytes(data[12:20], "little")),
            "lastExtendedSlotStartIndex": data[20],
        }
        if data[21]:
            info["authority"] = str(Pubkey(data[22:54]))
        info["addresses"] = [str(Pubkey(data[start : start + 32])) for start in range(_META_LENGTH, len(data), 32)]
        parsed = {"type": "lookupTable", "info": info}
    else:
        return None
    return {"program": "address-lookup-table", "parsed": parsed, "space": len(data)}


def parsed_table_instruction(data: bytes, keys: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """(type, info) of an instruction of the lookup table program. Raises IndexError when it names too few accounts."""
    kind = int.from_bytes(data[:4], "little") if len(data) >= 4 else -1
    head = {"lookupTableAccount": keys[0], "lookupTableAuthority": keys[1]} if len(keys) > 1 else {}
    if kind == 0 and len(data) >= 13:
        recent = int.from_bytes(data[4:12], "little")
        return "createLookupTable", {
            **head,
            "payerAccount": keys[2],
            "systemProgram": keys[3],
            "recentSlot": recent,
            "bumpSeed": data[12],
        }
    if kind == 1 and head:
        return "freezeLookupTable", head
    if kind == 2 and head and len(data) >= 12 and len(data) - 12 >= 32 * int.from_bytes(data[4:12], "little"):
        count = int.from_bytes(data[4:12], "little")
        added = [str(Pubkey(data[12 + 32 * place : 44 + 32 * place])) for place in range(count)]
        payer = {"payerAccount": keys[2], "systemProgram": keys[3]} if len(keys) > 3 else {}
        return "extendLookupTable", {**head, "newAddresses": added, **payer}
    if kind == 3 and head:
        return "deactivateLookupTable", head
    if kind == 4 and head:
        return "closeLookupTable", {**head, "recipient": keys[2]}
    return None
