"""Orders through `dex` in bad weather, its processes and (`--chaos`) servers killed at random; in the end the ledger is counted.

`python -m tests.e2e.soak --seed 7 --orders 40 --postgres`: what fails is printed with the seed. The seed draws the orders,
the weather and the kills; when the processes meet them is up to the machine: a seed repeats a story in kind, not to the letter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature

from tests.e2e.chain import Chain, Pace
from tests.e2e.node import Node, Sloppiness
from tests.e2e.stage import Stage
from tests.e2e.weather import Weather
from tests.servers.chaos import Chaos
from tests.servers.postgres import postgres_server
from tests.servers.redis import redis_server

GIVEN = 10**13
TERMINAL = {"CONFIRMED", "FAILED", "CANCELLED"}
Words = tuple[str, ...]


class Soak:
    """One stage, one journal, and what was asked of it."""

    def __init__(self, chance: random.Random, stage: Stage, witness: Node, settings: dict[str, Any], chaos: Chaos | None) -> None:
        self.chance, self.stage, self.settings, self.chaos = chance, stage, settings, chaos
        self.weather = Weather(chance, stage.chain, (stage.node, witness))
        self.asked: dict[str, Words] = {}
        self.promised: set[str] = set()
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        self.kills = 0

    def open_markets(self) -> None:
        """Three mints, joined in a ring: some orders take one pool, some two."""
        a, b, c = (self.stage.token(decimals) for decimals in (6, 9, 6))
        for first, second in ((a, b), (b, c), (a, c)):
            self.stage.own_pool(first, second, (10**13, 2 * 10**13))
        for mint in (a, b, c):
            self.stage.give(mint, GIVEN)
        self.mints = (a, b, c)

    async def run(self, orders: int) -> None:
        blowing = [asyncio.create_task(self.weather.blow())]
        if self.chaos is not None:
            blowing.append(asyncio.create_task(self.chaos.rage()))
        gate = asyncio.Semaphore(3 if "database_url" in self.settings else 1)  # SQLite lets one process in

        async def one(number: int) -> None:
            async with gate:
                await self._act(number)

        try:
            await asyncio.gather(*(one(number) for number in range(orders)))
        finally:
            for one_of_them in blowing:
                one_of_them.cancel()
            await asyncio.wait(blowing)
        self.weather.clear()

    async def _act(self, number: int) -> None:
        kind = self.chance.choices(("new", "again", "other body", "resume", "cancel"), (60, 15, 5, 12, 8))[0]
        known = sorted(self.promised if kind == "other body" else self.asked)
        if kind in ("again", "other body") and known:
            key = self.chance.choice(known)
            amount, *rest = self.asked[key]
            words: Words = (amount if kind == "again" else "123.5", *rest)
        elif kind == "resume":
            key, words = "", ()
        else:
            key = f"order-{number}"
            pay, get = self.chance.sample(self.mints, 2)
            words = (str(self.chance.randrange(1, 400)), str(pay), str(get))
            self.asked[key] = words
            kind = "cancel" if kind == "cancel" else "new"
        child = await self.stage.launch(
            *(("swap", *words, "--yes", "--key", key) if key else ("orders", "resume")), **self.settings
        )
        killer = asyncio.create_task(self._kill(child)) if self.chance.random() < 0.5 else None
        stdout, stderr = await child.communicate()
        if killer is not None:
            killer.cancel()
        self._judge(kind, key, child.returncode, stdout.decode(), stderr.decode())
        if kind == "cancel" and key:
            await self._cancel(key)

    async def _kill(self, child: asyncio.subprocess.Process) -> None:
        """At a moment of its own, or soon after some process asked a node for something."""
        method = self.chance.choice(
            (None, "getMultipleAccounts", "simulateTransaction", *["sendTransaction", "getSignatureStatuses"] * 2)
        )
        if method is None:
            await asyncio.sleep(self.chance.uniform(0.3, 6))
        else:
            asked = [len(node.asked) for node in self.weather.nodes]
            while not any(method in node.asked[since:] for node, since in zip(self.weather.nodes, asked, strict=True)):
                asked = [len(node.asked) for node in self.weather.nodes]
                await asyncio.sleep(0.02)
            await asyncio.sleep(self.chance.choice((0, 0, 0.05, 0.3)))
        if child.returncode is None:
            child.kill()
            self.kills += 1

    async def _cancel(self, key: str) -> None:
        child = await self.stage.launch("orders", "list", **self.settings)
        stdout, _ = await child.communicate()
        if child.returncode == 0:
            for order in json.loads(stdout)["orders"]:
                if order["key"] == key and order["state"] not in TERMINAL:
                    child = await self.stage.launch("orders", "cancel", order["id"], **self.settings)
                    await child.communicate()
                    self.outcomes[f"cancel: {child.returncode}"] += 1

    def _judge(self, kind: str, key: str, code: int | None, stdout: str, stderr: str) -> None:
        """What a process said is a promise: 0 is done, 2 a misuse of ours, 1 a bug, and nothing but JSON is said."""
        error = ""
        if code not in (0, -9):
            try:
                error = json.loads(stderr)["error"]["code"]
            except (ValueError, KeyError):
                self.faults.append(f"{kind} {key} ended with {code} and no error in JSON: {stderr[-2000:]}")
        self.outcomes[f"{kind}: {code} {error}".rstrip()] += 1
        if code == 1 or (code == 2 and kind != "other body"):
            self.faults.append(f"{kind} {key} ended with {code}: {stderr[-2000:]}")
        if kind == "other body" and code == 0:
            self.faults.append(f"{key} with another body was taken: {stdout}")
        if key and code == 0:
            self.promised.add(key)

    async def settle(self) -> list[dict[str, Any]]:
        """On a fine day: every open order is taken up until none is left and the last block is final."""
        for _ in range(60):
            child = await self.stage.launch("orders", "resume", **self.settings)
            _, stderr = await child.communicate()
            if child.returncode == 1:
                self.faults.append(f"resume: {stderr.decode()[-2000:]}")
            await self.stage.until_finalized()
            orders: list[dict[str, Any]] = (await self.stage.dex("orders", "list", "--limit", "100000", **self.settings))["orders"]
            if all(order["state"] in TERMINAL for order in orders):
                return orders
        self.faults.append(f"still open: {[order['id'] for order in orders if order['state'] not in TERMINAL]}")
        return orders

    def count(self, orders: list[dict[str, Any]]) -> None:
        """The ledger: orders against keys, transactions against orders, coins against both."""
        keys = Counter(order["key"] for order in orders)
        self._hold("one order a key", all(times == 1 for times in keys.values()) and set(keys) <= set(self.asked), keys)
        self._hold("every promised order is there", self.promised <= set(keys), self.promised - set(keys))
        confirmed = {order["signature"]: order for order in orders if order["state"] == "CONFIRMED"}
        landed = {s: self.stage.chain.landed[Signature.from_string(s)] for s in self.stage.landed()}
        good = {signature for signature, found in landed.items() if found.error is None}
        self._hold("what is confirmed landed, and nothing else did", set(confirmed) == good, (set(confirmed) ^ good))
        known = {attempt["signature"] for order in orders for attempt in order["attempts"]}
        self._hold("every transaction is an attempt in the journal", set(landed) <= known, set(landed) - known)
        for order in orders:
            pay, get = order["input_mint"], order["output_mint"]
            self._hold(f"{order['key']} is the order that was asked", (pay, get) == self.asked[order["key"]][1:3], order)
        for mint in self.mints:
            moved = self.stage.holding(mint) - GIVEN
            told = sum(self._moved(order, mint) for order in confirmed.values())
            self._hold(f"coins of {mint}", moved == told, (moved, told))

    def _moved(self, order: dict[str, Any], mint: Pubkey) -> int:
        name = str(mint)
        left = sum(int(one["amount"]) for one in order["costs"]["residuals"] if one["mint"] == name)
        got = int(order["amount_out"]) if order["output_mint"] == name else 0
        return got + left - (int(order["amount_in"]) if order["input_mint"] == name else 0)

    def _hold(self, rule: str, holds: bool, seen: object) -> None:
        if not holds:
            self.faults.append(f"{rule}: {seen}")


async def soak(seed: int, orders: int, folder: Path, *, postgres: bool = False, chaos: bool = False) -> list[str]:
    """One story; its faults. The audit of the journal (`dex doctor --invariants --chain`) is part of the count."""
    chance = random.Random(seed)
    pace = Pace(hash_blocks=60, confirm_after=3, finalize_after=12)
    stage = Stage(Chain(slot=300_000_000, epoch=700, unix_timestamp=1_750_000_000, pace=pace), folder)
    await stage.node.start()
    witness = await stage.second_node(Sloppiness())
    with ExitStack() as stack:
        settings: dict[str, Any] = {"witness_url": witness.url}
        fury = None
        if postgres:
            database = stack.enter_context(postgres_server())
            settings["database_url"] = database.url.replace("postgresql://", "postgresql+asyncpg://")
            if chaos:
                cache = stack.enter_context(redis_server())
                settings["redis_url"] = cache.url
                fury = Chaos(chance, database, cache)
        told = Soak(chance, stage, witness, settings, fury)
        told.open_markets()
        await stage.until_finalized()
        await told.run(orders)
        told.count(await told.settle())
        audit = await stage.launch("doctor", "--invariants", "--chain", **settings)
        _, stderr = await audit.communicate()
        if audit.returncode:
            told.faults.append(f"the audit ended with {audit.returncode}: {stderr.decode()[-2000:]}")
    for node in (stage.node, witness):
        await node.stop()
        told.faults += [f"asked what no node understands: {violation}" for violation in node.violations]
    print(f"seed {seed}: {len(told.asked)} orders asked, {len(stage.landed())} transactions landed, {told.kills} processes killed")
    print(f"  {told.weather.changes} changes of weather, {told.weather.forks} transactions lost their block")
    if fury is not None:
        print(f"  servers killed {fury.deaths} times, Redis emptied {fury.floods} times")
    print(f"  {dict(sorted(told.outcomes.items()))}", flush=True)
    return told.faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--stories", type=int, default=1)
    parser.add_argument("--orders", type=int, default=30)
    parser.add_argument("--postgres", action="store_true", help="several processes on one PostgreSQL, instead of one on SQLite")
    parser.add_argument("--chaos", action="store_true", help="PostgreSQL, and a Redis beside it, are killed and started again")
    given = parser.parse_args()
    for seed in range(given.seed, given.seed + given.stories):
        with tempfile.TemporaryDirectory(prefix="dexroute-soak-") as folder:
            faults = asyncio.run(soak(seed, given.orders, Path(folder), postgres=given.postgres or given.chaos, chaos=given.chaos))
        if faults:
            print(f"seed {seed}:", *faults, sep="\n  ", file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
