"""Which venues there are. A new venue is its folder and one line in `fetchers/venues.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, UsageError
from dexroute.fetchers.base import Pool, Venue
from dexroute.types.accounts import AccountSnapshot


class VenueRegistry:
    """Venues by id and by owning program; iterates in registration order."""

    def __init__(self, venues: Sequence[Venue]) -> None:
        self._by_id = {venue.id: venue for venue in venues}
        self._by_program = {venue.program_id: venue for venue in venues}
        if len(self._by_id) != len(venues) or len(self._by_program) != len(venues):
            raise ValueError("two venues share an id or a program")

    def __iter__(self) -> Iterator[Venue]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, venue_id: str) -> Venue:
        """The venue with this id. Raises UsageError naming the known ones."""
        try:
            return self._by_id[venue_id]
        except KeyError:
            known = ", ".join(self._by_id)
            raise UsageError(f"unknown venue {venue_id!r}; known venues: {known}", venue=venue_id) from None

    def by_program(self, program_id: Pubkey) -> Venue | None:
        """The venue whose program owns an account, or None."""
        return self._by_program.get(program_id)

    def for_account(self, address: Pubkey, snapshot: AccountSnapshot) -> Venue:
        """The venue a pool account belongs to, by its owner. Raises DecodeError when it is absent or nobody's."""
        account = snapshot.accounts.get(address)
        if account is None:
            raise DecodeError(
                f"pool {address}: no such account at slot {snapshot.clock.slot}; check the address and the cluster (-u)",
                pool=str(address),
                field="account",
            )
        venue = self._by_program.get(account.owner)
        if venue is None:
            raise DecodeError(
                f"pool {address}: owned by {account.owner}, which is no venue's program, so it is no pool of "
                f"{', '.join(v.label for v in self)}; check the address and the cluster (-u)",
                pool=str(address),
                field="owner",
                owner=str(account.owner),
                programs={v.id: str(v.program_id) for v in self},
            )
        return venue

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> Pool:
        """Decode a pool with the venue that owns it. Raises DecodeError."""
        return self.for_account(address, snapshot).decode_pool(address, snapshot)
