"""JSON-RPC 2.0 itself, and what any caller may send."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.keypair import Keypair

from dexroute.localnet import EmbeddedCluster
from dexroute.localnet.rpc.dispatch import METHODS
from dexroute.localnet.rpc.pubsub import PubSub


async def post(rpc: Any, body: bytes | str) -> Any:
    response = await rpc.http.post("http://cluster/", content=body)
    return response.json() if response.content else None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"3", -32600),
        (b'{"id": 1, "method": "getSlot"}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "getSlot"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getNothing"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": {"a": 1}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": []}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": ["short"]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "sure"}]}', -32602),
    ],
)
async def test_a_bad_request_has_its_code(rpc: Any, body: bytes, code: int) -> None:
    answer = await post(rpc, body)
    assert answer["error"]["code"] == code
    assert answer["jsonrpc"] == "2.0"


async def test_a_batch_answers_each_and_notifications_not_at_all(rpc: Any) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "getHealth"},
        {"jsonrpc": "2.0", "method": "getHealth"},
        {"jsonrpc": "2.0", "id": 2, "method": "getNothing"},
        4,
    ]
    answers = await post(rpc, json.dumps(batch))
    assert [(answer.get("id"), answer.get("result"), answer.get("error", {}).get("code")) for answer in answers] == [
        ("a", "ok", None),
        (2, None, -32601),
        (None, None, -32600),
    ]
    assert await post(rpc, json.dumps(batch[1])) is None


async def test_only_post_is_answered(rpc: Any) -> None:
    assert (await rpc.http.get("http://cluster/")).status_code == 405


KEY = str(Keypair().pubkey())
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1, 2**64 - 1, 2**64, 1.5, "", "x", "1" * 32, KEY, KEY * 2, "A" * 2000, "☃", [], [KEY], [[]], {}, "11111111"]
)
NAMES = [
    *("commitment", "encoding", "minContextSlot", "dataSlice", "filters", "limit", "before", "until", "accounts", "mint"),
    *("programId", "mentions", "withContext", "maxSupportedTransactionVersion", "transactionDetails", "sigVerify"),
    *("skipPreflight", "replaceRecentBlockhash", "innerInstructions", "enableReceivedNotification", "preflightCommitment"),
]
CONFIG = st.dictionaries(
    st.sampled_from(NAMES),
    ODD
    | st.sampled_from(
        [
            "base64",
            "confirmed",
            "processed",
            {"offset": 1, "length": 2**63},
            {"encoding": "base64", "addresses": [KEY, 5]},
            [{"memcmp": {"offset": 0, "bytes": "!!"}}],
            [{"memcmp": {"offset": 2**63, "bytes": [1, 2, 300]}}],
            [{"dataSize": -1}],
        ]
    ),
    max_size=4,
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(sorted(METHODS)), params=st.lists(ODD | CONFIG, max_size=4))
def test_no_parameters_make_a_method_fail_internally(cluster: EmbeddedCluster, method: str, params: list[Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    answer = json.loads(cluster.dispatcher.answer(body) or b"")
    code = answer.get("error", {}).get("code")
    # The faucet may well be too poor for what was asked.
    assert code != -32603 or method == "requestAirdrop", answer


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_parameters_make_a_subscription_fail_internally(cluster: EmbeddedCluster, data: st.DataObject) -> None:
    pubsub = PubSub(cluster.dispatcher.node)
    method = data.draw(st.sampled_from(sorted(pubsub.methods)))
    params = data.draw(st.lists(ODD | CONFIG, max_size=3))
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    answer = json.loads(cluster.dispatcher.answer(body, pubsub.methods) or b"")
    assert answer.get("error", {}).get("code") != -32603, answer
    pubsub.due()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_no_bytes_make_the_cluster_fail(cluster: EmbeddedCluster, body: bytes) -> None:
    answer = cluster.dispatcher.answer(body)
    assert answer is not None
    assert json.loads(answer)["error"]["code"] in (-32700, -32600)


async def test_the_transport_takes_any_host(cluster: EmbeddedCluster) -> None:
    async with httpx.AsyncClient(transport=cluster.transport) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}
        assert (await http.post("https://embedded", json=body)).json()["result"] == "ok"
