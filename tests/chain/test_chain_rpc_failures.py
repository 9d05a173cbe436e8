"""What a client makes of nodes that are down, slow, limiting, lagging, mute or mad."""

from __future__ import annotations

import logging
import socket
import time
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import formatdate

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.retry import RetryPolicy
from dexroute.chain.rpc import RpcClient, failures, is_unsupported
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.failures import retry_after_ms
from dexroute.errors import AccessRefused, ConfigError, NetworkError, RateLimited, RpcError, RpcUnreachable, StaleData
from tests.chain.scripted_node import ClientFactory, ScriptedNode, Waits

SOMEWHERE = Pubkey.from_string("So11111111111111111111111111111111111111112")
ONCE = RetryPolicy(attempts=1)


async def test_unreachable_host_is_asked_as_often_as_the_policy_says(client_of: ClientFactory, waits: Waits) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(RpcUnreachable, match=r"getGenesisHash: cannot reach http://127\.0\.0\.1") as caught:
        await client_of(url).genesis_hash()
    assert caught.value.context["calls"] == 4
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2] < 2


async def test_unresolvable_name_is_unreachable(client_of: ClientFactory) -> None:
    with pytest.raises(RpcUnreachable, match=r"nowhere\.invalid"):
        await client_of("http://nowhere.invalid", retry=ONCE).genesis_hash()


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
async def test_a_node_that_never_finishes_is_a_timeout(node: ScriptedNode, client_of: ClientFactory, behaviour: str) -> None:
    node.behaves(behaviour)
    with pytest.raises(RpcUnreachable, match=r"did not answer within 0\.2 s") as caught:
        await client_of(node.url, timeout_ms=200, retry=ONCE).rent_exemption(165)
    assert caught.value.context["reason"] == "timeout"


async def test_dropped_connection_then_answer(node: ScriptedNode, client: RpcClient, waits: Waits) -> None:
    node.behaves("drop")
    node.answers(2_039_280)
    assert await client.rent_exemption(165) == 2_039_280
    assert len(waits) == 1


async def test_retry_after_is_obeyed(node: ScriptedNode, client: RpcClient, waits: Waits) -> None:
    node.says(b"slow down", 429, Retry_After="3")
    node.answers(890_880)
    assert await client.rent_exemption(0) == 890_880
    assert waits == [3.0]


async def test_retry_after_as_a_date_is_obeyed(node: ScriptedNode, client: RpcClient, waits: Waits) -> None:
    node.says(b"slow down", 429, Retry_After=formatdate(time.time() + 9, usegmt=True))
    node.answers(1)
    assert await client.rent_exemption(0) == 1
    assert 0 < waits[0] <= 9


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("0", 0),
        (" 7 ", 7_000),
        ("1.5", 1_500),
        ("0.0001", 1),
        ("2.0001", 2_001),
        ("9" * 20, 10**12),
        ("-1", None),
        ("1e3", None),
        (".5", None),
        ("٣", None),
        ("9" * 21, None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 8_000 * 365 * 86_400_000),
        ("Mon, 32 Jan 2999 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2999 00:00:00 +999999999999", None),
    ],
)
def test_every_spelling_of_retry_after(header: str | None, waited_ms: int | None) -> None:
    found = retry_after_ms(header)
    if waited_ms is not None and waited_ms > 10**13:  # a date a long way off
        assert found is not None and abs(found - waited_ms) < waited_ms // 10
    else:
        assert found == waited_ms


@pytest.mark.parametrize("ahead_us", [1, 999, 1_000, 1_001, 2_500_000])
def test_a_date_is_waited_for_to_its_end(monkeypatch: pytest.MonkeyPatch, ahead_us: int) -> None:
    """Rounded down, a node that says "at twelve" is asked a moment before twelve, and counts that too."""
    moment = datetime(2026, 2, 1, 12, tzinfo=UTC)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Stopped:
            return cls.fromtimestamp((moment - timedelta(microseconds=ahead_us)).timestamp(), tz)

    monkeypatch.setattr(failures, "datetime", Stopped)
    found = retry_after_ms("Sun, 01 Feb 2026 12:00:00 GMT")
    assert found is not None and 0 <= found * 1_000 - ahead_us < 1_000
    assert retry_after_ms("Sun, 01 Feb 2026 12:00:00 -0000") == found, "no zone means UTC"


