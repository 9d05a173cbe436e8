"""Two `dex worker` processes and orders from the command line, while PostgreSQL is killed and started again and Redis is killed and
emptied under them; in the end every order is held against the journal, the chain, the wallet and what subscribers heard.

`python -m tests.cli.worker_chaos --seed 7 --orders 40` rages at random: a seed repeats a story in kind, not to the letter.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dexroute import Dex
from dexroute.engine.execution.receipt import Receipt
from dexroute.types.orders import OrderEvent, SwapAmounts
from tests.cli.worker_processes import Site, WorkerProcess, receipts_landed_once, served_site
from tests.playground import copied, make_template
from tests.servers.chaos import Chaos
from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.redis import RedisServer, redis_server

AMOUNTS = ("0.01", "0.02", "0.03")  # SOL


@dataclass(kw_only=True)
class Stage:
    """What the story is played on."""

    site: Site
    postgres: PostgresServer
    redis: RedisServer
    dex: Dex
    workers: tuple[WorkerProcess, WorkerProcess]
    heard: list[OrderEvent] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)

    async def submit(self, key: str, amount: str) -> None:
        """As a caller who is told of an outage does it: the same command again until the order is taken."""
        async with asyncio.timeout(300):
            while True:
                told = await self.site.run("submit", amount, "SOL", "USDC", "--yes", "--slippage-bps", "500", "--key", key)
                if told.code == 0:
                    self.placed[key] = told.json["id"]
                    return
                assert told.code == 5 and told.error["retryable"], told
                self.refusals[told.error["code"]] += 1

    def steps(self, kind: str) -> int:
        """How many steps of this kind the two workers told of."""
        return sum(len(worker.steps(kind)) for worker in self.workers)

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(300):
            while not what():
                for worker in self.workers:
                    assert worker.process.returncode is None, worker.lines
                await asyncio.sleep(0.02)

    async def until_more(self) -> None:
        """Until another order was taken or has landed."""
        so_far = len(self.placed) + self.steps("confirmed")
        await self.until(lambda: len(self.placed) + self.steps("confirmed") > so_far)

    async def until_all_ended(self) -> None:
        journal = await self.dex.journal()
        async with asyncio.timeout(300):
            for order in self.placed.values():
                while (await journal.order(order)).is_open:
                    await asyncio.sleep(0.1)


@asynccontextmanager
async def staged(market: Path, postgres: PostgresServer, redis: RedisServer) -> AsyncIterator[Stage]:
    """Both workers at work, and a subscriber to all events."""
    async with (
        served_site(market, postgres.url, redis.url) as site,
        site.dex() as dex,
        site.worker("--concurrency", "3") as one,
        site.worker("--concurrency", "3") as other,
    ):
        await asyncio.gather(one.until("started"), other.until("started"))
        stage = Stage(site=site, postgres=postgres, redis=redis, dex=dex, workers=(one, other))
        await dex.journal()
        hearing = asyncio.create_task(_hear(stage))
        try:
            yield stage
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def _hear(stage: Stage) -> None:
    async with aclosing(stage.dex.events()) as following:  # type: ignore[type-var]
        async for event in following:
            stage.heard.append(event)


async def balances(dex: Dex) -> tuple[int, int]:
    """(lamports, base units of USDC) of the wallet."""
    held = await dex.balances()
    return held.lamports, held.amount_of((await dex.token("USDC")).mint)


async def account_for(stage: Stage, before: tuple[int, int]) -> None:
    """Every order once: by its receipt, by the wallet, by the events that were heard, and by the audit of journal and chain."""
    receipts = await receipts_landed_once(stage.dex, stage.placed.values())
    assert len(set(stage.placed.values())) == len(stage.placed) == len(await stage.dex.list_orders(limit=10_000))
    after = await balances(stage.dex)
    assert after[1] - before[1] == sum(_amounts(receipt).amount_out for receipt in receipts)
    assert before[0] - after[0] == sum(map(_spent_lamports, receipts))
    written = {(event.order_id, event.seq) for receipt in receipts for event in receipt.events}
    await stage.until(lambda: written <= {(event.order_id, event.seq) for event in stage.heard})
    heard = [(event.order_id, event.seq) for event in stage.heard]
    assert len(heard) == len(set(heard)), "nothing twice"
    assert [event.position for event in stage.heard] == list(range(1, len(heard) + 1)), "and nothing left out"
    audit = await stage.site.run("doctor", "--invariants", "--chain")
    assert audit.code == 0, audit
    for worker in stage.workers:
        assert await worker.ended(signal.SIGTERM) == 0
        stopped = worker.said("stopped")
        assert stopped is not None and not stopped["handed_back"]


def _amounts(receipt: Receipt) -> SwapAmounts:
    assert receipt.order.executed is not None
    return receipt.order.executed


def _spent_lamports(receipt: Receipt) -> int:
    assert receipt.fill is not None
    costs = receipt.fill.costs
    paid = costs.network_fee_lamports + costs.priority_fee_lamports + costs.other_lamports + costs.rent_lamports
    return _amounts(receipt).amount_in + paid - costs.rent_refunded_lamports


async def story(seed: int, orders: int, market: Path) -> str:
    """Servers rage at random while `orders` are submitted, three commands at a time; what it came to."""
    chance = random.Random(seed)
    with postgres_server() as postgres, redis_server() as redis:
        async with staged(market, postgres, redis) as stage:
            before = await balances(stage.dex)
            chaos = Chaos(chance, postgres, redis)

            async def rage() -> None:
                """Whenever something came about: on a slow machine nothing ever would between two kills."""
                while True:
                    await stage.until_more()
                    await asyncio.sleep(chance.uniform(0, 1.5))
                    await chaos.strike()

            raging = asyncio.create_task(rage())
            gate = asyncio.Semaphore(3)

            async def submit(number: int) -> None:
                async with gate:
                    await stage.submit(f"order-{number}", chance.choice(AMOUNTS))

            try:
                await asyncio.gather(*(submit(number) for number in range(orders)))
            finally:
                raging.cancel()
                await asyncio.wait([raging])
            assert raging.cancelled(), raging.exception()
            await stage.until_all_ended()
            await account_for(stage, before)
            by_worker = [len(worker.steps("confirmed")) for worker in stage.workers]
            done = f"{orders} orders, servers killed {chaos.deaths} times, Redis emptied {chaos.floods} times"
            return f"{done}, refused {dict(stage.refusals)}, landed by {by_worker}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--stories", type=int, default=1)
    parser.add_argument("--orders", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dexroute-chaos-") as folder:
        asyncio.run(make_template(template := Path(folder, "template")))
        for seed in range(given.seed, given.seed + given.stories):
            print(f"seed {seed}:", asyncio.run(story(seed, given.orders, copied(template, Path(folder, str(seed))))), flush=True)


if __name__ == "__main__":
    main()
