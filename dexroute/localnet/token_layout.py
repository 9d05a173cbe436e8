"""Token accounts and mints as RPC tells them: just enough layout to name balances. Lenient where fetchers/tokens.py is
strict: bytes that are no token account are simply none."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

MINT_LENGTH: Final = 82
ACCOUNT_LENGTH: Final = 165
MULTISIG_LENGTH: Final = 355
TOKEN_PROGRAMS: Final = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
_TYPE_MINT: Final = 1
_TYPE_ACCOUNT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolding:
    """The fixed part of a token account; `state` is 1 initialized, 2 frozen. Amounts in base units."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    delegate: Pubkey | None
    state: int
    native_reserve: int | None
    delegated_amount: int
    close_authority: Pubkey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MintFacts:
    """The fixed part of a mint."""

    authority: Pubkey | None
    supply: int
    decimals: int
    freeze_authority: Pubkey | None


def holding(account: StoredAccount | None) -> TokenHolding | None:
    """The token account in these bytes, or None."""
    if account is None or account.owner not in TOKEN_PROGRAMS or not _is_kind(account, ACCOUNT_LENGTH, _TYPE_ACCOUNT):
        return None
    data = account.data
    if data[108] not in (1, 2):
        return None
    return TokenHolding(
        mint=Pubkey(data[0:32]),
        owner=Pubkey(data[32:64]),
        amount=int.from_bytes(data[64:72], "little"),
        delegate=_optional_key(data, 72),
        state=data[108],
        native_reserve=int.from_bytes(data[113:121], "little") if data[109:113] == b"\1\0\0\0" else None,
        delegated_amount=int.from_bytes(data[121:129], "little"),
        close_authority=_optional_key(data, 129),
    )


def mint_facts(account: StoredAccount | None) -> MintFacts | None:
    """The mint in these bytes, or None."""
    if account is None or account.owner not in TOKEN_PROGRAMS or not _is_kind(account, MINT_LENGTH, _TYPE_MINT):
        return None
    data = account.data
    if data[45] != 1:
        return None
    return MintFacts(
        authority=_optional_key(data, 0),
        supply=int.from_bytes(data[36:44], "little"),
        decimals=data[44],
        freeze_authority=_optional_key(data, 46),
    )


def ui_amount(amount: int, decimals: int) -> dict[str, Any]:
    """Agave's UiTokenAmount. `uiAmount` is the only float here; it is part of the wire format and nothing computes with it."""
    text = format(Decimal(amount).scaleb(-decimals), "f")
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": float(text),
        "uiAmountString": text.rstrip("0").rstrip(".") if "." in text else text,
    }


def extensions(data: bytes) -> list[tuple[int, bytes]]:
    """Token-2022 (type, body) entries; stops at the first that does not fit."""
    entries = []
    offset = ACCOUNT_LENGTH + 1
    while offset + 4 <= len(data):
        kind, length = int.from_bytes(data[offset : offset + 2], "little"), int.from_bytes(data[offset + 2 : offset + 4], "little")
        if kind == 0 or offset + 4 + length > len(data):
            break
        entries.append((kind, data[offset + 4 : offset + 4 + length]))
        offset += 4 + length
    return entries


def _is_kind(account: StoredAccount, length: int, account_type: int) -> bool:
    if len(account.data) == length:
        return True
    extended = account.owner == TOKEN_2022_PROGRAM_ID and len(account.data) > ACCOUNT_LENGTH
    return extended and len(account.data) != MULTISIG_LENGTH and account.data[ACCOUNT_LENGTH] == account_type


def _optional_key(data: bytes, offset: int) -> Pubkey | None:
    return Pubkey(data[offset + 4 : offset + 36]) if data[offset : offset + 4] == b"\1\0\0\0" else None
