"""A transaction that landed, as the ledger keeps it and RPC tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord:
    """`meta` is Agave's UiTransactionStatusMeta in encoding "json" (lamports and compute units as integers).
    `position` orders all transactions of the ledger; `mentions` are its accounts, loaded addresses included."""

    position: int
    signature: Signature
    slot: int
    block_time: int
    wire: bytes
    meta: dict[str, Any]
    mentions: tuple[Pubkey, ...]

    @property
    def error(self) -> Any:
        """The cluster's own JSON for a transaction error; None for success."""
        return self.meta["err"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A transaction that did not land and paid nothing: the error, and the logs of the attempt."""

    error: Any
    logs: tuple[str, ...] = ()
