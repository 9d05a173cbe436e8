"""What may be signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.errors import PolicyRefused
from dexroute.fetchers.registry import VenueRegistry

# Rules about what the simulation did to our accounts, which another transaction of the wallet may have done: all others are about
# the message, and break whatever else happens.
OUTCOME_RULES: Final = frozenset({"account", "balance", "wallet"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """`venues` are those a swap may go through, each call of theirs read back as a swap and held to the order's limits. `programs`
    may be called besides them and the plumbing (compute budget, system, token, associated token, memo); what they do is for the
    simulation to show.

    Caps are in lamports: `max_fee_lamports` for network and priority fee of one transaction, `max_tip_lamports` for tips to
    `tip_accounts`. `order_limits` and `day_limits` bound what is spent of a mint (base units; the SOL mint stands for SOL), by one
    order and by all orders of the last 24 hours; a mint not named is not bounded. `day_lamports` bounds what those orders cost
    beside their swaps. With `only_mints` no other mint is spent or bought.
    """

    venues: VenueRegistry
    max_fee_lamports: int
    programs: frozenset[Pubkey] = frozenset()
    tip_accounts: frozenset[Pubkey] = frozenset()
    max_tip_lamports: int = 0
    only_mints: frozenset[Pubkey] | None = None
    order_limits: Mapping[Pubkey, int] = field(default_factory=dict)
    day_limits: Mapping[Pubkey, int] = field(default_factory=dict)
    day_lamports: int | None = None

    @property
    def bounds_days(self) -> bool:
        """Whether the orders of the last 24 hours must be known."""
        return bool(self.day_limits) or self.day_lamports is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapBounds:
    """What one order allows: of `wallet` at most `max_amount_in` leaves and at least `min_amount_out` arrives, base units. `mints`
    are all those of its route, input and output among them."""

    wallet: Pubkey
    input_mint: Pubkey
    output_mint: Pubkey
    max_amount_in: int
    min_amount_out: int
    mints: frozenset[Pubkey]


def refused(rule: str, why: str, **facts: Any) -> PolicyRefused:
    """The error for a message that is not signed. `rule` is a stable name for programs."""
    return PolicyRefused(f"not signed: {why}; nothing was sent", rule=rule, **facts)
