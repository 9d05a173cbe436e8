"""Reading untrusted account bytes: owner, length and discriminator first, then fields at fixed offsets."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, MissingAccounts
from dexroute.types.accounts import AccountData, AccountSnapshot


def require_account(snapshot: AccountSnapshot, address: Pubkey, *, pool: Pubkey, field: str) -> AccountData:
    """The account, or MissingAccounts saying whether it was not read or does not exist."""
    account = snapshot.accounts.get(address)
    if account is None:
        state = "does not exist" if address in snapshot.accounts else "was not read"
        raise MissingAccounts(
            f"pool {pool}: {field} account {address} {state} at slot {snapshot.clock.slot}",
            pool=str(pool),
            field=field,
            missing=[str(address)],
        )
    return account


@dataclass(frozen=True, slots=True)
class Reader:
    """Little-endian fields of one account whose owner, length and discriminator have been checked."""

    data: bytes

    def u8(self, offset: int) -> int:
        return self.data[offset]

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 2], "little")

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4], "little")

    def i32(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4], "little", signed=True)

    def u64(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 8], "little")

    def i64(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 8], "little", signed=True)

    def u128(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 16], "little")

    def pubkey(self, offset: int) -> Pubkey:
        return Pubkey.from_bytes(self.data[offset : offset + 32])


def checked_reader(
    account: AccountData,
    *,
    pool: Pubkey,
    field: str,
    owner: Pubkey,
    discriminator: bytes,
    length: int,
) -> Reader:
    """A Reader over an account of exactly this owner, discriminator and length (bytes). Raises DecodeError."""
    if account.owner != owner:
        raise DecodeError(
            f"pool {pool}: {field} account is owned by {account.owner}, expected {owner}",
            pool=str(pool),
            field=f"{field}.owner",
        )
    if len(account.data) != length:
        raise DecodeError(
            f"pool {pool}: {field} account holds {len(account.data)} bytes, expected {length}",
            pool=str(pool),
            field=f"{field}.length",
        )
    found = account.data[: len(discriminator)]
    if found != discriminator:
        raise DecodeError(
            f"pool {pool}: {field} account starts with {found.hex()}, expected {discriminator.hex()}: not this kind of account",
            pool=str(pool),
            field=f"{field}.discriminator",
        )
    return Reader(account.data)
