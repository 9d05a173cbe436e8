"""What a client reads out of well-formed answers, and what it asks."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from solders.account_decoder import UiAccountEncoding, UiDataSliceConfig
from solders.commitment_config import CommitmentLevel
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc import config as solders_config
from solders.rpc import requests as solders_requests
from solders.rpc.filter import Memcmp
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_status import UiTransactionEncoding

from dexroute.chain.rpc import RpcClient, questions
from dexroute.errors import RpcError
from dexroute.types.chain import AccountFilter, Commitment, TransactionError
from tests.chain.scripted_node import ClientFactory, ScriptedNode

ONE, TWO = Pubkey.new_unique(), Pubkey.new_unique()
OWNER = Pubkey.new_unique()


def account_json(content: bytes = b"abc", **changes: Any) -> dict[str, Any]:
    # rentEpoch as u64::MAX read through a float, as some servers write it: solders refuses the whole answer
    good = {
        "lamports": 7,
        "owner": str(OWNER),
        "data": [base64.b64encode(content).decode(), "base64"],
        "executable": False,
        "rentEpoch": 1.8446744073709552e19,
        "space": len(content),
    }
    return good | changes


def at_slot(value: Any, slot: int = 9) -> dict[str, Any]:
    return {"context": {"slot": slot, "apiVersion": "9.9"}, "value": value}


async def test_accounts(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(at_slot([account_json(), None]))
    read = await client.get_accounts([ONE, TWO])
    assert read.slot == 9
    held = read.accounts[ONE]
    assert held is not None
    assert (held.owner, held.lamports, held.data) == (OWNER, 7, b"abc")
    assert read.accounts[TWO] is None


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([account_json()], "answer.result.value"),
        ([account_json(), account_json(lamports=-1)], r"answer.result.value[1].lamports"),
        ([account_json(), account_json(lamports="7")], r"answer.result.value[1].lamports"),
        ([account_json(), account_json(owner="me")], r"answer.result.value[1].owner"),
        ([account_json(), account_json(data="abc")], r"answer.result.value[1].data"),
        ([account_json(), account_json(data=["!!", "base64"])], r"answer.result.value[1].data"),
        ([account_json(), account_json(data=["abc", "base58"])], r"answer.result.value[1].data"),
        ([account_json(), {"program": "spl-token", "parsed": {}}], r"answer.result.value[1]"),
        ([account_json(), 5], r"answer.result.value[1]"),
        (None, "answer.result.value"),
    ],
)
async def test_malformed_accounts_are_named(node: ScriptedNode, client: RpcClient, value: Any, field: str) -> None:
    node.answers(at_slot(value))
    with pytest.raises(RpcError) as caught:
        await client.get_accounts([ONE, TWO])
    assert caught.value.context["field"] == field
    assert "getMultipleAccounts" in str(caught.value)


@pytest.mark.parametrize("with_context", [True, False])
async def test_program_accounts(node: ScriptedNode, client: RpcClient, with_context: bool) -> None:
    found = [{"pubkey": str(ONE), "account": account_json(b"x")}]
    node.answers(at_slot(found) if with_context else found)
    accounts = await client.get_program_accounts(OWNER, [AccountFilter(data_size=1)])
    assert {address: held.data for address, held in accounts.items()} == {ONE: b"x"}


def ends_at(height: int) -> dict[str, Any]:
    return at_slot({"blockhash": str(Hash.default()), "lastValidBlockHeight": height})


async def test_block_height_and_slot_come_from_one_answer(node: ScriptedNode, client: RpcClient) -> None:
    node.answers({"absoluteSlot": 50, "blockHeight": 40, "epoch": 1, "slotIndex": 1, "slotsInEpoch": 2})
    assert await client.block_height(Commitment.CONFIRMED) == (40, 50)
    node.replies.clear()
    node.answers({"absoluteSlot": 50, "blockHeight": 40})
    node.answers(ends_at(190))
    assert await client.block_height(Commitment.FINALIZED) == (40, 50)
    assert [question["params"] for question in node.questions] == [
        [{"commitment": "confirmed"}],
        *[[{"commitment": "finalized"}]] * 2,
    ]


async def test_block_height_without_get_epoch_info_never_claims_a_later_slot(node: ScriptedNode, client: RpcClient) -> None:
    node.refuses(-32601)
    node.answers(50)
    node.answers(41)
    node.answers(ends_at(191))
    assert await client.block_height(Commitment.FINALIZED) == (41, 50)
    asked = ["getEpochInfo", "getSlot", "getBlockHeight", "getLatestBlockhash"]
    assert [question["method"] for question in node.questions] == asked
    assert node.questions[2]["params"] == [{"commitment": "finalized", "minContextSlot": 50}]


@pytest.mark.parametrize(
    ("slot", "height", "ends", "said"),
    [
        (50, 51, 300, "there are no more blocks than slots"),
        (900_000, 900_000, 700_150, "those are slots, not block heights"),
        (900_000, 900_000, 900_150, None),  # a test cluster with a block in every slot
        (900_000, 700_000, 700_000, None),
    ],
)
async def test_heights_that_cannot_be_are_refused(
    node: ScriptedNode, client: RpcClient, slot: int, height: int, ends: int, said: str | None
) -> None:
    node.answers({"absoluteSlot": slot, "blockHeight": height})
    node.answers(ends_at(ends))
    if said is None:
        assert await client.block_height(Commitment.FINALIZED) == (height, slot)
        return
    with pytest.raises(RpcError, match=said) as refused:
        await client.block_height(Commitment.FINALIZED)
    assert refused.value.context["implausible"] and client.endpoint in refused.value.message


async def test_whether_a_blockhash_is_still_taken(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(at_slot(True))
    node.answers(at_slot(False))
    node.refuses(-32601)
    node.answers(at_slot("yes"))
    blockhash = Hash.new_unique()
    assert [await client.is_blockhash_valid(blockhash) for _ in range(3)] == [True, False, None]
    assert node.questions[0]["params"] == [str(blockhash), {"commitment": "finalized"}]
    with pytest.raises(RpcError, match="malformed"):
        await client.is_blockhash_valid(blockhash)


async def test_genesis_hash_is_asked_once(node: ScriptedNode, client: RpcClient) -> None:
    genesis = Hash.new_unique()
    node.answers(str(genesis))
    assert await client.genesis_hash() == await client.genesis_hash() == genesis
    assert len(node.questions) == 1


async def test_a_node_without_genesis_hash_is_named_by_its_place(
    node: ScriptedNode, client: RpcClient, client_of: ClientFactory
) -> None:
    node.refuses(-32601)
    named = await client.genesis_hash()
    assert (
        await client_of(f"{node.url}/?api-key=other").genesis_hash()
        != await client_of("embedded", transport=_Refusing()).genesis_hash()
    )
    assert await client_of(node.url).genesis_hash() == named
    node.replies.clear()
    node.refuses(-32000)
    with pytest.raises(RpcError, match="-32000"):
        await client_of(node.url).genesis_hash()


class _Refusing(httpx.AsyncBaseTransport):
    """A server of no methods, without a network."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(await request.aread())
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": question["id"], "error": {"code": -32601, "message": "no"}})


