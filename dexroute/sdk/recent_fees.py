"""What was lately bid for block space around a quote's pools, so that routes are ranked by what landing them will cost."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning import PriorityFeePolicy
from dexroute.errors import NetworkError
from dexroute.ports import Clock

Samples = tuple[tuple[int, ...], ...]
AskFees = Callable[[Sequence[Pubkey]], Awaitable[Samples]]
"""Micro-lamports per compute unit paid in recent slots by transactions that write these accounts, by node."""

# Every swap writes its pool. The node answers with the dearest of those asked about, so only the likeliest are.
_MOST_POOLS: Final = 16
_FRESH_MS: Final = 10 * 1_000
_MOST_REMEMBERED: Final = 64
# A quote waits no longer for what only ranks it than this.
_PATIENCE_S: Final = 0.5


class RecentFees:
    """Samples by pools, kept for ten seconds. `ask` is the builder's `recent_fees`."""

    def __init__(self, ask: AskFees, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[tuple[Pubkey, ...], tuple[Samples, int]] = OrderedDict()

    async def around(self, pools: Sequence[Pubkey], policy: PriorityFeePolicy, *, ask: bool = True) -> Samples | None:
        """The samples; None where they could not be had in time. Not asked for where the policy does not depend on them; with `ask`
        False the last ones known serve, whatever their age."""
        if policy.fixed_micro_lamports is not None or policy.cap_lamports == 0:
            return ()
        asked = tuple(pools[:_MOST_POOLS])
        samples, taken_ms = self._known.get(asked, (None, 0))
        if samples is not None and (not ask or self._clock.monotonic_ms() - taken_ms < _FRESH_MS):
            return samples
        if not ask or not asked:
            return ()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                samples = await self._ask(asked)
        except (NetworkError, TimeoutError):
            return samples
        self._known[asked] = samples, self._clock.monotonic_ms()
        self._known.move_to_end(asked)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return samples
