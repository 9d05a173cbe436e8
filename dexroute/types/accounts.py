"""Accounts as read from a cluster: bytes, and the moment they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountData:
    """One account's owner, balance and raw bytes."""

    owner: Pubkey
    lamports: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainClock:
    """The cluster's clock sysvar. Never the host's clock: pools open and fees decay by this one."""

    slot: int
    epoch: int
    unix_timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """Accounts read together, at one slot. A key that maps to None was read and does not exist;
    a key that is absent was not read."""

    clock: ChainClock
    accounts: Mapping[Pubkey, AccountData | None]