async def test_latest_blockhash(node: ScriptedNode, client: RpcClient) -> None:
    blockhash = Hash.new_unique()
    node.answers(at_slot({"blockhash": str(blockhash), "lastValidBlockHeight": 150}))
    lifetime = await client.latest_blockhash()
    assert (lifetime.blockhash, lifetime.last_valid_block_height, lifetime.slot) == (blockhash, 150, 9)


async def test_a_blockhash_of_a_node_behind_the_quote_is_asked_for_again(node: ScriptedNode, client_of: ClientFactory) -> None:
    client = client_of(node.url)
    blockhash = Hash.new_unique()
    node.answers(at_slot({"blockhash": str(Hash.default()), "lastValidBlockHeight": 150}))
    node.answers(at_slot({"blockhash": str(blockhash), "lastValidBlockHeight": 151}, slot=12))
    lifetime = await client.latest_blockhash(min_context_slot=12)
    assert (lifetime.blockhash, lifetime.slot) == (blockhash, 12)
    assert [question["params"] for question in node.questions] == [[{"commitment": "confirmed", "minContextSlot": 12}]] * 2
    # What was read at processed is ahead of every confirmed blockhash, and waiting for it would gain nothing.
    node.replies.clear()
    node.answers(at_slot({"blockhash": str(blockhash), "lastValidBlockHeight": 150}))
    ahead = client_of(node.url, commitment=Commitment.PROCESSED)
    assert (await ahead.latest_blockhash(min_context_slot=12)).slot == 9
    assert node.questions[-1]["params"] == [{"commitment": "confirmed"}]


