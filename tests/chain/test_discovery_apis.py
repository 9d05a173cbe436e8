"""Raydium's and Meteora's public APIs, in the shapes they answer in and in others."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx
from solders.pubkey import Pubkey

from dexroute.chain.apis import MeteoraApi, MeteoraDammV1Api, RaydiumApi
from dexroute.errors import UsageError
from dexroute.fetchers import VENUES
from dexroute.fetchers.discovery import discover
from tests.chain.scripted_node import Waits

SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
CPMM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
POOL, OTHER = (str(Pubkey.new_unique()) for _ in range(2))
RAYDIUM = "https://api-v3.raydium.io/pools/info/mint"
METEORA = f"https://damm-v2.datapi.meteora.ag/pools/groups/{USDC}-{SOL}"


def raydium_pool(**changes: Any) -> dict[str, Any]:
    """Of the shape recorded in raydium-sdk-V2's ApiV3PoolInfoStandardItem."""

    def mint(address: Pubkey, symbol: str, decimals: int) -> dict[str, Any]:
        program = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
        return {"chainId": 101, "address": str(address), "programId": program, "symbol": symbol, "decimals": decimals, "tags": []}

    return {
        "type": "Standard",
        "programId": CPMM,
        "id": POOL,
        "mintA": mint(SOL, "WSOL", 9),
        "mintB": mint(USDC, "USDC", 6),
        "price": 140.15,
        "mintAmountA": 1.5,
        "mintAmountB": 210.2,
        "feeRate": 0.0025,
        "openTime": "0",
        "tvl": 420.98,
        "day": {"volume": 1.0, "apr": 0},
        "pooltype": [],
        "config": {"id": OTHER, "index": 0, "tradeFeeRate": 2500},
    } | changes


def raydium_answer(*pools: Any) -> dict[str, Any]:
    return {"id": "a0e6", "success": True, "data": {"count": len(pools), "data": list(pools), "hasNextPage": False}}


def meteora_pool(**changes: Any) -> dict[str, Any]:
    """Of the shape in docs.meteora.ag's PoolResponse."""
    return {
        "address": POOL,
        "name": "SOL-USDC",
        "token_x": {"address": str(SOL), "symbol": "SOL", "decimals": 9, "is_verified": True},
        "token_y": {"address": str(USDC), "symbol": "USDC", "decimals": 6, "is_verified": True},
        "current_price": 140.1,
        "tvl": 1_000_000.75,
        "volume": {"24h": 3.5},
        "is_blacklisted": False,
    } | changes


def meteora_answer(*pools: Any) -> dict[str, Any]:
    return {"total": len(pools), "pages": 1, "current_page": 1, "page_size": 100, "data": list(pools)}


async def ask_raydium(waits: Waits) -> Any:
    async with RaydiumApi(VENUES, sleep=waits) as api:
        return await discover([api], [(SOL, USDC)])


async def ask_meteora(waits: Waits) -> Any:
    async with MeteoraApi(sleep=waits) as api:
        return await discover([api], [(SOL, USDC)])


@respx.mock
async def test_raydium_lists_pools_of_known_programs(waits: Waits) -> None:
    amm = raydium_pool(id=OTHER, programId=str(Pubkey.new_unique()))
    route = respx.get(RAYDIUM).respond(json=raydium_answer(raydium_pool(), amm))
    found = await ask_raydium(waits)
    (pool,) = found.pools
    assert (str(pool.address), pool.venue_id, pool.mints) == (POOL, "raydium-cpmm", (SOL, USDC))
    assert (pool.tvl_usd, pool.source) == (420, "raydium-api")
    query = route.calls.last.request.url.params
    assert (query["mint1"], query["mint2"]) == (str(SOL), str(USDC))
    assert (query["poolType"], query["poolSortField"], query["sortType"], query["page"]) == ("all", "liquidity", "desc", "1")


@respx.mock
async def test_meteora_lists_pools_of_a_group(waits: Waits) -> None:
    banned = meteora_pool(address=OTHER, is_blacklisted=True)
    route = respx.get(METEORA).respond(json=meteora_answer(meteora_pool(), banned))
    found = await ask_meteora(waits)
    (pool,) = found.pools
    assert (str(pool.address), pool.venue_id, pool.mints) == (POOL, "meteora-damm-v2", (SOL, USDC))
    assert (pool.tvl_usd, pool.source) == (1_000_000, "meteora-damm-v2-api")
    assert route.calls.last.request.headers["user-agent"] == "dexroute"


