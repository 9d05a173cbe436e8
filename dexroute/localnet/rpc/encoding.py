"""Accounts as RPC writes them (agave account-decoder: encode_ui_account)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet import base58
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.rpc.failure import INVALID_REQUEST, RpcFailure, invalid_params
from dexroute.localnet.rpc.params import Config, u64
from dexroute.localnet.rpc.parsed_accounts import parsed_data
from dexroute.localnet.rpc.zstd import stored_frame

ENCODINGS: Final = ("binary", "base58", "base64", "base64+zstd", "jsonParsed")
_BASE58_LIMIT: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEncoding:
    """How a request wants account data: the encoding, and which part of it."""

    encoding: str
    offset: int = 0
    length: int | None = None

    @classmethod
    def of(cls, config: Config, default: str = "binary") -> AccountEncoding:
        """Raises RpcFailure -32602."""
        encoding = config.text("encoding", ENCODINGS, default)
        piece = config.get("dataSlice")
        if piece is None:
            return cls(encoding=encoding)
        if not isinstance(piece, dict):
            raise invalid_params("Invalid params: dataSlice must have offset and length.")
        return cls(encoding=encoding, offset=u64(piece.get("offset"), "offset"), length=u64(piece.get("length"), "length"))

    def account(self, account: StoredAccount, mint_lookup: Callable[[Pubkey], StoredAccount | None]) -> dict[str, Any]:
        """Agave's UiAccount. Raises RpcFailure -32600 when base58 was asked for more than 128 bytes."""
        return {
            "lamports": account.lamports,
            "data": self._data(account, mint_lookup),
            "owner": str(account.owner),
            "executable": account.executable,
            "rentEpoch": account.rent_epoch,
            "space": len(account.data),
        }

    def _data(self, account: StoredAccount, mint_lookup: Callable[[Pubkey], StoredAccount | None]) -> Any:
        if self.encoding == "jsonParsed":
            parsed = parsed_data(account, mint_lookup)
            if parsed is not None:
                return parsed
        end = None if self.length is None else self.offset + self.length
        data = account.data[self.offset : end]
        if self.encoding in ("binary", "base58"):
            if len(data) > _BASE58_LIMIT:
                raise RpcFailure(
                    INVALID_REQUEST,
                    "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.",
                )
            text = base58.encode(data)
            return text if self.encoding == "binary" else [text, "base58"]
        if self.encoding == "base64+zstd":
            return [base64.b64encode(stored_frame(data)).decode(), "base64+zstd"]
        return [base64.b64encode(data).decode(), "base64"]
