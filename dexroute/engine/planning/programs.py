"""Whether the programs a plan calls are on the cluster. Account bytes alone can be quoted; only a program can swap them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from solders.pubkey import Pubkey

from dexroute.errors import QuoteOnly
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountReader
from dexroute.types.accounts import AccountData
from dexroute.types.network import LOADERS


def is_program(account: AccountData | None) -> bool:
    """Whether an account is a deployed program. The reader does not tell the executable flag; being owned by a loader gives it."""
    return account is not None and account.owner in LOADERS


def require_programs(venues: Iterable[tuple[str, Pubkey]], accounts: Mapping[Pubkey, AccountData | None]) -> None:
    """Raises QuoteOnly for the first (venue id, program) whose program is not among `accounts` as one."""
    for venue_id, program in venues:
        if not is_program(accounts.get(program)):
            raise QuoteOnly(
                f"{venue_id}: its program {program} is not on this cluster, so its pools can be quoted here but not swapped; "
                f"leave it out (--exclude-venue {venue_id}) or use a cluster that has it (-u)",
                venue=venue_id,
                program=str(program),
            )


async def swappable_venues(reader: AccountReader, registry: VenueRegistry) -> frozenset[str]:
    """Ids of the venues whose program is on the reader's cluster. One call. Raises NetworkError."""
    programs = [venue.program_id for venue in registry]
    found = await reader.get_accounts(programs)
    return frozenset(venue.id for venue in registry if is_program(found.accounts.get(venue.program_id)))
