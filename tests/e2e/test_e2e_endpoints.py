"""`dex` with several endpoints of one cluster, some of them of no use."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from solders.signature import Signature
from websockets.asyncio.server import ServerConnection, serve

from tests.e2e.chain import Chain, Pace
from tests.e2e.conftest import Opener
from tests.e2e.node import Node, Sloppiness
from tests.e2e.stage import Stage


async def test_a_swap_lands_once_beside_a_first_node_that_never_answers(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(), Sloppiness(silent=True))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    second = await stage.second_node(Sloppiness())
    sender = await stage.second_node(Sloppiness())
    order = await stage.swap(
        "5", str(a), str(b), rpc_urls=second.url, send_urls=sender.url, rpc_timeout_ms=500, rpc_rate_per_s=50, http_discovery="no"
    )
    assert len(order["attempts"]) == 1
    assert set(sender.asked) == {"sendTransaction"} and set(sender.sent) == set(second.sent)


async def test_a_node_of_another_cluster_is_refused_by_name(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    other = Node(Chain(slot=5, epoch=0, unix_timestamp=1_750_000_000, pace=Pace()))
    other.chain.blockhash = lambda height: stage.chain.blockhash(height + 7)  # type: ignore[method-assign]
    await other.start()
    try:
        error = (await stage.dex("wallet", "balance", code=2, rpc_urls=other.url))["error"]
    finally:
        await other.stop()
    assert error["code"] == "USAGE" and other.url in error["message"] and "different clusters" in error["message"]


async def test_the_doctor_tells_how_each_endpoint_is(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=400))
    stage.chain.let_pass(100)  # so that slots and heights differ, and a node can be behind
    good = await stage.second_node(Sloppiness())
    slots = await stage.second_node(Sloppiness(slots_as_heights=True))
    silent = await stage.second_node(Sloppiness(silent=True))
    urls = f"{good.url},{slots.url},{silent.url}"
    found = await stage.dex("doctor", rpc_urls=urls, ws_url="ws://127.0.0.1:9", rpc_timeout_ms=2_000, rpc_rate_per_s=40)
    told = [check for check in found["checks"] if check["check"] == "rpc"]
    assert [check["status"] for check in told] == ["ok", "ok", "warning", "warning"]
    for check, node in zip(told[:2], (stage.node, good), strict=True):
        assert node.url in check["detail"] and "version 2.3.6" in check["detail"] and "behind the newest" in check["detail"]
        assert " ms, slot " in check["detail"] and "at most 40 requests/s" in check["detail"]
    assert "those are slots, not block heights" in told[2]["detail"] and slots.url in told[2]["detail"]
    assert silent.url in told[3]["detail"]
    for check in told[:2]:
        facts = check["facts"]
        assert f"finalized slot {facts['finalized_slot']} at block height {facts['block_height']}" in check["detail"]
        assert facts["block_height"] < facts["finalized_slot"] < facts["slot"] and facts["requests_per_s"] == 40
        assert facts["rate_limited"] == facts["cooling_ms"] == 0 and 0 <= facts["behind_slots"] < 25


async def test_the_doctor_tells_who_limits_lags_and_only_takes_transactions(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=400))
    stage.chain.let_pass(100)  # so that there is something to lag behind
    limits = await stage.second_node(Sloppiness(limit_every=4, retry_after="1"))
    lags = await stage.second_node(Sloppiness(lag_every=1, lag_slots=60, knows_min_context_slot=False))
    takes = await stage.second_node(Sloppiness(missing=frozenset({"getHealth"})))
    nodes, routes = f"{limits.url},{lags.url}", f"{takes.url},http://127.0.0.1:9/secret-token"
    found = await stage.dex("doctor", rpc_timeout_ms=2_000, rpc_urls=nodes, send_urls=routes)
    first, limiting, lagging = [check for check in found["checks"] if check["check"] == "rpc"]
    assert first["status"] == "ok"
    assert limiting["status"] == "warning" and limiting["facts"]["rate_limited"] > 0 and "too many (429)" in limiting["detail"]
    assert lagging["status"] == "warning" and lagging["facts"]["behind_slots"] > 25
    assert f"({lagging['facts']['behind_slots']} behind the newest)" in lagging["detail"]
    there, dead = [check for check in found["checks"] if check["check"] == "send"]
    assert there["status"] == "ok" and takes.url in there["detail"]
    assert dead["status"] == "warning" and "secret-token" not in str(found)


async def test_a_slow_node_keeps_nobody_waiting(open_stage: Opener) -> None:
    """It falls silent once the order is on its way: the others are sent to at their pace, and tell the truth."""
    stage: Stage = await open_stage(Pace(land_after=20, confirm_after=4), Sloppiness())
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    second = await stage.second_node(Sloppiness())
    sent_at: list[float] = []

    def on_request(method: str) -> None:
        if method == "sendTransaction":
            sent_at.append(asyncio.get_running_loop().time())
            stage.node.sloppy = Sloppiness(silent=True)

    second.on_request = on_request
    order = await stage.swap("5", str(a), str(b), rpc_urls=second.url, rpc_timeout_ms=20_000)
    assert len(order["attempts"]) == 1 and len(sent_at) >= 2
    assert all(later - earlier < 10 for earlier, later in pairwise(sent_at)), "far below the silent one's timeout"


def no_name(stage: Stage, node: Node | None = None) -> None:
    """The node does not offer its genesis hash."""
    (node or stage.node).sloppy = Sloppiness(missing=frozenset({"getGenesisHash"}))


async def test_nodes_that_tell_no_genesis_hash_are_held_to_each_others_blocks(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=400))
    stage.chain.let_pass(100)
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    second = await stage.second_node(Sloppiness(missing=frozenset({"getGenesisHash"})))
    no_name(stage)
    first = await stage.swap("5", str(a), str(b), "-u", second.url)
    assert stage.node.sent and second.sent and len(first["attempts"]) == 1
    # named by the first of them, whoever answers first: the journal is the same
    assert await stage.dex("orders", "list", "-u", second.url) == {"orders": [first]}
    # one that tells its genesis hash gives the name; the other is held to its blocks
    stage.node.sloppy = Sloppiness()
    await stage.swap("5", str(a), str(b), "-u", second.url)


async def test_a_nameless_node_of_another_cluster_is_refused(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=10))
    other = Node(Chain(slot=5, epoch=0, unix_timestamp=1_750_000_000, pace=Pace(slot_ms=10)))
    mine = other.chain.blockhash
    other.chain.blockhash = lambda height: mine(height + 10**9)  # type: ignore[method-assign]
    no_name(stage, other)
    await other.start()
    try:
        for _ in range(2):  # whether or not the first one tells its name
            error = (await stage.dex("wallet", "balance", code=2, rpc_urls=other.url))["error"]
            assert "cannot be shown to follow the same chain" in error["message"] and other.url in error["message"]
            assert "neither knows the other's blocks" in error["message"]
            no_name(stage)
    finally:
        await other.stop()


async def test_a_nameless_node_beside_a_silent_one_proves_nothing(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    no_name(stage)
    silent = await stage.second_node(Sloppiness(silent=True))
    error = (await stage.dex("wallet", "balance", code=5, rpc_urls=silent.url, rpc_timeout_ms=2_000))["error"]
    assert silent.url in error["message"] and stage.node.url in error["message"] and "does not answer" in error["message"]


async def test_nodes_named_one_by_one(open_stage: Opener) -> None:
    """The first `-u` is preferred; a wrong one is named without its credentials, and the settings' own list gives way."""
    stage: Stage = await open_stage()
    second = await stage.second_node(Sloppiness())
    shown = await stage.dex("config", "-u", second.url, rpc_urls="http://127.0.0.1:9/")
    assert (shown["url"]["value"], shown["rpc_urls"]) == (second.url, {"value": stage.node.url, "source": "flag"})
    bad = "http://alice:hunter22@127.0.0.1:9/v2/abcdef0123456789"
    told = await stage.dex("doctor", "-u", bad, "-u", second.url)
    rpc = [check for check in told["checks"] if check["check"] == "rpc"]
    assert [check["status"] for check in rpc] == ["warning", "ok", "ok"]
    assert "http://***@127.0.0.1:9/" in rpc[0]["detail"]
    assert "hunter22" not in str(told) and "abcdef0123456789" not in str(told)
    alone = await stage.dex("config", "-u", "embedded", code=2)
    assert "embedded cluster has no other nodes" in alone["error"]["message"]


