"""The HTTP and WebSocket front: what is below JSON-RPC."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from solders.keypair import Keypair

from dexroute.errors import ConfigError, DataDirBusy
from dexroute.localnet import ClusterOptions, EmbeddedCluster, ServedAt, serve


@pytest.fixture
async def served(fast: ClusterOptions) -> AsyncIterator[ServedAt]:
    async with EmbeddedCluster.open(None, options=fast) as cluster:
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
        yield await ready
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


async def test_health_cors_and_wrong_methods(served: ServedAt) -> None:
    async with httpx.AsyncClient(base_url=served.rpc_url) as http:
        assert (await http.get("/health")).text == "ok"
        preflight = await http.options("/")
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
        assert (await http.get("/")).status_code == 405
        answer = await http.post("/", json={"jsonrpc": "2.0", "id": 1, "method": "getHealth"})
        assert answer.json()["result"] == "ok"
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (await http.post("/", content=b" " * 60_000)).status_code == 413


async def test_a_websocket_answers_plain_methods_and_forgets_on_close(served: ServedAt) -> None:
    async with websockets.connect(served.ws_url) as ws:
        await ws.send('{"jsonrpc":"2.0","id":1,"method":"getHealth"}')
        assert json.loads(await ws.recv())["result"] == "ok"
        await ws.send("{")
        assert json.loads(await ws.recv())["error"]["code"] == -32700
        await ws.send('{"jsonrpc":"2.0","id":2,"method":"slotUnsubscribe","params":[77]}')
        assert json.loads(await ws.recv())["error"]["code"] == -32602


async def test_a_signature_is_told_when_received_and_when_confirmed(served: ServedAt) -> None:
    async with httpx.AsyncClient() as http, websockets.connect(served.ws_url) as ws:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "requestAirdrop", "params": [str(Keypair().pubkey()), 10**9]}
        signature = (await http.post(served.rpc_url, json=body)).json()["result"]
        config = {"commitment": "confirmed", "enableReceivedNotification": True}
        await ws.send(json.dumps({"jsonrpc": "2.0", "id": 2, "method": "signatureSubscribe", "params": [signature, config]}))
        identity, received, confirmed = [json.loads(await asyncio.wait_for(ws.recv(), 10)) for _ in range(3)]
        assert received["params"] == {"subscription": identity["result"], "result": received["params"]["result"]}
        assert received["params"]["result"]["value"] == "receivedSignature"
        assert confirmed["params"]["result"]["value"] == {"err": None}
        assert confirmed["method"] == "signatureNotification"


async def test_programs_are_watched_with_filters(served: ServedAt) -> None:
    async with httpx.AsyncClient() as http, websockets.connect(served.ws_url) as ws:
        config = {"commitment": "processed", "encoding": "base64", "filters": [{"dataSize": 0}]}
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "programSubscribe", "params": ["1" * 32, config]}
        await ws.send(json.dumps(body))
        assert json.loads(await ws.recv())["result"] == 1
        receiver = str(Keypair().pubkey())
        body = {"jsonrpc": "2.0", "id": 1, "method": "requestAirdrop", "params": [receiver, 10**9]}
        await http.post(served.rpc_url, json=body)
        told = [json.loads(await asyncio.wait_for(ws.recv(), 10))["params"]["result"]["value"] for _ in range(2)]
        assert {item["pubkey"]: item["account"]["lamports"] for item in told}[receiver] == 10**9


async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with EmbeddedCluster.open(None) as cluster:
            with pytest.raises(ConfigError, match=f"127.0.0.1:{port}.*--rpc-port"):
                await serve(cluster, rpc_port=port)
            with pytest.raises(ConfigError, match="WebSocket"):
                await serve(cluster, rpc_port=0, ws_port=port)
            with pytest.raises(ConfigError):
                await serve(cluster, host="no.such.host.invalid", rpc_port=0)


async def test_a_served_directory_tells_others_the_url(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path) as cluster:
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
        url = (await ready).rpc_url
        with pytest.raises(DataDirBusy) as refused:
            EmbeddedCluster.open(tmp_path)
        assert refused.value.context["url"] == url
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
