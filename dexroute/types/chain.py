"""What a cluster tells about its state and about transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from solders.hash import Hash
from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountData


class Commitment(StrEnum):
    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """One getProgramAccounts filter: `memcmp` bytes at `offset`, or a data size when `data_size` is set."""

    offset: int = 0
    bytes_: bytes = b""
    data_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsAtSlot:
    """The answer to one getMultipleAccounts call: every address asked for, read at `slot`."""

    slot: int
    accounts: Mapping[Pubkey, AccountData | None]


class AccountSource(StrEnum):
    """Where the accounts of a quote came from: read now, or kept from before."""

    NODE = "node"
    CACHE = "cache"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAccounts:
    """Accounts as they all were at `slot`, known without asking now. At most `age_slots` slots have passed since."""

    slot: int
    accounts: Mapping[Pubkey, AccountData | None]
    age_slots: int
    source: AccountSource


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockhashLifetime:
    """A blockhash and the last block height at which a transaction carrying it can land."""

    blockhash: Hash
    last_valid_block_height: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionError:
    """Why a transaction failed on chain: the cluster's own JSON, and the custom code and instruction where there is one."""

    raw: Any
    instruction_index: int | None = None
    custom_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The outcome of simulating exactly these bytes. `post_accounts` are the accounts asked for, as they would be after."""

    slot: int
    error: TransactionError | None
    logs: tuple[str, ...]
    units_consumed: int
    post_accounts: Mapping[Pubkey, AccountData | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureStatus:
    """A transaction the cluster knows of. Unknown ones have no status (None)."""

    slot: int
    commitment: Commitment
    error: TransactionError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One finalized transaction that names an address."""

    signature: str
    slot: int
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBalance:
    """A token account's balance at one side of a transaction, base units."""

    account: Pubkey
    mint: Pubkey
    owner: Pubkey | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedTransaction:
    """A transaction as it landed: lamports and token balances before and after, in the order of `account_keys`."""

    slot: int
    block_time: int | None
    error: TransactionError | None
    fee_lamports: int
    units_consumed: int | None
    account_keys: tuple[Pubkey, ...]
    pre_lamports: tuple[int, ...]
    post_lamports: tuple[int, ...]
    pre_token_balances: tuple[TokenBalance, ...]
    post_token_balances: tuple[TokenBalance, ...]
    logs: tuple[str, ...]