@pytest.mark.parametrize("blockhash", ["", "x", "0" * 44, "1" * 31, "é", 5, None])
async def test_hashes_that_are_none(node: ScriptedNode, client: RpcClient, blockhash: Any) -> None:
    node.answers(at_slot({"blockhash": blockhash, "lastValidBlockHeight": 150}))
    with pytest.raises(RpcError, match="getLatestBlockhash: malformed"):
        await client.latest_blockhash()


async def test_priority_fees(node: ScriptedNode, client: RpcClient) -> None:
    node.answers([{"slot": 1, "prioritizationFee": 0}, {"slot": 2, "prioritizationFee": 500}])
    assert await client.recent_priority_fees([ONE]) == (0, 500)
    node.replies.clear()
    node.refuses(-32601)
    assert await client.recent_priority_fees([ONE]) == ()


# simulation


async def test_simulation_asks_for_exactly_these_bytes_and_no_signatures(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(at_slot({"err": None, "logs": ["a", "b"], "unitsConsumed": 300, "accounts": [account_json(b"after"), None]}))
    outcome = await client.simulate(b"wire", accounts=[ONE, TWO])
    assert (outcome.slot, outcome.error, outcome.logs, outcome.units_consumed) == (9, None, ("a", "b"), 300)
    after = outcome.post_accounts[ONE]
    assert after is not None
    assert after.data == b"after"
    assert outcome.post_accounts[TWO] is None
    wire, options = node.questions[0]["params"]
    assert base64.b64decode(wire) == b"wire"
    assert options["sigVerify"] is False
    assert options["replaceRecentBlockhash"] is False
    assert options["accounts"] == {"encoding": "base64", "addresses": [str(ONE), str(TWO)]}
    assert "minContextSlot" not in options


@pytest.mark.parametrize(
    ("read_at", "hashes_at"), [("processed", "confirmed"), ("confirmed", "confirmed"), ("finalized", "finalized")]
)
async def test_a_simulation_knows_the_blockhash_it_is_asked_with(
    node: ScriptedNode, client_of: ClientFactory, read_at: str, hashes_at: str
) -> None:
    client = client_of(node.url, commitment=Commitment(read_at))
    node.answers(at_slot({"blockhash": str(Hash.default()), "lastValidBlockHeight": 1}))
    node.answers(at_slot({"err": None, "logs": [], "unitsConsumed": 1}))
    lifetime = await client.latest_blockhash()
    await client.simulate(b"wire", min_context_slot=lifetime.slot)
    assert node.questions[0]["params"] == [{"commitment": hashes_at}]
    assert node.questions[1]["params"][1]["commitment"] == read_at
    assert node.questions[1]["params"][1]["minContextSlot"] == lifetime.slot == 9


async def test_a_node_that_has_not_reached_the_blockhash_is_asked_again(node: ScriptedNode, client: RpcClient) -> None:
    unknown = {"err": "BlockhashNotFound", "logs": None, "accounts": None}
    node.answers(at_slot(unknown, slot=8))
    node.answers(at_slot({"err": None, "logs": [], "unitsConsumed": 1}))
    assert (await client.simulate(b"wire", min_context_slot=9)).error is None
    assert len(node.questions) == 2
    node.replies.clear()
    node.answers(at_slot(unknown, slot=9))  # it has, and still does not know it: that is the answer
    assert (await client.simulate(b"wire", min_context_slot=9)).error == TransactionError(raw="BlockhashNotFound")
    assert len(node.questions) == 3


@pytest.mark.parametrize(
    ("err", "error"),
    [
        ("BlockhashNotFound", TransactionError(raw="BlockhashNotFound")),
        (
            {"InstructionError": [3, {"Custom": 6018}]},
            TransactionError(raw={"InstructionError": [3, {"Custom": 6018}]}, instruction_index=3, custom_code=6018),
        ),
        (
            {"InstructionError": [0, "ProgramFailedToComplete"]},
            TransactionError(raw={"InstructionError": [0, "ProgramFailedToComplete"]}, instruction_index=0),
        ),
        (
            {"InsufficientFundsForRent": {"account_index": 1}},
            TransactionError(raw={"InsufficientFundsForRent": {"account_index": 1}}),
        ),
        ({}, TransactionError(raw={})),
        (False, TransactionError(raw=False)),
    ],
)
async def test_failed_simulations_keep_the_clusters_own_words(
    node: ScriptedNode, client: RpcClient, err: Any, error: TransactionError
) -> None:
    node.answers(at_slot({"err": err, "logs": None, "accounts": None}))
    outcome = await client.simulate(b"wire", accounts=[ONE])
    assert outcome.error == error
    assert (outcome.logs, outcome.units_consumed, dict(outcome.post_accounts)) == ((), 0, {})


@pytest.mark.parametrize(
    "value",
    [
        {"logs": [], "unitsConsumed": 1, "accounts": [None]},
        {"err": None, "logs": [], "accounts": [None]},
        {"err": None, "logs": [], "unitsConsumed": 1, "accounts": []},
        {"err": None, "logs": [], "unitsConsumed": 1},
        {"err": None, "logs": [5], "unitsConsumed": 1, "accounts": [None]},
    ],
)
async def test_a_simulation_is_never_taken_for_a_success_it_does_not_state(
    node: ScriptedNode, client: RpcClient, value: Any
) -> None:
    node.answers(at_slot(value))
    with pytest.raises(RpcError, match="simulateTransaction: malformed"):
        await client.simulate(b"wire", accounts=[ONE])


# statuses


@pytest.mark.parametrize(
    ("status", "commitment"),
    [
        ({"slot": 5, "confirmations": 3, "err": None, "confirmationStatus": "processed"}, Commitment.PROCESSED),
        ({"slot": 5, "confirmations": 3, "err": None, "confirmationStatus": "confirmed"}, Commitment.CONFIRMED),
        ({"slot": 5, "confirmations": None, "err": None, "confirmationStatus": "finalized"}, Commitment.FINALIZED),
        ({"slot": 5, "confirmations": None, "err": None, "confirmationStatus": None}, Commitment.FINALIZED),
        ({"slot": 5, "confirmations": 31, "err": None}, Commitment.PROCESSED),
        ({"slot": 5, "confirmations": 31, "status": {"Ok": None}}, Commitment.PROCESSED),
    ],
)
async def test_statuses(node: ScriptedNode, client: RpcClient, status: Any, commitment: Commitment) -> None:
    node.answers(at_slot([None, status]))
    slot, (unknown, known) = await client.signature_statuses([Signature.new_unique(), Signature.new_unique()], search_history=True)
    assert (slot, unknown) == (9, None)
    assert known is not None
    assert (known.slot, known.commitment, known.error) == (5, commitment, None)
    assert node.questions[0]["params"][1] == {"searchTransactionHistory": True}


async def test_a_failed_status_carries_its_error(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(at_slot([{"slot": 5, "confirmations": 1, "status": {"Err": {"InstructionError": [1, {"Custom": 7}]}}}]))
    _, (status,) = await client.signature_statuses([Signature.new_unique()], search_history=False)
    assert status is not None
    assert status.error == TransactionError(raw={"InstructionError": [1, {"Custom": 7}]}, instruction_index=1, custom_code=7)


@pytest.mark.parametrize(
    "value",
    [
        [],
        [None, None],
        [{"slot": 5, "confirmations": 1, "confirmationStatus": "confirmed"}],
        [{"slot": 5, "confirmations": 1, "err": None, "confirmationStatus": "settled"}],
        [{"slot": 5, "err": None}],
        [{"confirmations": 1, "err": None, "confirmationStatus": "confirmed"}],
        ["confirmed"],
        None,
    ],
)
async def test_a_status_is_never_guessed(node: ScriptedNode, client: RpcClient, value: Any) -> None:
    node.answers(at_slot(value))
    with pytest.raises(RpcError, match="getSignatureStatuses: malformed"):
        await client.signature_statuses([Signature.new_unique()], search_history=False)


# landed transactions

PAYER = Keypair()
MESSAGE = MessageV0.try_compile(
    PAYER.pubkey(), [transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=ONE, lamports=5))], [], Hash.default()
)
TRANSACTION = VersionedTransaction(MESSAGE, [PAYER])
SIGNATURE = TRANSACTION.signatures[0]
MINT = Pubkey.new_unique()


