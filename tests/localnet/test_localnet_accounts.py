"""Accounts over RPC: encodings, slices, filters, tokens."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.localnet import EmbeddedCluster, base58
from dexroute.types.accounts import AccountData
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

OWNER, DELEGATE, PROGRAM = (Keypair().pubkey() for _ in range(3))


def mint_bytes(supply: int, decimals: int) -> bytes:
    return b"\1\0\0\0" + bytes(OWNER) + supply.to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)


def token_bytes(mint: Pubkey, amount: int, *, delegate: Pubkey | None = None) -> bytes:
    head = bytes(mint) + bytes(OWNER) + amount.to_bytes(8, "little")
    delegated = b"\1\0\0\0" + bytes(delegate) if delegate else bytes(36)
    return head + delegated + b"\1" + bytes(12) + (amount if delegate else 0).to_bytes(8, "little") + bytes(36)


@pytest.fixture
def mint(cluster: EmbeddedCluster) -> Pubkey:
    address = Keypair().pubkey()
    cluster.set_account(address, AccountData(owner=TOKEN_PROGRAM_ID, lamports=10**9, data=mint_bytes(10_000, 3)))
    return address


def place_token(cluster: EmbeddedCluster, mint: Pubkey, amount: int, **more: Any) -> str:
    address = Keypair().pubkey()
    cluster.set_account(address, AccountData(owner=TOKEN_PROGRAM_ID, lamports=10**9, data=token_bytes(mint, amount, **more)))
    return str(address)


async def test_every_encoding_says_the_same_bytes(rpc: Any, cluster: EmbeddedCluster) -> None:
    address, data = Keypair().pubkey(), bytes(range(100))
    cluster.set_account(address, AccountData(owner=PROGRAM, lamports=7, data=data))

    async def read(**config: Any) -> Any:
        return (await rpc.value("getAccountInfo", str(address), config))["data"]

    assert base58.decode(await read()) == data
    assert base58.decode((await read(encoding="base58"))[0]) == data
    assert base64.b64decode((await read(encoding="base64"))[0]) == data
    assert await read(encoding="jsonParsed") == [base64.b64encode(data).decode(), "base64"], "no parser: base64"
    assert base64.b64decode((await read(encoding="base64", dataSlice={"offset": 90, "length": 50}))[0]) == data[90:]
    assert (await read(encoding="base64", dataSlice={"offset": 500, "length": 5}))[0] == ""
    whole = await rpc.value("getAccountInfo", str(address), {"encoding": "base64"})
    assert {key: whole[key] for key in ("lamports", "owner", "executable", "space")} == {
        "lamports": 7,
        "owner": str(PROGRAM),
        "executable": False,
        "space": 100,
    }


async def test_base58_is_refused_above_128_bytes(rpc: Any, cluster: EmbeddedCluster) -> None:
    address = Keypair().pubkey()
    cluster.set_account(address, AccountData(owner=PROGRAM, lamports=7, data=bytes(129)))
    error = await rpc.error("getAccountInfo", str(address))
    assert error["code"] == -32600
    assert "please use Base64 encoding" in error["message"]
    assert await rpc.value("getAccountInfo", str(address), {"encoding": "base58", "dataSlice": {"offset": 0, "length": 128}})


async def test_get_multiple_accounts_keeps_order_and_limit(rpc: Any, cluster: EmbeddedCluster) -> None:
    here, absent = Keypair().pubkey(), Keypair().pubkey()
    cluster.set_account(here, AccountData(owner=PROGRAM, lamports=7, data=b"x"))
    found = await rpc.value("getMultipleAccounts", [str(absent), str(here), str(here)])
    assert [account and account["data"] for account in found] == [None, ["eA==", "base64"], ["eA==", "base64"]]
    assert len(await rpc.value("getMultipleAccounts", [str(absent)] * 100)) == 100
    assert (await rpc.error("getMultipleAccounts", [str(absent)] * 101))["code"] == -32602


async def test_get_program_accounts_filters(rpc: Any, cluster: EmbeddedCluster) -> None:
    addresses = sorted((Keypair().pubkey() for _ in range(3)), key=str)
    for index, address in enumerate(addresses):
        cluster.set_account(address, AccountData(owner=PROGRAM, lamports=7, data=bytes([index]) * (10 + index)))

    async def found(*filters: Any) -> list[str]:
        items = await rpc.result("getProgramAccounts", str(PROGRAM), {"encoding": "base64", "filters": list(filters)})
        return [item["pubkey"] for item in items]

    one = str(addresses[1])
    assert await found() == [str(address) for address in addresses]
    assert await found({"dataSize": 11}) == [one]
    assert await found({"memcmp": {"offset": 2, "bytes": base58.encode(b"\1\1")}}) == [one]
    assert await found({"memcmp": {"offset": 2, "bytes": "AQE=", "encoding": "base64"}}) == [one]
    assert await found({"memcmp": {"offset": 2, "bytes": [1, 1]}}) == [one]
    assert await found({"dataSize": 11}, {"memcmp": {"offset": 0, "bytes": [2]}}) == []
    assert await found({"memcmp": {"offset": 11, "bytes": [2]}}) == [str(addresses[2])], "past the end is no match"
    with_context = await rpc.value("getProgramAccounts", str(PROGRAM), {"encoding": "base64", "withContext": True})
    assert len(with_context) == 3
    for bad in ([{"dataSize": 1}] * 5, [{"memcmp": {"offset": 0, "bytes": "0"}}], [{"size": 3}], "all"):
        assert (await rpc.error("getProgramAccounts", str(PROGRAM), {"filters": bad}))["code"] == -32602


async def test_token_reads(rpc: Any, cluster: EmbeddedCluster, mint: Pubkey) -> None:
    rich, poor = place_token(cluster, mint, 9_990), place_token(cluster, mint, 10, delegate=DELEGATE)
    balance = await rpc.value("getTokenAccountBalance", rich)
    assert balance == {"amount": "9990", "decimals": 3, "uiAmount": 9.99, "uiAmountString": "9.99"}
    assert (await rpc.value("getTokenSupply", str(mint)))["amount"] == "10000"
    assert [item["address"] for item in await rpc.value("getTokenLargestAccounts", str(mint))] == [rich, poor]
    for wanted in ({"mint": str(mint)}, {"programId": str(TOKEN_PROGRAM_ID)}):
        owned = await rpc.value("getTokenAccountsByOwner", str(OWNER), wanted, {"encoding": "jsonParsed"})
        assert {item["pubkey"] for item in owned} == {rich, poor}
        delegated = await rpc.value("getTokenAccountsByDelegate", str(DELEGATE), wanted, {"encoding": "base64"})
        assert [item["pubkey"] for item in delegated] == [poor]
    none = await rpc.value("getTokenAccountsByOwner", str(OWNER), {"programId": str(TOKEN_2022_PROGRAM_ID)}, {"encoding": "base64"})
    assert none == []


async def test_token_questions_about_what_is_no_token(rpc: Any, cluster: EmbeddedCluster, mint: Pubkey) -> None:
    absent = str(Keypair().pubkey())
    asked = [
        ("getTokenAccountBalance", (absent,), "could not find account"),
        ("getTokenAccountBalance", (str(mint),), "not a Token account"),
        ("getTokenSupply", (place_token(cluster, mint, 1),), "not a Token mint"),
        ("getTokenAccountsByOwner", (absent, {"mint": absent}), "could not find mint"),
        ("getTokenAccountsByOwner", (absent, {"programId": absent}), "unrecognized Token program id"),
        ("getTokenAccountsByOwner", (absent, {}), "expected `mint` or `programId`"),
    ]
    for method, params, words in asked:
        error = await rpc.error(method, *params)
        assert error["code"] == -32602
        assert words in error["message"]
    assert len(asked) == 6


async def test_a_token_account_is_parsed(rpc: Any, cluster: EmbeddedCluster, mint: Pubkey) -> None:
    address = place_token(cluster, mint, 1_500, delegate=DELEGATE)
    parsed = (await rpc.value("getAccountInfo", address, {"encoding": "jsonParsed"}))["data"]
    amount = {"amount": "1500", "decimals": 3, "uiAmount": 1.5, "uiAmountString": "1.5"}
    assert parsed == {
        "program": "spl-token",
        "space": 165,
        "parsed": {
            "type": "account",
            "info": {
                "mint": str(mint),
                "owner": str(OWNER),
                "tokenAmount": amount,
                "state": "initialized",
                "isNative": False,
                "delegate": str(DELEGATE),
                "delegatedAmount": amount,
            },
        },
    }


async def test_token_2022_extensions_are_parsed_or_said_not_to_be(rpc: Any, cluster: EmbeddedCluster) -> None:
    def fee(epoch: int, maximum: int, bps: int) -> bytes:
        return epoch.to_bytes(8, "little") + maximum.to_bytes(8, "little") + bps.to_bytes(2, "little")

    config = bytes(OWNER) + bytes(32) + (5).to_bytes(8, "little") + fee(0, 100, 25) + fee(3, 200, 50)
    entries = [(1, config), (10, bytes(52)), (3, bytes(OWNER)), (1, b"cut")]
    tlv = b"".join(kind.to_bytes(2, "little") + len(body).to_bytes(2, "little") + body for kind, body in entries)
    data = mint_bytes(1, 6) + bytes(165 - 82) + b"\1" + tlv
    address = Keypair().pubkey()
    cluster.set_account(address, AccountData(owner=TOKEN_2022_PROGRAM_ID, lamports=10**9, data=data))
    parsed = (await rpc.value("getAccountInfo", str(address), {"encoding": "jsonParsed"}))["data"]
    assert parsed["program"] == "spl-token-2022"
    first, *others = parsed["parsed"]["info"]["extensions"]
    assert first["extension"] == "transferFeeConfig"
    assert first["state"]["newerTransferFee"] == {"epoch": 3, "maximumFee": 200, "transferFeeBasisPoints": 50}
    assert first["state"]["transferFeeConfigAuthority"] == str(OWNER)
    assert first["state"]["withdrawWithheldAuthority"] is None
    assert others == [
        {"extension": "unparseableExtension"},
        {"extension": "mintCloseAuthority", "state": {"closeAuthority": str(OWNER)}},
        {"extension": "unparseableExtension"},
    ]


async def test_the_clock_sysvar_is_of_the_slot_read(rpc: Any, time: Any) -> None:
    time.pass_slots(100)
    for level in ("processed", "confirmed", "finalized"):
        config = {"encoding": "base64", "commitment": level}
        answer = await rpc.result("getAccountInfo", "SysvarC1ock11111111111111111111111111111111", config)
        data = base64.b64decode(answer["value"]["data"][0])
        assert int.from_bytes(data[:8], "little") == answer["context"]["slot"]
        assert int.from_bytes(data[32:], "little") == await rpc.result("getBlockTime", answer["context"]["slot"])


async def test_rent_and_preloaded_accounts(rpc: Any) -> None:
    assert await rpc.result("getMinimumBalanceForRentExemption", 165) == 2_039_280
    assert (await rpc.error("getMinimumBalanceForRentExemption", 2**40))["code"] == -32602
    for program in ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "1" * 32):
        assert (await rpc.value("getAccountInfo", program, {"encoding": "base64"}))["executable"] is True
    wrapped = await rpc.value("getTokenSupply", "So11111111111111111111111111111111111111112")
    assert wrapped["decimals"] == 9
