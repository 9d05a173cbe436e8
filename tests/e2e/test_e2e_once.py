"""One key, one swap: asked twice, asked at once, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal

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
    assert await stage.dex("orders", "list") == {"orders": [first]}
    assert stage.landed() == [first["signature"]]


async def test_commands_at_once_swap_once_for_each_journal(open_stage: Opener) -> None:
    """A key belongs to its journal: of two commands on one data directory one swaps; another directory is another journal, which
    knows nothing of the first and swaps once as well. Each tells of its own transaction."""
    stage: Stage = await open_stage(Pace(land_after=3))
    a, b = market(stage)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    children = [await stage.launch(*words, data_dir=name) for name in ("one", "one", "other")]
    told = await asyncio.gather(*(child.communicate() for child in children))
    codes = [child.returncode for child in children]
    orders = [json.loads(stdout) for (stdout, _), code in zip(told, codes, strict=True) if code == 0]
    busy = [json.loads(stderr)["error"]["code"] for (_, stderr), code in zip(told, codes, strict=True) if code == 5]
    assert codes[2] == 0 and len(orders) + len(busy) == 3 and set(busy) <= {"DATA_DIR_BUSY"}, told
    swaps = {order["signature"]: order for order in orders}
    assert set(swaps) == set(stage.landed()) and len(swaps) == 2
    assert 10**9 - stage.holding(Pubkey.from_string(a)) == sum(int(order["amount_in"]) for order in swaps.values()) == 10_000_000
    assert stage.holding(Pubkey.from_string(b)) == sum(int(order["amount_out"]) for order in swaps.values())


async def test_killed_at_a_random_moment_and_resumed(open_stage: Opener) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # what a failure needs to be repeated
    chance = random.Random(seed)
    stage: Stage = await open_stage(Pace(land_after=4, confirm_after=4), Sloppiness(drop_sends=chance.randrange(2)))
    a, b = market(stage)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    child = await stage.launch(*words)
    # Either some way through what comes before the send, or from the send on, answered or not.
    sent, left = chance.choice([(False, chance.randrange(2, 22)), (True, chance.randrange(3))])

    def kill(method: str) -> None:
        nonlocal left
        if not sent or method == "sendTransaction" or stage.node.sent:
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


async def test_a_data_directory_brought_back_swaps_nothing_twice(open_stage: Opener) -> None:
    """Nothing is signed while what the journal forgot may still land, nor anything that it did already."""
    stage: Stage = await open_stage(Pace(slot_ms=400, finalize_after=4))
    a, b = market(stage)
    await stage.swap("1", a, b)
    data, backup = stage.folder / "data", stage.folder / "backup"
    shutil.copytree(data, backup)
    words = ("swap", "5", a, b, "--yes", "--key", "monday")
    order = await stage.dex(*words)
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    error = (await stage.dex(*words, code=5))["error"]
    assert error["code"] == "JOURNAL_RESTORED" and error["retryable"], error
    until = error["context"]["until_height"]
    while stage.chain.height(stage.chain.slot_at("finalized")) <= until:
        stage.chain.let_pass(8)
    doubt = (await stage.dex(*words, code=4))["error"]
    assert doubt["code"] == "ORDER_IN_DOUBT" and order["signature"] in doubt["message"], doubt
    assert len(stage.landed()) == 2
