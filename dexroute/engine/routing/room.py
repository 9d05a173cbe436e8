"""Whether legs fit one transaction, as the search asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from solders.pubkey import Pubkey

from dexroute.fetchers.base import Pool
from dexroute.types.routes import Leg


class TransactionRoom(Protocol):
    """One transaction's bytes, accounts and compute units. A route it refuses is never proposed; fewer legs are tried."""

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        """Why these legs, executed in this order, do not fit one transaction (in words for a trader, with the numbers), or None.

        `pools` holds at least the pools of the legs. Pure; called some dozen times per search, so it answers in well under a
        millisecond. Never refuses fewer hops where it accepts more of the same kind.
        """
        ...
