"""A state's accounts as its venue asks for them, one of them drawn and changed, and what must become of that: the steps of every
test that gives a venue bytes nobody would write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool, Venue
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.conformance.cases import Case

Accounts = Mapping[Pubkey, AccountData | None]


def needed_by(case: Case) -> dict[Pubkey, AccountData | None]:
    """The accounts the venue asks for, in the rounds it asks for them, out of the state's."""
    venue: Venue = VENUES[case.venue]
    known: dict[Pubkey, AccountData | None] = {}
    for _ in range(6):
        asked = venue.required_accounts(case.address, replace(case.snapshot, accounts=dict(known)))
        assert not asked & known.keys()
        if not asked:
            return known
        known |= {address: case.snapshot.accounts.get(address) for address in asked}
    raise AssertionError(f"{case}: never satisfied")


def decode(case: Case, accounts: Accounts) -> Pool:
    return VENUES[case.venue].decode_pool(case.address, AccountSnapshot(clock=case.snapshot.clock, accounts=accounts))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One account of a case's, to be changed."""

    known: Accounts
    address: Pubkey
    account: AccountData

    def with_owner(self, owner: Pubkey) -> Accounts:
        return {**self.known, self.address: replace(self.account, owner=owner)}

    def with_data(self, data: bytes | bytearray) -> Accounts:
        return {**self.known, self.address: replace(self.account, data=bytes(data))}


def account_of(case: Case, address: Pubkey) -> Drawn:
    known = needed_by(case)
    account = known[address]
    assert account is not None
    return Drawn(known=known, address=address, account=account)


def drawn_account(data: st.DataObject, case: Case) -> Drawn:
    """Any account that decoding needs and that exists."""
    known = needed_by(case)
    existing = sorted((address for address, account in known.items() if account is not None), key=bytes)
    return account_of(case, data.draw(st.sampled_from(existing)))


def answers_or_is_refused_by_name(case: Case, accounts: Accounts, mode: SwapMode, amount: int) -> None:
    """DecodeError from whoever reads these accounts, or a pool that answers everything with QuoteError or amounts a token can
    have."""
    snapshot = AccountSnapshot(clock=case.snapshot.clock, accounts=accounts)
    try:
        VENUES[case.venue].required_accounts(case.address, snapshot)
        pool = VENUES.decode_pool(case.address, snapshot)
    except DecodeError:
        return
    assert pool.tradable().ok in (True, False)
    a, b = (mint.address for mint in pool.mints)
    for pair in ((a, b), (b, a)):
        with suppress(QuoteError):
            assert pool.spot_price(*pair).ratio > 0
        try:
            quote = pool.quote(QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=amount, mode=mode))
        except QuoteError:
            continue
        assert 1 <= quote.amount_in <= 2**64 - 1
        assert 0 <= quote.amount_out <= 2**64 - 1
        assert quote.next_pool.address == pool.address