@pytest.mark.parametrize(("asked", "told"), [("1", "1 s"), ("0.2", "1 s"), ("12.001", "13 s")])
async def test_the_wait_that_is_told_is_rounded_up(node: ScriptedNode, client_of: ClientFactory, asked: str, told: str) -> None:
    node.says(b"", 429, Retry_After=asked)
    with pytest.raises(RateLimited, match=f"asks to wait {told};"):
        await client_of(node.url, retry=ONCE).rent_exemption(0)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_not_tried_again(node: ScriptedNode, client: RpcClient, waits: Waits, status: int) -> None:
    node.refuses(-32600, "Must be authenticated!", status=status)
    with pytest.raises(AccessRefused, match=f"HTTP {status}: Must be authenticated!") as caught:
        await client.rent_exemption(0)
    assert not caught.value.retryable and caught.value.exit_code == 2 and waits == []
    assert isinstance(caught.value, RpcError), "it proves nothing about what was sent"


async def test_a_node_asking_for_too_long_a_wait_is_not_asked_again(node: ScriptedNode, client: RpcClient, waits: Waits) -> None:
    node.says(b"", 429, Retry_After="3600")
    with pytest.raises(RateLimited, match="asks to wait 3600 s") as caught:
        await client.rent_exemption(0)
    assert caught.value.context["retry_after_ms"] == 3_600_000
    assert caught.value.exit_code == 5
    assert waits == []


async def test_a_limiting_node_is_left_alone_for_longer_than_a_dead_one(
    node: ScriptedNode, client: RpcClient, waits: Waits
) -> None:
    node.says(b"", 429)
    with pytest.raises(RateLimited):
        await client.rent_exemption(0)
    limited = list(waits)
    waits.clear()
    node.says(b"", 502)
    node.replies.pop(0)
    with pytest.raises(RpcUnreachable):
        await client.rent_exemption(0)
    assert len(limited) == len(waits) == 3
    assert min(limited) > max(waits[:1])
    assert sum(limited) > 2 * sum(waits)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://localhost:{port}"])
