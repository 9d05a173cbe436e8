"""The essential one of `tests.cli.worker_chaos`: servers die at the worst moments of orders under way. `make chaos` rages on."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.cli.worker_chaos import account_for, balances, staged
from tests.playground import copied
from tests.servers.chaos import Chaos
from tests.servers.postgres import postgres_server
from tests.servers.redis import redis_server


async def test_servers_die_under_two_workers_and_every_order_lands_once(template: Path, tmp_path: Path, home: Path) -> None:
    """PostgreSQL with the first signature just recorded, Redis with the first swap confirmed, PostgreSQL once more after that."""
    with postgres_server() as postgres, redis_server() as redis:
        async with staged(copied(template, tmp_path / "market"), postgres, redis) as stage:
            before, chaos = await balances(stage.dex), Chaos(random.Random(), postgres, redis, dead=(0.2, 0.8))
            quote = await stage.dex.quote("SOL", "USDC", "0.01", slippage_bps=500)
            for number in range(6):
                key = f"load-{number}"
                stage.placed[key] = (await stage.dex.submit(quote, key=key)).order.id
            await stage.until(lambda: stage.steps("signed") > 0)
            submitting = asyncio.gather(*(stage.submit(f"order-{number}", "0.02") for number in range(2)))
            await chaos.restart(postgres)
            await stage.until(lambda: stage.steps("confirmed") > 0)
            await chaos.forget()
            await chaos.restart(redis)
            await chaos.restart(postgres)
            await submitting
            await stage.until_all_ended()
            await account_for(stage, before)
            assert (chaos.deaths, chaos.floods, len(stage.placed)) == (3, 1, 8)
            await stage.dex.quote("SOL", "USDC", "0.01")
            with redis.client() as client:
                assert client.dbsize() > 0, "what was forgotten is kept again"
