"""One key, one swap: asked twice, asked at once, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import random
import signal

import pytest
from solders.pubkey import Pubkey

from tests.e2e.chain import Pace
from tests.e2e.conftest import Opener
from tests.e2e.node import Sloppiness
from tests.e2e.stage import Stage


def market(stage: Stage) -> tuple[str, str]:
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    return str(a), str(b)


async def test_the_same_command_again_finds_the_same_order(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b = market(stage)
    first = await stage.swap("5", a, b, "--key", "monday")
    assert await stage.dex("swap", "5", a, b, "--yes", "--key", "monday") == first
    refused = await stage.dex("swap", "6", a, b, "--yes", "--key", "monday", code=2)
    assert refused["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert stage.landed() == [first["signature"]]


async def test_two_at_once_on_one_journal_swap_once(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(land_after=3))
    a, b = market(stage)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    children = [await stage.launch(*words) for _ in range(2)]
    told = [await child.communicate() for child in children]
    codes = [child.returncode for child in children]
    orders = [json.loads(stdout) for (stdout, _), code in zip(told, codes, strict=True) if code == 0]
    busy = [json.loads(stderr)["error"]["code"] for (_, stderr), code in zip(told, codes, strict=True) if code == 5]
    assert len(orders) + len(busy) == 2 and orders and set(busy) <= {"DATA_DIR_BUSY"}, told
    assert {order["signature"] for order in orders} == set(stage.landed()) and len(stage.landed()) == 1


async def test_a_key_belongs_to_its_journal(open_stage: Opener) -> None:
    """Two data directories know nothing of each other: one swap each, and each tells of its own."""
    stage: Stage = await open_stage(Pace(land_after=3))
    a, b = market(stage)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    orders = await asyncio.gather(*(stage.dex(*words, data_dir=name) for name in ("one", "other")))
    assert {order["signature"] for order in orders} == set(stage.landed()) and len(stage.landed()) == 2
    assert 10**9 - stage.holding(Pubkey.from_string(a)) == sum(int(order["amount_in"]) for order in orders) == 10_000_000
    assert stage.holding(Pubkey.from_string(b)) == sum(int(order["amount_out"]) for order in orders)


@pytest.mark.parametrize("sent", [False, True], ids=["before-it-was-sent", "after-it-was-sent"])
async def test_killed_at_a_random_moment_and_resumed(open_stage: Opener, sent: bool) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # what a failure needs to be repeated
    chance = random.Random(seed)
    stage: Stage = await open_stage(Pace(land_after=4, confirm_after=4), Sloppiness(drop_sends=chance.randrange(2)))
    a, b = market(stage)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    child = await stage.launch(*words)
    left = chance.randrange(4) if sent else chance.randrange(2, 22)

    def kill(method: str) -> None:
        nonlocal left
        if method == "sendTransaction" or not sent or stage.node.sent:
            left -= 1
        if left < 0 and child.returncode is None:
            child.send_signal(signal.SIGKILL)

    stage.node.on_request = kill
    await child.communicate()
    stage.node.on_request = None
    assert child.returncode == -signal.SIGKILL
    resumed = await stage.dex("orders", "resume")
    assert all(order["state"] == "CONFIRMED" for order in resumed["orders"])
    # Whether or not it came as far as an order, the same command leads to the one swap.
    order = await stage.dex(*words)
    assert {entry["id"] for entry in resumed["orders"]} <= {order["id"]}
    assert stage.landed() == [order["signature"]] and order["state"] == "CONFIRMED"
    assert 10**9 - stage.holding(Pubkey.from_string(a)) == int(order["amount_in"]) == 5_000_000
    assert stage.holding(Pubkey.from_string(b)) == int(order["amount_out"])
