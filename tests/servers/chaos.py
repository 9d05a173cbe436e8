"""Servers that die while they are needed: killed, left dead for a moment, started again; a Redis that forgets."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer


@dataclass
class Chaos:
    """Rages until it is cancelled, and leaves every server running. `deaths` and `floods` (FLUSHALL) tell that it did."""

    chance: random.Random
    postgres: PostgresServer
    redis: RedisServer
    pause: tuple[float, float] = (3.0, 9.0)
    dead: tuple[float, float] = (0.1, 2.0)
    deaths: int = field(default=0, init=False)
    floods: int = field(default=0, init=False)

    async def rage(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(*self.pause))
            await self.strike()

    async def strike(self) -> None:
        """One of it."""
        if self.chance.random() < 0.25:
            await self.forget()
        else:
            await self.restart(self.chance.choice((self.postgres, self.postgres, self.redis)))

    async def restart(self, server: PostgresServer | RedisServer) -> None:
        """Kill it, and start it again a moment later; whoever cancels this waits for that."""
        restarting = asyncio.create_task(self._restart(server))
        try:
            await asyncio.shield(restarting)
        finally:
            await restarting

    async def forget(self) -> None:
        """FLUSHALL."""
        await asyncio.to_thread(self._forget)

    async def _restart(self, server: PostgresServer | RedisServer) -> None:
        await asyncio.to_thread(server.kill)
        self.deaths += 1
        await asyncio.sleep(self.chance.uniform(*self.dead))
        await asyncio.to_thread(server.start)

    def _forget(self) -> None:
        with self.redis.client() as client:
            client.flushall()
        self.floods += 1
