"""Accounts as the embedded cluster holds them, and every version of them that some commitment level can still see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from solders.account import Account
from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountData

RENT_EXEMPT_EPOCH: Final = 2**64 - 1  # what a cluster writes since rent collection ended


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """One account, complete: what `AccountData` says, and whether it is a program."""

    owner: Pubkey
    lamports: int
    data: bytes
    executable: bool = False
    rent_epoch: int = RENT_EXEMPT_EPOCH

    @classmethod
    def of(cls, account: Account) -> StoredAccount:
        return cls(
            owner=account.owner,
            lamports=account.lamports,
            data=bytes(account.data),
            executable=account.executable,
            rent_epoch=account.rent_epoch,
        )

    @classmethod
    def holding(cls, data: AccountData, *, executable: bool = False) -> StoredAccount:
        return cls(owner=data.owner, lamports=data.lamports, data=data.data, executable=executable)

    def to_solders(self) -> Account:
        return Account(self.lamports, self.data, self.owner, self.executable, self.rent_epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWrite:
    """What an account became in a slot; None: it was closed."""

    address: Pubkey
    slot: int
    account: StoredAccount | None


class AccountVersions:
    """Accounts by address and slot: LiteSVM can neither list accounts nor tell what they were."""

    def __init__(self, writes: Iterable[AccountWrite] = ()) -> None:
        self._versions: dict[Pubkey, list[AccountWrite]] = {}
        for write in sorted(writes, key=lambda item: item.slot):
            self._versions.setdefault(write.address, []).append(write)

    def at(self, address: Pubkey, slot: int) -> StoredAccount | None:
        """The account as it was at the end of `slot`."""
        for write in reversed(self._versions.get(address, ())):
            if write.slot <= slot:
                return write.account
        return None

    def changed_after(self, address: Pubkey, slot: int) -> bool:
        versions = self._versions.get(address)
        return versions is not None and versions[-1].slot > slot

    def __contains__(self, address: Pubkey) -> bool:
        return address in self._versions

    def all_at(self, slot: int) -> Iterator[tuple[Pubkey, StoredAccount]]:
        """Every account that exists at the end of `slot`."""
        for address in self._versions:
            account = self.at(address, slot)
            if account is not None:
                yield address, account

    def owned_by(self, program_id: Pubkey, slot: int) -> Iterator[tuple[Pubkey, StoredAccount]]:
        return ((address, account) for address, account in self.all_at(slot) if account.owner == program_id)

    def write(self, write: AccountWrite, *, finalized_slot: int) -> None:
        """Add a version and forget those that even a finalized read no longer reaches."""
        versions = [item for item in self._versions.get(write.address, ()) if item.slot < write.slot]
        versions.append(write)
        reachable = max((i for i, item in enumerate(versions) if item.slot <= finalized_slot), default=0)
        self._versions[write.address] = versions[reachable:]

    def place(self, address: Pubkey, account: StoredAccount | None) -> None:
        """Set the account at every commitment level at once, as if it had always been so."""
        self._versions[address] = [AccountWrite(address=address, slot=0, account=account)]
