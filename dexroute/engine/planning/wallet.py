"""What a wallet holds, as far as one swap needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.engine.planning.token_accounts import associated_token_address, owned_balance
from dexroute.types.accounts import AccountData
from dexroute.types.mints import Mint


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The wallet's associated account of a mint; `amount` base units, None when the account does not exist."""

    address: Pubkey
    amount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """`user`'s lamports and its holdings by mint, read at `slot`."""

    user: Pubkey
    lamports: int
    holdings: Mapping[Pubkey, Holding]
    slot: int


def wallet_accounts(user: Pubkey, mints: Iterable[Mint]) -> tuple[Pubkey, ...]:
    """What to read for `decode_wallet`: the user's own account, then one associated account per mint."""
    return (user, *(associated_token_address(user, mint) for mint in mints))


def decode_wallet(user: Pubkey, mints: Iterable[Mint], accounts: Mapping[Pubkey, AccountData | None], slot: int) -> Wallet:
    """The wallet from accounts read together. Raises GuardRefused for a token account the user does not control."""
    own = accounts[user]
    holdings: dict[Pubkey, Holding] = {}
    for mint in mints:
        address = associated_token_address(user, mint)
        account = accounts[address]
        # Lamports sent to an address before its account is opened leave an empty account of the system program there.
        exists = account is not None and len(account.data) > 0
        amount = owned_balance(account, address, mint=mint, owner=user) if account is not None and exists else None
        holdings[mint.address] = Holding(address=address, amount=amount)
    return Wallet(user=user, lamports=own.lamports if own else 0, holdings=holdings, slot=slot)


def unread_wallet(user: Pubkey, mints: Iterable[Mint]) -> Wallet:
    """A wallet nobody looked at, for building instructions offline: no account is taken to exist, so all are opened if missing."""
    holdings = {mint.address: Holding(address=associated_token_address(user, mint), amount=None) for mint in mints}
    return Wallet(user=user, lamports=0, holdings=holdings, slot=0)
