"""This machine's time, behind the port that tests replace."""

from __future__ import annotations

import asyncio
import time


class HostClock:
    """`dexroute.ports.Clock`: for waiting and for records, never for deciding what happened on chain."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)
