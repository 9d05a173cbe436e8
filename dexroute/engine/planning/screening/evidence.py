"""What the cluster showed of the accounts a message names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.types.accounts import AccountData
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

_TOKEN_PROGRAMS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`before`: every account the message names and its lookup tables, as the cluster has them. `after`: the wallet's own accounts
    as the simulation of this very message left them."""

    before: Mapping[Pubkey, AccountData | None]
    after: Mapping[Pubkey, AccountData | None]


def own_accounts(wallet: Pubkey, named: Iterable[Pubkey], before: Mapping[Pubkey, AccountData | None]) -> tuple[Pubkey, ...]:
    """The wallet and every token account it owns among `named`, in their order."""
    return tuple(key for key in dict.fromkeys(named) if key == wallet or is_token_account_of(wallet, before.get(key)))


def is_token_account_of(wallet: Pubkey, account: AccountData | None) -> bool:
    return (
        account is not None
        and account.owner in _TOKEN_PROGRAMS
        and len(account.data) >= TOKEN_ACCOUNT_LENGTH
        and account.data[32:64] == bytes(wallet)
    )