def landed_json(**changes: Any) -> dict[str, Any]:
    balance = {"accountIndex": 4, "mint": str(MINT), "owner": str(OWNER), "uiTokenAmount": {"amount": "18446744073709551615"}}
    meta = {
        "err": None,
        "fee": 5000,
        "computeUnitsConsumed": 150,
        "preBalances": [10, 20, 1, 5, 6],
        "postBalances": [5, 20, 1, 5, 6],
        "preTokenBalances": [],
        "postTokenBalances": [balance],
        "loadedAddresses": {"writable": [str(TWO)], "readonly": [str(OWNER)]},
        "logMessages": ["done"],
    }
    meta.update({key: value for key, value in changes.items() if key in meta})
    whole = {
        "slot": 77,
        "blockTime": 1_700_000_000,
        "meta": meta,
        "transaction": [base64.b64encode(bytes(TRANSACTION)).decode(), "base64"],
    }
    return whole | {key: value for key, value in changes.items() if key in whole}


async def test_a_landed_transaction(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(landed_json())
    landed = await client.transaction(SIGNATURE)
    assert landed is not None
    assert landed.account_keys == (*MESSAGE.account_keys, TWO, OWNER)
    assert len(landed.account_keys) == len(landed.pre_lamports) == len(landed.post_lamports) == 5
    assert (landed.slot, landed.block_time, landed.error, landed.fee_lamports) == (77, 1_700_000_000, None, 5000)
    assert (landed.units_consumed, landed.logs) == (150, ("done",))
    (after,) = landed.post_token_balances
    assert (after.account, after.mint, after.owner, after.amount) == (OWNER, MINT, OWNER, 2**64 - 1)
    assert landed.pre_token_balances == ()
    assert node.questions[0]["params"][1] == {
        "encoding": "base64",
        "commitment": "confirmed",
        "maxSupportedTransactionVersion": 0,
    }


async def test_a_node_without_the_transaction(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(None)
    assert await client.transaction(SIGNATURE) is None


@pytest.mark.parametrize("parsed", [False, True])
async def test_a_node_that_answers_in_json_instead_of_base64(node: ScriptedNode, client: RpcClient, parsed: bool) -> None:
    keys = [str(key) for key in MESSAGE.account_keys]
    entries: list[Any] = keys
    if parsed:  # jsonParsed lists the loaded addresses among the keys
        entries = [{"pubkey": key, "source": "transaction"} for key in keys]
        entries += [{"pubkey": str(key), "source": "lookupTable"} for key in (TWO, OWNER)]
    node.answers(landed_json(transaction={"message": {"accountKeys": entries}, "signatures": [str(SIGNATURE)]}))
    landed = await client.transaction(SIGNATURE)
    assert landed is not None
    assert landed.account_keys == (*MESSAGE.account_keys, TWO, OWNER)


@pytest.mark.parametrize(
    "changes",
    [
        {"meta": None},
        {"preBalances": [1]},
        {"postBalances": None},
        {"postTokenBalances": [{"accountIndex": 5, "mint": str(MINT), "uiTokenAmount": {"amount": "1"}}]},
        {"postTokenBalances": [{"accountIndex": 0, "mint": str(MINT), "uiTokenAmount": {"amount": "1.5"}}]},
        {"postTokenBalances": [{"accountIndex": 0, "mint": str(MINT), "uiTokenAmount": {"uiAmount": 1}}]},
        {"loadedAddresses": {"writable": ["x"], "readonly": []}},
        {"loadedAddresses": None},
        {"transaction": ["AAAA", "base64"]},
        {"transaction": [base64.b64encode(bytes(VersionedTransaction(MESSAGE, [PAYER]))[1:]).decode(), "base64"]},
        {"transaction": {"message": {}}},
        {"slot": None},
    ],
)
async def test_malformed_transactions_are_refused(node: ScriptedNode, client: RpcClient, changes: dict[str, Any]) -> None:
    node.answers(landed_json(**changes))
    with pytest.raises(RpcError, match="getTransaction: malformed"):
        await client.transaction(SIGNATURE)


async def test_another_transaction_than_asked_for_is_refused(node: ScriptedNode, client: RpcClient) -> None:
    node.answers(landed_json())
    with pytest.raises(RpcError, match="malformed"):
        await client.transaction(Signature.new_unique())


# questions: equal to those solders builds, except that what is not set is left out


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def of_solders(body: solders_requests.Body) -> tuple[str, list[Any]]:
    question = json.loads(body.to_json())
    return question["method"], without_nulls(question["params"])


def test_questions_are_those_of_solders() -> None:
    confirmed = CommitmentLevel.Confirmed
    info = solders_config.RpcAccountInfoConfig(UiAccountEncoding.Base64, None, confirmed, 5)
    assert questions.multiple_accounts([ONE, TWO], Commitment.CONFIRMED, 5) == of_solders(
        solders_requests.GetMultipleAccounts([ONE, TWO], info)
    )
    memcmp = AccountFilter(offset=3, bytes_=bytes(ONE))
    sliced = solders_config.RpcAccountInfoConfig(UiAccountEncoding.Base64, UiDataSliceConfig(8, 64), confirmed, None)
    assert questions.program_accounts(OWNER, [AccountFilter(data_size=637), memcmp], (8, 64)) == of_solders(
        solders_requests.GetProgramAccounts(
            OWNER, solders_config.RpcProgramAccountsConfig(sliced, [637, Memcmp(3, str(ONE))], True)
        )
    )
    options = solders_config.RpcTransactionConfig(UiTransactionEncoding.Base64, confirmed, 0)
    assert questions.transaction(SIGNATURE) == of_solders(solders_requests.GetTransaction(SIGNATURE, options))
    sending = solders_config.RpcSendTransactionConfig(skip_preflight=True, max_retries=0)
    assert questions.send(b"wire") == of_solders(solders_requests.SendRawTransaction(b"wire", sending))


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0\0\1", bytes(ONE), b"\xff" * 8])
def test_base58_is_that_of_addresses(raw: bytes) -> None:
    padded = raw.rjust(32, b"\0")
    _, (_, config) = questions.program_accounts(OWNER, [AccountFilter(offset=1, bytes_=padded)], None)
    assert config["filters"] == [{"memcmp": {"offset": 1, "bytes": str(Pubkey.from_bytes(padded)), "encoding": "base58"}}]
