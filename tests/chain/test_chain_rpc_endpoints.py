"""Several endpoints of one cluster, on real sockets: reads go where they are answered best."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from dexroute.chain.retry import RetryPolicy
from dexroute.chain.rpc import RpcClient
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.group import EndpointGroup
from dexroute.chain.rpc.health import EndpointHealth, TokenBucket
from dexroute.errors import AccessRefused, RateLimited, RpcError, RpcUnreachable, StaleData
from tests.chain.scripted_node import ScriptedNode, Waits

ADDRESS = Pubkey.new_unique()


class Cluster:
    """Two scripted nodes as one. `sleeps` are the retries' waits, which nobody waits for."""

    def __init__(self, nodes: list[ScriptedNode], endpoints: list[JsonRpcEndpoint]) -> None:
        self.nodes, self.endpoints = nodes, endpoints
        self.sleeps = Waits()
        self.client = RpcClient(endpoint=EndpointGroup(endpoints), retry=RetryPolicy(attempts=3), sleep=self.sleeps)

    def asked(self) -> list[int]:
        return [len(node.questions) for node in self.nodes]

    def at_slots(self, *slots: int) -> None:
        for node, slot in zip(self.nodes, slots, strict=True):
            node.replies.clear()
            node.answers({"context": {"slot": slot}, "value": [None]})


