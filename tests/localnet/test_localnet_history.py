"""What landed, asked for afterwards."""

from __future__ import annotations

import base64
from typing import Any

from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from spl.token.instructions import (
    SyncNativeParams,
    TransferCheckedParams,
    create_associated_token_account,
    get_associated_token_address,
    sync_native,
    transfer_checked,
)

from dexroute.types.mints import NATIVE_MINT, TOKEN_PROGRAM_ID

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
FULL = {"maxSupportedTransactionVersion": 0}


async def wrapped(wallet: Any, lamports: int) -> tuple[str, Pubkey]:
    """Wraps SOL: a transaction with inner instructions, token balances and a memo."""
    holding = get_associated_token_address(wallet.pubkey, NATIVE_MINT)
    signature = await wallet.send(
        create_associated_token_account(wallet.pubkey, wallet.pubkey, NATIVE_MINT),
        wallet.pay(holding, lamports),
        sync_native(SyncNativeParams(program_id=TOKEN_PROGRAM_ID, account=holding)),
        Instruction(MEMO, "für dich".encode(), [AccountMeta(wallet.pubkey, True, False)]),
    )
    return signature, holding


async def test_a_transaction_tells_balances_logs_and_inner_instructions(rpc: Any, wallet: Any, time: Any) -> None:
    signature, holding = await wrapped(wallet, 10**9)
    assert await rpc.result("getTransaction", signature, FULL) is None, "not finalized yet"
    time.pass_slots(32)
    found = await rpc.result("getTransaction", signature, FULL)
    meta, keys = found["meta"], found["transaction"]["message"]["accountKeys"]
    assert (found["slot"], found["blockTime"], found["version"]) == (1, 1_800_000_000, 0)
    index = keys.index(str(holding))
    assert meta["preTokenBalances"] == []
    (token,) = meta["postTokenBalances"]
    assert token == {
        "accountIndex": index,
        "mint": str(NATIVE_MINT),
        "owner": str(wallet.pubkey),
        "programId": str(TOKEN_PROGRAM_ID),
        "uiTokenAmount": {"amount": "1000000000", "decimals": 9, "uiAmount": 1.0, "uiAmountString": "1"},
    }
    assert meta["preBalances"][index] == 0
    assert meta["postBalances"][index] == 10**9 + 2_039_280
    assert meta["preBalances"][0] - meta["postBalances"][0] == 10**9 + 2_039_280 + meta["fee"]
    assert sum(meta["preBalances"]) - sum(meta["postBalances"]) == meta["fee"] == 5000
    (group,) = meta["innerInstructions"]
    assert group["index"] == 0
    assert {item["stackHeight"] for item in group["instructions"]} == {2}
    assert 0 < meta["computeUnitsConsumed"] < 1_400_000
    assert meta["logMessages"][0].endswith("invoke [1]")


async def test_the_same_transaction_in_every_encoding(rpc: Any, wallet: Any, time: Any) -> None:
    signature, holding = await wrapped(wallet, 10**9)
    time.pass_slots(32)
    raw = await rpc.result("getTransaction", signature, {**FULL, "encoding": "base64"})
    decoded = VersionedTransaction.from_bytes(base64.b64decode(raw["transaction"][0]))
    assert str(decoded.signatures[0]) == signature
    parsed = await rpc.result("getTransaction", signature, {**FULL, "encoding": "jsonParsed"})
    kinds = [
        item["parsed"]["type"] if isinstance(item.get("parsed"), dict) else item["parsed"]
        for item in parsed["transaction"]["message"]["instructions"]
    ]
    assert kinds == ["create", "transfer", "syncNative", "für dich"]
    inner = parsed["meta"]["innerInstructions"][0]["instructions"]
    assert [item["parsed"]["type"] for item in inner if "parsed" in item] == [
        "createAccount",
        "initializeImmutableOwner",
        "initializeAccount3",
    ]
    me = parsed["transaction"]["message"]["accountKeys"][0]
    assert me == {"pubkey": str(wallet.pubkey), "signer": True, "source": "transaction", "writable": True}
    flags = {item["pubkey"]: item["writable"] for item in parsed["transaction"]["message"]["accountKeys"]}
    assert flags[str(holding)] is True
    assert flags[str(TOKEN_PROGRAM_ID)] is False