@respx.mock
async def test_meteora_without_the_pair(waits: Waits) -> None:
    respx.get(METEORA).respond(404, json={"message": "not found"})
    found = await ask_meteora(waits)
    assert found.pools == ()
    assert found.sources[0].failure is None


@respx.mock
async def test_the_dlmm_api_has_the_same_shape(waits: Waits) -> None:
    respx.get(f"https://dlmm.datapi.meteora.ag/pools/groups/{USDC}-{SOL}").respond(json=meteora_answer(meteora_pool()))
    async with MeteoraApi("meteora-dlmm", sleep=waits) as api:
        (pool,) = (await discover([api], [(USDC, SOL)])).pools
    assert pool.venue_id == "meteora-dlmm"
    with pytest.raises(UsageError, match="no API for"):
        MeteoraApi("raydium-cpmm")


@respx.mock
async def test_several_pairs_are_several_requests(waits: Waits) -> None:
    mints = [Pubkey.new_unique() for _ in range(6)]
    route = respx.get(RAYDIUM).respond(json=raydium_answer())
    async with RaydiumApi(VENUES, sleep=waits) as api:
        found = await discover([api], [(SOL, mint) for mint in mints])
    assert found.sources[0].failure is None
    assert {call.request.url.params["mint2"] for call in route.calls} == {str(mint) for mint in mints}


@respx.mock
async def test_a_source_that_recovers_is_asked_again(waits: Waits) -> None:
    respx.get(RAYDIUM).mock(
        side_effect=[
            httpx.ConnectTimeout("slow"),
            httpx.Response(429, headers={"Retry-After": "1"}),
            httpx.Response(200, json=raydium_answer(raydium_pool())),
        ]
    )
    found = await ask_raydium(waits)
    assert len(found.pools) == 1
    assert len(waits) == 2
    assert waits[1] == 1.0


UNREACHABLE = [httpx.ConnectError("no route to host"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("odd")]


@respx.mock
@pytest.mark.parametrize("fault", UNREACHABLE, ids=lambda fault: type(fault).__name__)
async def test_an_unreachable_source_is_dead(waits: Waits, fault: httpx.HTTPError) -> None:
    respx.route().mock(side_effect=fault)
    for found in (await ask_raydium(waits), await ask_meteora(waits)):
        assert found.pools == ()
        assert found.sources[0].error_code == "RPC_UNREACHABLE"
    assert len(waits) == 4, "asked three times each"


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, text="[" * 50_000),
        httpx.Response(200, json=None),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"success": False, "msg": "sorry", "data": None}),
        httpx.Response(200, json={"success": True, "data": {"data": 5}}),
        httpx.Response(200, json=raydium_answer(raydium_pool(id="x"))),
        httpx.Response(200, json=raydium_answer(raydium_pool(programId=None))),
        httpx.Response(200, json=raydium_answer(raydium_pool(mintA="SOL"))),
        httpx.Response(200, json=raydium_answer(5)),
        httpx.Response(403),
        httpx.Response(302, headers={"Location": "https://elsewhere.invalid"}),
    ],
)
async def test_raydium_answering_nonsense_is_dead(waits: Waits, answer: httpx.Response) -> None:
    respx.get(RAYDIUM).mock(return_value=answer)
    found = await ask_raydium(waits)
    assert found.pools == ()
    assert found.sources[0].error_code == "RPC_ERROR"
    assert found.sources[0].failure


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        meteora_answer(meteora_pool(address=None)),
        meteora_answer(meteora_pool(token_x={})),
        meteora_answer(meteora_pool(token_y=str(USDC))),
        meteora_answer("pool"),
    ],
)
async def test_meteora_answering_nonsense_is_dead(waits: Waits, answer: Any) -> None:
    respx.get(METEORA).respond(json=answer)
    found = await ask_meteora(waits)
    assert found.pools == ()
    assert found.sources[0].error_code == "RPC_ERROR"


@respx.mock
async def test_pools_of_other_mints_are_left_out(waits: Waits) -> None:
    stranger = {"address": str(Pubkey.new_unique())}
    respx.get(RAYDIUM).respond(json=raydium_answer(raydium_pool(mintB=stranger)))
    respx.get(METEORA).respond(json=meteora_answer(meteora_pool(token_x=stranger)))
    assert (await ask_raydium(waits)).pools == (await ask_meteora(waits)).pools == ()