@pytest.fixture(autouse=True)
def held_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes are chosen by how quick they are, and a loaded machine is quick for none of them."""
    monkeypatch.setattr("dexroute.chain.rpc.endpoint.monotonic_ms", lambda: 0)


@asynccontextmanager
async def cluster_of(count: int = 2, *, timeout_ms: int = 60_000, **options: Any) -> AsyncIterator[Cluster]:
    nodes, servers = [], []
    for _ in range(count):
        node = ScriptedNode()
        server = await asyncio.start_server(node.serve, "127.0.0.1", 0)
        node.port = server.sockets[0].getsockname()[1]
        nodes.append(node)
        servers.append(server)
    endpoints = [JsonRpcEndpoint(node.url, transport=None, timeout_ms=timeout_ms, **options) for node in nodes]
    for endpoint in endpoints:
        endpoint.health = EndpointHealth(lambda: 0)
    cluster = Cluster(nodes, endpoints)
    yield cluster
    await cluster.client.aclose()
    for node, server in zip(nodes, servers, strict=True):
        server.close()
        node.hang_up()


async def test_reads_stay_with_one_node_while_it_is_good() -> None:
    async with cluster_of() as cluster:
        cluster.at_slots(100, 100)
        for _ in range(5):
            await cluster.client.get_accounts([ADDRESS])
        assert sorted(cluster.asked()) == [0, 5]


@pytest.mark.parametrize(
    "trouble", ["hang", "drop", "http", "limit", "unsupported", "garbage", "key", "key in words", "no JSON-RPC"]
)
async def test_a_failing_node_is_passed_over_at_once_and_then_avoided(trouble: str) -> None:
    async with cluster_of(timeout_ms=1_500 if trouble == "hang" else 60_000) as cluster:
        cluster.at_slots(100, 100)
        bad = cluster.nodes[0]
        bad.replies.clear()
        match trouble:
            case "http":
                bad.says(b"", status=503)
            case "limit":
                bad.says(b"", status=429, retry_after="20")
            case "unsupported":
                bad.refuses(-32601)
            case "key":  # as Alchemy answers
                bad.refuses(-32600, "Must be authenticated!", status=401)
            case "key in words":
                bad.says(b'{"error": "invalid api key"}', status=403)
            case "no JSON-RPC":
                bad.says(b'{"error": {"message": "upstream"}}')
            case "garbage":
                bad.says(b"<html>")
            case behaviour:
                bad.behaves(behaviour)
        for _ in range(6):
            assert (await cluster.client.get_accounts([ADDRESS])).slot == 100
        assert cluster.asked()[1] == 6 and cluster.asked()[0] <= 1
        assert not cluster.sleeps, "nobody waits while another node answers"


async def test_what_one_node_does_not_keep_another_is_asked_for() -> None:
    async with cluster_of() as cluster:
        cluster.at_slots(100, 100)
        cluster.nodes[0].replies.clear()
        cluster.nodes[0].refuses(-32011, "Transaction history is not available from this node")
        for _ in range(3):
            assert (await cluster.client.get_accounts([ADDRESS])).slot == 100
        assert cluster.asked()[0] >= 1 and cluster.asked()[1] == 3


async def test_what_is_wrong_with_the_question_is_not_asked_again_elsewhere() -> None:
    async with cluster_of() as cluster:
        cluster.nodes[0].refuses(-32602, "Invalid params")
        with pytest.raises(RpcError, match="Invalid params"):
            await cluster.client.get_accounts([ADDRESS])
        assert cluster.asked() == [1, 0]


async def test_when_no_node_answers_it_is_told_what_became_of_each() -> None:
    async with cluster_of() as cluster:
        cluster.nodes[0].behaves("drop")
        cluster.nodes[1].says(b"<html>", Content_Type="text/html")
        with pytest.raises(RpcUnreachable) as failure:
            await cluster.client.get_accounts([ADDRESS])
        first, second = (node.url for node in cluster.nodes)
        assert f"cannot reach {first}" in failure.value.message and f"{second} answered 6 bytes" in failure.value.message
        assert failure.value.context["calls"] == 3 and cluster.asked() == [3, 3]


@pytest.mark.parametrize("refusing", [0, 1])
async def test_a_refused_key_beside_a_node_that_is_away_may_still_pass(refusing: int) -> None:
    async with cluster_of() as cluster:
        cluster.nodes[refusing].refuses(-32600, "Must be authenticated!", status=401)
        cluster.nodes[1 - refusing].behaves("drop")
        with pytest.raises(RpcUnreachable, match="Must be authenticated!") as failure:
            await cluster.client.get_accounts([ADDRESS])
        assert failure.value.retryable


async def test_keys_refused_everywhere_are_no_passing_trouble() -> None:
    async with cluster_of() as cluster:
        for node in cluster.nodes:
            node.refuses(-32600, "Must be authenticated!", status=401)
        with pytest.raises(AccessRefused, match="The other endpoints are of no help: ") as failure:
            await cluster.client.get_accounts([ADDRESS])
        assert not failure.value.retryable and cluster.asked() == [1, 1] and not cluster.sleeps


async def test_a_node_behind_the_slot_a_read_needs_is_not_asked_for_it() -> None:
    async with cluster_of() as cluster:
        cluster.at_slots(100, 105)
        for endpoint in cluster.endpoints:
            await endpoint.call("getMultipleAccounts", [])
        before = cluster.asked()
        assert (await cluster.client.get_accounts([ADDRESS], min_context_slot=105)).slot == 105
        assert cluster.asked() == [before[0], before[1] + 1]
        assert cluster.nodes[1].questions[-1]["params"][1]["minContextSlot"] == 105


async def test_a_node_that_lags_behind_the_others_is_left_alone() -> None:
    async with cluster_of() as cluster:
        cluster.at_slots(100, 1_000)
        for endpoint in cluster.endpoints:
            await endpoint.call("getMultipleAccounts", [])
        for _ in range(3):
            assert (await cluster.client.get_accounts([ADDRESS])).slot == 1_000
        cluster.nodes[1].replies.clear()
        cluster.nodes[1].behaves("drop")
        assert (await cluster.client.get_accounts([ADDRESS])).slot == 100, "better old than nothing, where nothing newer is needed"
        with pytest.raises((StaleData, RpcUnreachable)):
            await cluster.client.get_accounts([ADDRESS], min_context_slot=1_000)


async def test_a_node_of_another_cluster_answers_nothing_once_it_is_known() -> None:
    async with cluster_of() as cluster:
        ours, theirs = Hash.new_unique(), Hash.new_unique()
        cluster.at_slots(100, 100)
        cluster.endpoints[0].demand(ours)
        cluster.nodes[0].replies.clear()
        cluster.nodes[0].answers(str(theirs))
        for _ in range(3):
            assert (await cluster.client.get_accounts([ADDRESS])).slot == 100
        assert {question["method"] for question in cluster.nodes[0].questions} == {"getGenesisHash"}
        alone = RpcClient(endpoint=cluster.endpoints[0], sleep=cluster.sleeps)
        with pytest.raises(RpcError, match=f"is of another cluster .genesis hash {theirs}, not {ours}"):
            await alone.send(b"wire")


async def test_a_node_held_to_the_cluster_works_once_it_proved_it() -> None:
    async with cluster_of(1) as cluster:
        genesis = Hash.new_unique()
        cluster.endpoints[0].demand(genesis)
        cluster.nodes[0].answers(str(genesis))
        cluster.nodes[0].answers({"context": {"slot": 9}, "value": [None]})
        for _ in range(2):
            assert (await cluster.client.get_accounts([ADDRESS])).slot == 9
        assert [question["method"] for question in cluster.nodes[0].questions] == ["getGenesisHash", *["getMultipleAccounts"] * 2]


class Time:
    def __init__(self) -> None:
        self.ms = 0
        self.slept: list[float] = []

    def now(self) -> int:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)


async def test_a_token_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    time = Time()
    bucket = TokenBucket(10, now_ms=time.now, sleep=time.sleep)
    for _ in range(20):
        await bucket.take()
    assert not time.slept
    for _ in range(30):
        await bucket.take()
    assert time.ms == 3_000
    time.ms += 60_000
    for _ in range(20):
        await bucket.take()
    assert time.ms == 63_000, "an idle bucket fills up to its burst, no further"
    await bucket.take()
    assert time.ms == 63_100


async def test_a_bucket_without_rate_never_waits() -> None:
    bucket = TokenBucket(0)
    for _ in range(1_000):
        await bucket.take()
    assert bucket.wait_ms() == 0


def test_retry_after_and_failures_cost_until_they_are_made_good() -> None:
    time = Time()
    health = EndpointHealth(time.now)
    health.answered(20)
    assert health.cost_ms() == 20 and health.latency_ms == 20
    health.failed(RateLimited("429", retry_after_ms=5_000))
    assert health.cooling_ms == 5_000 and health.cost_ms() > 5_000
    time.ms = 5_000
    assert health.cooling_ms == 0 and 20 < health.cost_ms() < 5_000
    for _ in range(20):
        health.answered(20)
    assert round(health.cost_ms()) < 30 and health.failure_percent == 0
    health.failed(StaleData("behind"))
    assert health.failure_percent == 0
    health.saw_slot(100)
    time.ms += 4_000
    assert health.slot() == 110