@pytest.mark.parametrize("manner", ["truth", "lie", "silence", "noise"])
async def test_a_websocket_decides_nothing(open_stage: Opener, manner: str) -> None:
    """It tells when a signature is confirmed, at once and wrongly, or never: the swap lands once and is confirmed by the node."""
    stage: Stage = await open_stage(Pace(land_after=8, confirm_after=3))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    asked: list[str] = []

    async def pubsub(connection: ServerConnection) -> None:
        question = json.loads(await connection.recv())
        signature = Signature.from_string(question["params"][0])
        asked.append(question["method"])
        while manner == "truth" and not (
            signature in stage.chain.landed and stage.chain.landed[signature].slot <= stage.chain.slot_at("confirmed")
        ):
            await asyncio.sleep(0.02)
        if manner in ("truth", "lie"):
            error = None if manner == "truth" else {"InstructionError": [0, {"Custom": 1}]}
            result = {"context": {"slot": 1}, "value": {"err": error}}
            told = {"jsonrpc": "2.0", "method": "signatureNotification", "params": {"result": result, "subscription": 0}}
            await connection.send(json.dumps(told))
        elif manner == "noise":
            await connection.send("<html>")
        await connection.wait_closed()

    async with serve(pubsub, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        order = await stage.swap("5", str(a), str(b), ws_url=f"ws://127.0.0.1:{port}")
    assert asked == ["signatureSubscribe"] and len(order["attempts"]) == 1