async def test_proxies_of_the_environment_do_not_stand_before_this_machine(
    node: ScriptedNode, client_of: ClientFactory, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    node.answers(5)
    assert await client_of(url.format(port=node.port), retry=ONCE).rent_exemption(0) == 5


async def test_rate_limit_inside_json_rpc(node: ScriptedNode, client_of: ClientFactory) -> None:
    node.refuses(429, "Too many requests for a specific RPC call")
    with pytest.raises(RateLimited):
        await client_of(node.url, retry=ONCE).rent_exemption(0)


async def test_sends_are_never_repeated(node: ScriptedNode, client: RpcClient, waits: Waits) -> None:
    node.says(b"", 503)
    with pytest.raises(RpcUnreachable):
        await client.send(b"\x01")
    assert len(node.questions) == 1
    assert waits == []


async def test_method_not_found_is_told_apart_and_not_retried(node: ScriptedNode, client: RpcClient) -> None:
    node.refuses(-32601, "Method not found")
    with pytest.raises(RpcError, match="does not offer this method") as caught:
        await client.version()
    assert is_unsupported(caught.value)
    assert len(node.questions) == 1


async def test_rents_of_a_node_that_does_not_tell_them_are_the_default_ones(node: ScriptedNode, client: RpcClient) -> None:
    node.refuses(-32601, "Method not found")
    node.refuses(-32601, "Method not found")
    assert (await client.rent_exemption(0), await client.rent_exemption(165)) == (890_880, 2_039_280)


@pytest.mark.parametrize(("code", "status"), [(-32016, 200), (-32005, 200), (-32005, 503)])
async def test_lagging_nodes_are_stale_data(node: ScriptedNode, client_of: ClientFactory, code: int, status: int) -> None:
    node.refuses(code, "behind", status=status)
    with pytest.raises(StaleData) as caught:
        await client_of(node.url, retry=ONCE).get_accounts([SOMEWHERE], min_context_slot=5)
    assert caught.value.context["rpc_code"] == code


async def test_a_node_that_ignores_min_context_slot_is_caught_by_its_answer(node: ScriptedNode, client: RpcClient) -> None:
    node.answers({"context": {"slot": 4}, "value": [None]})
    node.answers({"context": {"slot": 5}, "value": [None]})
    assert (await client.get_accounts([SOMEWHERE], min_context_slot=5)).slot == 5
    assert len(node.questions) == 2
    assert node.questions[0]["params"][1]["minContextSlot"] == 5


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, AccessRefused, "API key is missing, wrong or revoked"),
        (403, AccessRefused, "API key is missing, wrong or revoked"),
        (404, RpcError, "JSON-RPC endpoint"),
        (302, RpcError, "final URL"),
        (500, RpcUnreachable, "out of order"),
        (503, RpcUnreachable, "out of order"),
    ],
)
async def test_http_errors(node: ScriptedNode, client_of: ClientFactory, status: int, kind: type[NetworkError], words: str) -> None:
    node.says(b"<html>no</html>", status, Location="https://elsewhere.invalid/?api-key=1")
    with pytest.raises(kind, match=words) as caught:
        await client_of(node.url, retry=ONCE).rent_exemption(0)
    assert caught.value.context["http_status"] == status
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"result":NaN}',
        b'{"jsonrpc":"2.0","id":1,"result":' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"jsonrpc":"2.0","id":99,"result":5}',
        b'{"jsonrpc":"2.0","id":1,"result":-1}',
        b'{"jsonrpc":"2.0","id":1,"result":5.5}',
        b'{"jsonrpc":"2.0","id":1,"result":true}',
        b'{"jsonrpc":"2.0","id":1,"result":18446744073709551616}',
        b'{"jsonrpc":"2.0","id":1,"error":"down"}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}',
    ],
)
async def test_nonsense_is_an_rpc_error_naming_the_method(node: ScriptedNode, client: RpcClient, body: bytes) -> None:
    node.says(body)
    with pytest.raises(RpcError, match="getMinimumBalanceForRentExemption") as caught:
        await client.rent_exemption(0)
    assert type(caught.value) is RpcError
    assert len(node.questions) == 1


async def test_an_endless_answer_is_cut_off(node: ScriptedNode) -> None:
    endpoint = JsonRpcEndpoint(node.url, transport=None, timeout_ms=5_000, largest_answer=1_000)
    node.says(b" " * 1_001)
    with pytest.raises(RpcError, match="more than 1000 bytes"):
        await endpoint.call("getSlot", [])
    await endpoint.aclose()


async def test_credentials_appear_nowhere(node: ScriptedNode, client_of: ClientFactory, caplog: pytest.LogCaptureFixture) -> None:
    url = node.url.replace("://", "://alice:hunter2@") + "/pathtoken123/?api-key=querytoken456"
    client: RpcClient = client_of(url, retry=ONCE)
    node.refuses(-32000, "no plan for pathtoken123 with querytoken456 \x1b[31m of alice:hunter2")
    texts = [repr(client), client.endpoint]
    with caplog.at_level(logging.DEBUG), pytest.raises(RpcError) as refused:
        await client.rent_exemption(0)
    node.says(b"", 403)
    node.replies.pop(0)
    with caplog.at_level(logging.DEBUG), pytest.raises(RpcError) as forbidden:
        await client.rent_exemption(0)
    logged = [record.getMessage() for record in caplog.records if record.name.startswith(("httpx", "dexroute"))]
    assert logged
    texts += logged
    for error in (refused.value, forbidden.value):
        texts += [str(error), str(error.context)]
    for text in texts:
        for secret in ("hunter2", "alice", "pathtoken123", "querytoken456", "\x1b"):
            assert secret not in text, text
    # and yet they were used
    assert "/pathtoken123/?api-key=querytoken456" in node.heads[0]
    assert "authorization: basic" in node.heads[0].lower()


def test_embedded_needs_a_transport() -> None:
    with pytest.raises(ConfigError, match="transport"):
        RpcClient("embedded")


async def test_too_many_addresses_are_our_own_fault(client: RpcClient) -> None:
    for addresses in ([], [SOMEWHERE] * 101):
        with pytest.raises(ValueError, match="1 to 100"):
            await client.get_accounts(addresses)
