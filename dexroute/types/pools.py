"""What is remembered about pools between runs."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedPool:
    """A pool some source named. Only a hint where to look: before a quote its accounts are read and checked like any other's.

    `reserves` are base units in the order of `mints`, as last seen at `seen_slot` (empty and None when the source does not say).
    `source` is who named it: "chain", "user", or a venue API's name. Times are the host's, ms.
    """

    genesis_hash: str
    address: Pubkey
    venue_id: str
    mints: tuple[Pubkey, ...]
    source: str
    first_seen_ms: int
    last_seen_ms: int
    reserves: tuple[int, ...] = ()
    seen_slot: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedPool:
    """What reading a pool taught: its `accounts` (its own among them) and the compute units its last simulated swap took. Only a
    hint what to read at once: the pool itself says what it takes, every time."""

    address: Pubkey
    accounts: frozenset[Pubkey]
    compute_units: int | None = None
