"""Address lookup tables: lists of addresses on chain, which a message names by one byte instead of 32."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupTable:
    """A table as it was at `slot`. `authority` may extend and deactivate it (None: frozen for ever). `deactivation_slot` is None
    while it is active. Addresses from `last_extended_start` on were added in `last_extended_slot`, where they do not serve yet."""

    address: Pubkey
    authority: Pubkey | None
    addresses: tuple[Pubkey, ...]
    deactivation_slot: int | None
    last_extended_slot: int
    last_extended_start: int
    lamports: int
    slot: int

    @property
    def usable(self) -> tuple[Pubkey, ...]:
        """The addresses a transaction may name from the slot of reading on: none of a table being deactivated."""
        if self.deactivation_slot is not None:
            return ()
        return self.addresses[: self.last_extended_start] if self.slot <= self.last_extended_slot else self.addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedTable:
    """A table this journal knows on one cluster. `authority` is the wallet that made it through `dex tables create`, None for one
    that was only added."""

    genesis_hash: str
    address: Pubkey
    authority: Pubkey | None
    added_ms: int