async def test_a_failed_token_transfer_keeps_balances_but_the_fee(rpc: Any, wallet: Any, time: Any) -> None:
    _, holding = await wrapped(wallet, 10**9)
    params = TransferCheckedParams(
        program_id=TOKEN_PROGRAM_ID,
        source=holding,
        mint=NATIVE_MINT,
        dest=holding,
        owner=wallet.pubkey,
        amount=10**10,
        decimals=9,
    )
    signature = await wallet.send(transfer_checked(params), skip_preflight=True)
    time.pass_slots(32)
    meta = (await rpc.result("getTransaction", signature, FULL))["meta"]
    assert meta["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert meta["status"] == {"Err": meta["err"]}
    assert meta["preTokenBalances"] == meta["postTokenBalances"] != []
    assert meta["preBalances"][0] - meta["postBalances"][0] == 5000


async def test_signatures_for_an_address_page_newest_first(rpc: Any, wallet: Any, time: Any) -> None:
    receiver = Keypair().pubkey()
    sent = []
    for amount in range(4):
        sent.append(await wallet.send(wallet.pay(receiver, 10**9 + amount)))
        time.pass_slots(1)
    confirmed = {"commitment": "confirmed"}

    async def listed(**config: Any) -> list[str]:
        return [item["signature"] for item in await rpc.result("getSignaturesForAddress", str(receiver), {**confirmed, **config})]

    assert await listed() == sent[::-1]
    assert await listed(limit=2) == [sent[3], sent[2]]
    assert await listed(before=sent[2]) == [sent[1], sent[0]]
    assert await listed(until=sent[1]) == [sent[3], sent[2]]
    assert await rpc.result("getSignaturesForAddress", str(receiver)) == [], "nothing is finalized"
    assert (await rpc.error("getSignaturesForAddress", str(receiver), {"commitment": "processed"}))["code"] == -32602
    assert (await rpc.error("getSignaturesForAddress", str(receiver), {"limit": 1001}))["code"] == -32602


async def test_a_memo_is_listed_with_its_signature(rpc: Any, wallet: Any, time: Any) -> None:
    signature, holding = await wrapped(wallet, 10**9)
    time.pass_slots(32)
    (entry,) = await rpc.result("getSignaturesForAddress", str(holding))
    assert entry == {
        "signature": signature,
        "slot": 1,
        "err": None,
        "memo": "[9] für dich",
        "blockTime": 1_800_000_000,
        "confirmationStatus": "finalized",
    }


async def test_an_old_status_needs_the_history_search(rpc: Any, wallet: Any, time: Any) -> None:
    signature = await wallet.send(wallet.pay(Keypair().pubkey(), 10**9))
    time.pass_slots(301)
    assert await rpc.value("getSignatureStatuses", [signature]) == [None]
    (found,) = await rpc.value("getSignatureStatuses", [signature], {"searchTransactionHistory": True})
    assert found["confirmationStatus"] == "finalized"
    assert (await rpc.error("getSignatureStatuses", [signature] * 257))["code"] == -32602


async def test_blocks(rpc: Any, wallet: Any, time: Any) -> None:
    time.pass_slots(4)
    signature = await wallet.send(wallet.pay(Keypair().pubkey(), 10**9))
    error = await rpc.error("getBlock", 5, FULL)
    assert error["code"] == -32004
    time.pass_slots(32)
    block = await rpc.result("getBlock", 5, FULL)
    assert (block["parentSlot"], block["blockHeight"]) == (4, 5)
    assert [item["transaction"]["signatures"][0] for item in block["transactions"]] == [signature]
    for details, key in (("signatures", "signatures"), ("accounts", "transactions"), ("none", None)):
        shown = await rpc.result("getBlock", 5, {**FULL, "transactionDetails": details})
        assert (key is None) or len(shown[key]) == 1
    assert (await rpc.result("getBlock", 4, FULL))["blockhash"] == block["previousBlockhash"]
    assert await rpc.result("getBlocks", 2, 4) == [2, 3, 4]
    assert await rpc.result("getBlocksWithLimit", 2, 2) == [2, 3]
