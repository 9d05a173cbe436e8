"""How an endpoint has fared lately: what decides which of several is asked next. Heuristics only; no truth about the chain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from dexroute.errors import NetworkError, RateLimited, StaleData

SLOT_MS: Final = 400  # nominal; only to guess where a node is that was not asked lately
_WEIGHT: Final = 0.3  # of the newest call in the moving averages
_FAILURE_COST_MS: Final = 5_000.0
_MOST_COOLING_MS: Final = 60_000
_UNASKED_COST_MS: Final = 50.0

Now = Callable[[], int]


def monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class EndpointHealth:
    """Moving averages of latency and failures, the newest slot seen at the commitment of reads, and how long the node asked to be
    left alone."""

    def __init__(self, now_ms: Now = monotonic_ms) -> None:
        self._now_ms = now_ms
        self._latency_ms: float | None = None
        self._failures = 0.0
        self._slot: int | None = None
        self._slot_seen_ms = 0
        self._cool_ms = 0
        self.limited = 0
        """How many requests it refused because there were too many."""

    @property
    def latency_ms(self) -> int | None:
        """Of an answered call, averaged; None before the first."""
        return None if self._latency_ms is None else round(self._latency_ms)

    @property
    def failure_percent(self) -> int:
        """Of calls, the newest counting most."""
        return round(self._failures * 100)

    @property
    def cooling_ms(self) -> int:
        """How much longer the node asked to be left alone."""
        return max(self._cool_ms - self._now_ms(), 0)

    def answered(self, latency_ms: int) -> None:
        known = self._latency_ms
        self._latency_ms = latency_ms if known is None else known + _WEIGHT * (latency_ms - known)
        self._failures *= 1 - _WEIGHT

    def failed(self, error: NetworkError) -> None:
        """A lagging node has answered: only where it is counts against it."""
        if isinstance(error, StaleData):
            return
        self._failures += _WEIGHT * (1 - self._failures)
        self.limited += isinstance(error, RateLimited)
        asked_ms = error.context.get("retry_after_ms")
        if isinstance(asked_ms, int):
            self._cool_ms = self._now_ms() + min(asked_ms, _MOST_COOLING_MS)
        elif isinstance(error, RateLimited):
            self._cool_ms = self._now_ms() + 1_000

    def saw_slot(self, slot: int) -> None:
        """What the node answered from. It may be less than before: some addresses hide several nodes."""
        self._slot, self._slot_seen_ms = slot, self._now_ms()

    def slot(self) -> int | None:
        """Where the node should be by now; None before it told."""
        return None if self._slot is None else self._slot + (self._now_ms() - self._slot_seen_ms) // SLOT_MS

    def cost_ms(self) -> float:
        """What asking costs on average, failures and the wait it asked for included."""
        known = _UNASKED_COST_MS if self._latency_ms is None else self._latency_ms
        return known + self._failures * _FAILURE_COST_MS + self.cooling_ms


class TokenBucket:
    """At most `rate` calls a second on average and twice as many at once; 0 is without limit."""

    def __init__(self, rate: int, *, now_ms: Now = monotonic_ms, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.rate = rate
        self._now_ms = now_ms
        self._sleep = sleep
        self._full_at_ms = float(now_ms())

    def wait_ms(self) -> float:
        """How long the next call would wait."""
        if not self.rate:
            return 0.0
        each = 1_000 / self.rate
        return max(self._full_at_ms + each - self._now_ms() - 2 * self.rate * each, 0.0)

    async def take(self) -> None:
        """Wait for a turn, in the order of asking."""
        if not self.rate:
            return
        wait = self.wait_ms()
        self._full_at_ms = max(self._full_at_ms, float(self._now_ms())) + 1_000 / self.rate
        if wait:
            await self._sleep(wait / 1_000)