@respx.mock
@pytest.mark.parametrize("tvl", [None, "many", -1, True, [], "1e400"])
async def test_liquidity_that_is_no_number_only_costs_the_rank(waits: Waits, tvl: Any) -> None:
    respx.get(RAYDIUM).respond(json=raydium_answer(raydium_pool(tvl=tvl)))
    (pool,) = (await ask_raydium(waits)).pools
    assert pool.tvl_usd is None


@respx.mock
async def test_liquidity_of_any_size_is_read_without_floats(waits: Waits) -> None:
    text = (
        '{"success":true,"data":{"data":['
        + str(raydium_pool(tvl=0)).replace("'", '"').replace('"tvl": 0', '"tvl": 1e9999999')
        + "]}}"
    )
    respx.get(RAYDIUM).respond(text=text)
    (pool,) = (await ask_raydium(waits)).pools
    assert pool.tvl_usd is None


DAMM_V1 = "https://damm-api.meteora.ag/pools/search"


def damm_v1_pool(**changes: Any) -> dict[str, Any]:
    """Of the shape in docs.meteora.ag's PoolInfo (damm-v1/openapi.json): most numbers are text."""
    return {
        "pool_address": POOL,
        "pool_token_mints": [str(USDC), str(SOL)],
        "pool_token_amounts": ["210.2", "1.5"],
        "pool_tvl": "420.98",
        "pool_name": "USDC-SOL",
        "pool_type": "dynamic",
        "pool_version": 1,
        "trading_volume": 12.5,
        "total_fee_pct": "0.25",
        "unknown": False,
    } | changes


def damm_v1_answer(*pools: Any) -> dict[str, Any]:
    return {"data": list(pools), "page": 0, "total_count": len(pools)}


async def ask_damm_v1(waits: Waits) -> Any:
    async with MeteoraDammV1Api(sleep=waits) as api:
        return await discover([api], [(SOL, USDC)])


@respx.mock
async def test_damm_v1_lists_pools_of_a_pair(waits: Waits) -> None:
    three = damm_v1_pool(pool_address=OTHER, pool_token_mints=[str(SOL), str(USDC), OTHER])
    stranger = damm_v1_pool(pool_address=OTHER, pool_token_mints=[str(SOL), OTHER])
    route = respx.get(DAMM_V1).respond(json=damm_v1_answer(damm_v1_pool(), three, stranger))
    (pool,) = (await ask_damm_v1(waits)).pools
    assert (str(pool.address), pool.venue_id, pool.mints) == (POOL, "meteora-damm-v1", (USDC, SOL))
    assert (pool.tvl_usd, pool.source) == (420, "meteora-damm-v1-api")
    query = route.calls.last.request.url.params
    assert query.get_list("include_pool_token_pairs") == [f"{SOL}-{USDC}", f"{USDC}-{SOL}"]
    assert (query["page"], query["sort_key"], query["order_by"]) == ("0", "tvl", "desc")


@respx.mock
@pytest.mark.parametrize("tvl", [None, "many", "-1", "NaN", "Infinity", True, [], "1e400"])
async def test_damm_v1_liquidity_that_is_no_number_only_costs_the_rank(waits: Waits, tvl: Any) -> None:
    respx.get(DAMM_V1).respond(json=damm_v1_answer(damm_v1_pool(pool_tvl=tvl)))
    (pool,) = (await ask_damm_v1(waits)).pools
    assert pool.tvl_usd is None


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": None},
        damm_v1_answer(damm_v1_pool(pool_address=None)),
        damm_v1_answer(damm_v1_pool(pool_token_mints=str(SOL))),
        damm_v1_answer(damm_v1_pool(pool_token_mints=[1, 2])),
        damm_v1_answer("pool"),
    ],
)
async def test_damm_v1_answering_nonsense_is_dead_and_costs_only_itself(waits: Waits, answer: Any) -> None:
    respx.get(DAMM_V1).respond(json=answer)
    respx.get(METEORA).respond(json=meteora_answer(meteora_pool()))
    async with MeteoraDammV1Api(sleep=waits) as dead, MeteoraApi(sleep=waits) as alive:
        found = await discover([dead, alive], [(SOL, USDC)])
    assert [source.error_code for source in found.sources] == ["RPC_ERROR", None]
    assert [str(pool.address) for pool in found.pools] == [POOL]
