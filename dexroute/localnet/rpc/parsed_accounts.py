"""Account data as objects, for encoding "jsonParsed": mints, token accounts and multisigs of both token programs,
and lookup tables.

Shapes: agave account-decoder/src/parse_token.rs. Accounts nobody parses here come back as base64, as on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.rpc.parsed_extensions import parsed_extensions
from dexroute.localnet.rpc.parsed_lookup_tables import parsed_lookup_table
from dexroute.localnet.token_layout import MULTISIG_LENGTH, TOKEN_PROGRAMS, holding, mint_facts, ui_amount
from dexroute.types.mints import TOKEN_PROGRAM_ID

_STATES: Final = {1: "initialized", 2: "frozen"}


def parsed_data(account: StoredAccount, lookup: Callable[[Pubkey], StoredAccount | None]) -> dict[str, Any] | None:
    """Agave's ParsedAccount, or None where there is no parser."""
    if account.owner == LOOKUP_TABLE_PROGRAM_ID:
        return parsed_lookup_table(account)
    if account.owner not in TOKEN_PROGRAMS:
        return None
    parsed = _mint(account) or _multisig(account) or _token_account(account, lookup)
    if parsed is None:
        return None
    program = "spl-token" if account.owner == TOKEN_PROGRAM_ID else "spl-token-2022"
    return {"program": program, "parsed": parsed, "space": len(account.data)}


def _mint(account: StoredAccount) -> dict[str, Any] | None:
    mint = mint_facts(account)
    if mint is None:
        return None
    info: dict[str, Any] = {
        "mintAuthority": _text(mint.authority),
        "supply": str(mint.supply),
        "decimals": mint.decimals,
        "isInitialized": True,
        "freezeAuthority": _text(mint.freeze_authority),
    }
    return {"type": "mint", "info": info | _extensions(account)}


def _token_account(account: StoredAccount, lookup: Callable[[Pubkey], StoredAccount | None]) -> dict[str, Any] | None:
    token = holding(account)
    mint = mint_facts(lookup(token.mint)) if token else None
    if token is None or mint is None:
        return None
    info: dict[str, Any] = {
        "mint": str(token.mint),
        "owner": str(token.owner),
        "tokenAmount": ui_amount(token.amount, mint.decimals),
        "state": _STATES[token.state],
        "isNative": token.native_reserve is not None,
    }
    if token.delegate is not None:
        info |= {"delegate": str(token.delegate), "delegatedAmount": ui_amount(token.delegated_amount, mint.decimals)}
    if token.native_reserve is not None:
        info["rentExemptReserve"] = ui_amount(token.native_reserve, mint.decimals)
    if token.close_authority is not None:
        info["closeAuthority"] = str(token.close_authority)
    return {"type": "account", "info": info | _extensions(account)}


def _multisig(account: StoredAccount) -> dict[str, Any] | None:
    data = account.data
    if len(data) != MULTISIG_LENGTH or data[2] != 1:
        return None
    signers = [str(Pubkey(data[3 + 32 * i : 35 + 32 * i])) for i in range(min(data[1], 11))]
    info = {"numRequiredSigners": data[0], "numValidSigners": data[1], "isInitialized": True, "signers": signers}
    return {"type": "multisig", "info": info}


def _extensions(account: StoredAccount) -> dict[str, Any]:
    found = parsed_extensions(account.data)
    return {"extensions": found} if found else {}


def _text(key: Pubkey | None) -> str | None:
    return None if key is None else str(key)
