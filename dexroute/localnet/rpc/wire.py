"""Transactions as callers send them."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from solders.transaction import SanitizeError, VersionedTransaction

from dexroute.localnet import base58
from dexroute.localnet.rpc.failure import RpcFailure, invalid_params

PACKET_BYTES: Final = 1232  # solana-packet: PACKET_DATA_SIZE
_MAX_BASE58: Final = 1683  # agave rpc.rs: MAX_BASE58_SIZE
_MAX_BASE64: Final = 1644
_TYPE: Final = "solana_transaction::versioned::VersionedTransaction"


def read_transaction(text: str, encoding: str) -> VersionedTransaction:
    """A sanitized transaction. Raises RpcFailure -32602 saying what is wrong with it."""
    most = _MAX_BASE64 if encoding == "base64" else _MAX_BASE58
    if len(text) > most:
        raise invalid_params(f"{encoding} encoded {_TYPE} too large: {len(text)} bytes (max: encoded/raw {most}/{PACKET_BYTES})")
    try:
        wire = base64.b64decode(text, validate=True) if encoding == "base64" else base58.decode(text)
    except (ValueError, binascii.Error) as error:
        raise invalid_params(f"invalid {encoding} encoding: {error}") from None
    if len(wire) > PACKET_BYTES:
        raise invalid_params(f"decoded {_TYPE} too large: {len(wire)} bytes (max: {PACKET_BYTES} bytes)")
    try:
        transaction = VersionedTransaction.from_bytes(wire)
    except ValueError as error:
        raise invalid_params(f"failed to deserialize {_TYPE}: {error}") from None
    try:
        transaction.sanitize()
    except SanitizeError:
        raise _unsanitary() from None
    if not transaction.signatures:
        raise _unsanitary()
    return transaction


def _unsanitary() -> RpcFailure:
    return invalid_params("invalid transaction: Transaction failed to sanitize accounts offsets correctly")
