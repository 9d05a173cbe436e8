"""Jupiter's token API, alive and otherwise."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest
import respx

from dexroute.chain.apis.json_api import ApiLimits
from dexroute.chain.apis.jupiter import fetch_verified_list
from dexroute.errors import NetworkError, RpcError
from tests.chain.jupiter_tokens import token_v1, token_v2
from tests.chain.scripted_node import Waits

NEWER = "https://lite-api.jup.ag/tokens/v2/tag"
OLDER = "https://tokens.jup.ag/tokens"


@respx.mock
async def test_the_list_comes_with_its_checksum_and_source() -> None:
    content = json.dumps([token_v2()]).encode()
    route = respx.get(NEWER, params={"query": "verified"}).mock(return_value=httpx.Response(200, content=content))
    fetched = await fetch_verified_list()
    assert [item["symbol"] for item in fetched.document] == ["FOO"]
    assert (fetched.sha256, fetched.failures) == (hashlib.sha256(content).hexdigest(), ())
    assert fetched.source == f"{NEWER}?query=verified"
    assert route.calls[0].request.headers["user-agent"] == "dexroute"


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"code": 401, "message": "Unauthorized"}),
        httpx.Response(404),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"error": "x"}),
        httpx.Response(200, text="[" * 100_000),
    ],
)
async def test_a_dead_address_costs_only_itself(answer: httpx.Response) -> None:
    respx.get(NEWER).mock(return_value=answer)
    respx.get(OLDER, params={"tags": "verified"}).mock(return_value=httpx.Response(200, json=[token_v1()]))
    fetched = await fetch_verified_list(sleep=Waits())
    assert fetched.source == f"{OLDER}?tags=verified"
    assert len(fetched.failures) == 1 and "lite-api.jup.ag" in fetched.failures[0] + NEWER


@respx.mock
async def test_when_all_are_dead_the_error_says_what_to_do() -> None:
    newer = respx.get(NEWER).mock(return_value=httpx.Response(503))
    respx.get(OLDER).mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(NetworkError, match="--file") as caught:
        await fetch_verified_list(sleep=Waits())
    assert "lite-api.jup.ag" in caught.value.message and "tokens.jup.ag" in caught.value.message
    assert newer.call_count == 3


@respx.mock
async def test_an_endless_answer_is_cut_off() -> None:
    respx.get(NEWER).mock(return_value=httpx.Response(200, content=b" " * 2000))
    respx.get(OLDER).mock(return_value=httpx.Response(200, content=b" " * 2000))
    with pytest.raises(RpcError, match="more than 1000 bytes"):
        await fetch_verified_list(limits=ApiLimits(most_bytes=1000), sleep=Waits())
