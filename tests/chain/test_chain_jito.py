"""Jito's block engine, in the shapes it documents: the same bytes, and answers that prove nothing."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
import respx

from dexroute.chain.jito import JitoRoute
from dexroute.errors import RateLimited, RpcError

ENGINE = "https://ny.mainnet.block-engine.jito.wtf"
WIRE = b"signed bytes"


@pytest.mark.parametrize("url", [ENGINE, f"{ENGINE}/", f"{ENGINE}/api/v1/transactions"])
@respx.mock
async def test_the_same_bytes_go_to_the_block_engine(url: str) -> None:
    taken = {"jsonrpc": "2.0", "result": "2id3YC2jK9G5Wo2phDx4gJVAew8DcY5NAojnVuao8rkxwPYPe8cSwE5Gzh", "id": 1}
    engine = respx.post(f"{ENGINE}/api/v1/transactions").respond(200, json=taken)
    route = JitoRoute(url, timeout_ms=60_000)
    await route.send(WIRE)
    await route.aclose()
    asked = json.loads(engine.calls.last.request.content)
    assert asked["method"] == "sendTransaction" and asked["params"] == [base64.b64encode(WIRE).decode(), {"encoding": "base64"}]


@respx.mock
async def test_its_refusals_are_network_errors() -> None:
    engine = respx.post(f"{ENGINE}/api/v1/transactions")
    engine.side_effect = [
        httpx.Response(429, json={"jsonrpc": "2.0", "error": {"code": -32097, "message": "Rate limit exceeded"}, "id": 1}),
        httpx.Response(400, json={"jsonrpc": "2.0", "error": {"code": -32602, "message": "invalid transaction"}, "id": 2}),
    ]
    route = JitoRoute(ENGINE, timeout_ms=60_000)
    with pytest.raises(RateLimited):
        await route.send(WIRE)
    with pytest.raises(RpcError, match="invalid transaction"):
        await route.send(WIRE)
    await route.aclose()
