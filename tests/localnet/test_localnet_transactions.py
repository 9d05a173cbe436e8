"""What lands, what does not, and what it costs, as on a cluster."""

from __future__ import annotations

import base64
from typing import Any

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from dexroute.localnet import EmbeddedCluster
from dexroute.types.accounts import AccountData

PROCESSED = {"commitment": "processed"}
SKIP = {"encoding": "base64", "skipPreflight": True}
CHECK = {"encoding": "base64", "preflightCommitment": "processed"}
TABLE_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")


async def status(rpc: Any, signature: str) -> Any:
    (found,) = await rpc.value("getSignatureStatuses", [signature])
    return found


def signature_in(wire: str) -> str:
    return str(VersionedTransaction.from_bytes(base64.b64decode(wire)).signatures[0])


async def test_preflight_refuses_with_the_simulation(rpc: Any, wallet: Any) -> None:
    wire = await wallet.transaction(wallet.pay(Keypair().pubkey(), 10**15))
    error = await rpc.error("sendTransaction", wire, CHECK)
    assert error["code"] == -32002
    assert error["message"] == "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    assert error["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert error["data"]["unitsConsumed"] == 150
    assert any("insufficient lamports" in line for line in error["data"]["logs"])
    assert await wallet.balance() == 10 * 10**9


async def test_a_failing_transaction_sent_without_preflight_lands_and_pays(rpc: Any, wallet: Any) -> None:
    signature = await wallet.send(wallet.pay(Keypair().pubkey(), 10**15), skip_preflight=True)
    assert (await status(rpc, signature))["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert await wallet.balance() == 10 * 10**9 - 5000


async def test_a_landed_signature_is_processed_once(rpc: Any, wallet: Any) -> None:
    receiver = Keypair().pubkey()
    wire = await wallet.transaction(wallet.pay(receiver, 10**9))
    signature = await rpc.result("sendTransaction", wire, CHECK)
    error = await rpc.error("sendTransaction", wire, CHECK)
    assert (error["code"], error["data"]["err"]) == (-32002, "AlreadyProcessed")
    assert await rpc.result("sendTransaction", wire, SKIP) == signature
    assert await rpc.value("getBalance", str(receiver), PROCESSED) == 10**9


async def test_a_transaction_lands_up_to_its_last_valid_block_and_not_after(rpc: Any, wallet: Any, time: Any) -> None:
    last_valid = (await rpc.value("getLatestBlockhash", PROCESSED))["lastValidBlockHeight"]
    in_time, late = [await wallet.transaction(wallet.pay(Keypair().pubkey(), 10**9)) for _ in range(2)]
    time.pass_slots(150)
    assert await rpc.result("getBlockHeight", PROCESSED) == last_valid
    assert await status(rpc, await rpc.result("sendTransaction", in_time, CHECK)) is not None
    time.pass_slots(1)
    error = await rpc.error("sendTransaction", late, CHECK)
    assert (error["code"], error["data"]["err"]) == (-32002, "BlockhashNotFound")
    assert await rpc.result("sendTransaction", late, SKIP) == signature_in(late)
    assert await status(rpc, signature_in(late)) is None


async def test_blockhash_validity_is_told(rpc: Any, time: Any) -> None:
    blockhash = (await rpc.value("getLatestBlockhash", PROCESSED))["blockhash"]
    time.pass_slots(150)
    assert await rpc.value("isBlockhashValid", blockhash, PROCESSED) is True
    time.pass_slots(1)
    assert await rpc.value("isBlockhashValid", blockhash, PROCESSED) is False
    assert await rpc.value("isBlockhashValid", blockhash) is True, "the finalized block is 32 blocks younger"


async def test_a_wrong_signature_never_lands(rpc: Any, wallet: Any) -> None:
    wire = bytearray(base64.b64decode(await wallet.transaction(wallet.pay(Keypair().pubkey(), 10**9))))
    wire[5] ^= 1
    forged = base64.b64encode(bytes(wire)).decode()
    assert (await rpc.error("sendTransaction", forged, CHECK))["code"] == -32003
    assert (await rpc.error("simulateTransaction", forged, {"encoding": "base64", "sigVerify": True}))["code"] == -32003
    assert await status(rpc, await rpc.result("sendTransaction", forged, SKIP)) is None
    assert await wallet.balance() == 10 * 10**9


async def test_the_compute_unit_price_is_charged_and_told(rpc: Any, wallet: Any, time: Any) -> None:
    receiver = Keypair().pubkey()
    time.pass_slots(1)
    priced = (set_compute_unit_price(1_000_001), set_compute_unit_limit(1001), wallet.pay(receiver, 10**9))
    wire = await wallet.transaction(*priced)
    message = base64.b64encode(base64.b64decode(wire)[65:]).decode()
    assert await rpc.value("getFeeForMessage", message, PROCESSED) == 5000 + 1002
    await rpc.result("sendTransaction", wire, CHECK)
    assert await wallet.balance() == 9 * 10**9 - 5000 - 1002
    for addresses in ([], [str(receiver)]):
        fees = await rpc.result("getRecentPrioritizationFees", addresses)
        assert fees[-1] == {"slot": 2, "prioritizationFee": 1_000_001}
    await wallet.send(wallet.pay(Keypair().pubkey(), 10**9))
    lowest = [(await rpc.result("getRecentPrioritizationFees", keys))[-1]["prioritizationFee"] for keys in ([], [str(receiver)])]
    assert lowest == [0, 1_000_001], "a block's minimum, unless the asked account saw a dearer one"


async def test_a_default_limit_counts_three_thousand_units_a_builtin(rpc: Any, wallet: Any) -> None:
    await wallet.send(set_compute_unit_price(1_000_000), wallet.pay(Keypair().pubkey(), 10**9))
    assert await wallet.balance() == 9 * 10**9 - 5000 - 6000


async def test_a_fee_the_payer_lacks_is_refused_unlanded(rpc: Any, wallet: Any) -> None:
    dear = (set_compute_unit_price(10**12), set_compute_unit_limit(1_400_000))
    signature = await wallet.send(*dear, skip_preflight=True)
    assert await status(rpc, signature) is None
    wire = await wallet.transaction(*dear)
    assert (await rpc.error("sendTransaction", wire, CHECK))["data"]["err"] == "InsufficientFundsForFee"


async def test_no_account_may_end_below_rent_exemption(rpc: Any, wallet: Any) -> None:
    receiver = Keypair().pubkey()
    signature = await wallet.send(wallet.pay(receiver, 890_879), skip_preflight=True)
    assert (await status(rpc, signature))["err"] == {"InsufficientFundsForRent": {"account_index": 1}}
    assert await wallet.balance() == 10 * 10**9 - 5000, "the transfer is undone, the fee is not"
    await wallet.send(wallet.pay(receiver, 890_880))
    assert await rpc.value("getBalance", str(receiver), PROCESSED) == 890_880


async def test_a_missing_program_lands_as_fees_only(rpc: Any, wallet: Any) -> None:
    signature = await wallet.send(Instruction(Keypair().pubkey(), b"", []), skip_preflight=True)
    assert (await status(rpc, signature))["err"] == "ProgramAccountNotFound"
    assert await wallet.balance() == 10 * 10**9 - 5000


async def test_an_emptied_account_is_gone(rpc: Any, wallet: Any, time: Any) -> None:
    other = Keypair()
    await wallet.send(wallet.pay(other.pubkey(), 10**9))
    time.pass_slots(1)
    back = Keypair().pubkey()
    drain = type(wallet)(rpc, other)
    await drain.send(drain.pay(back, 10**9 - 5000))
    assert await rpc.value("getAccountInfo", str(other.pubkey()), {**PROCESSED, "encoding": "base64"}) is None
    before = await rpc.value("getBalance", str(other.pubkey()), {"commitment": "confirmed"})
    assert before == 10**9, "an earlier slot still sees it"


async def test_lookup_tables_load_their_addresses(rpc: Any, wallet: Any, cluster: EmbeddedCluster, time: Any) -> None:
    receivers = [Keypair().pubkey() for _ in range(3)]
    table = AddressLookupTableAccount(key=Keypair().pubkey(), addresses=receivers)
    meta = (1).to_bytes(4, "little") + b"\xff" * 8 + (0).to_bytes(8, "little") + bytes(56 - 20)
    data = meta + b"".join(bytes(key) for key in receivers)
    cluster.set_account(table.key, AccountData(owner=TABLE_PROGRAM, lamports=10**9, data=data))
    signature = await wallet.send(*(wallet.pay(key, 10**9) for key in receivers), tables=[table])
    time.pass_slots(32)
    landed = await rpc.result("getTransaction", signature, {"encoding": "json", "maxSupportedTransactionVersion": 0})
    assert sorted(landed["meta"]["loadedAddresses"]["writable"]) == sorted(str(key) for key in receivers)
    keys = len(landed["transaction"]["message"]["accountKeys"])
    assert landed["meta"]["postBalances"][keys:] == [10**9] * 3
    assert landed["version"] == 0
    error = await rpc.error("getTransaction", signature, {"encoding": "json"})
    assert error["code"] == -32015


async def test_a_table_that_is_not_there_is_refused(rpc: Any, wallet: Any) -> None:
    receiver = Keypair().pubkey()
    table = AddressLookupTableAccount(key=Keypair().pubkey(), addresses=[receiver])
    wire = await wallet.transaction(wallet.pay(receiver, 10**9), tables=[table])
    assert (await rpc.error("sendTransaction", wire, CHECK))["data"]["err"] == "AddressLookupTableNotFound"


async def test_a_simulation_shows_and_undoes(rpc: Any, wallet: Any) -> None:
    receiver = Keypair().pubkey()
    wire = await wallet.transaction(set_compute_unit_price(10**6), wallet.pay(receiver, 10**9))
    config = {"encoding": "base64", "accounts": {"encoding": "base64", "addresses": [str(receiver), str(wallet.pubkey)]}}
    simulated = await rpc.value("simulateTransaction", wire, {**config, **PROCESSED})
    assert simulated["err"] is None
    assert [account["lamports"] for account in simulated["accounts"]] == [10**9, 9 * 10**9 - 5000 - 6000]
    assert await rpc.value("getBalance", str(receiver), PROCESSED) == 0
    assert await wallet.balance() == 10 * 10**9


async def test_a_simulation_runs_on_the_accounts_its_commitment_reads(rpc: Any, wallet: Any, time: Any) -> None:
    receiver = Keypair().pubkey()
    config = {"encoding": "base64", "accounts": {"encoding": "base64", "addresses": [str(receiver), str(wallet.pubkey)]}}
    await wallet.send(wallet.pay(receiver, 10**9), skip_preflight=True)
    time.pass_slots(1)
    await wallet.send(wallet.pay(receiver, 2 * 10**9), skip_preflight=True)
    wire = await wallet.transaction(wallet.pay(receiver, 3 * 10**9))
    for level, landed, fees in (("processed", 3, 2), ("confirmed", 1, 1), ("processed", 3, 2)):
        asked = {**config, "commitment": level, "replaceRecentBlockhash": True}
        simulated = await rpc.value("simulateTransaction", wire, asked)
        left = (10 - landed) * 10**9 - 5000 * fees
        assert await rpc.value("getBalance", str(wallet.pubkey), {"commitment": level}) == left
        assert [held["lamports"] for held in simulated["accounts"]] == [(landed + 3) * 10**9, left - 3 * 10**9 - 5000]
    early = await rpc.error("sendTransaction", wire, {"encoding": "base64", "preflightCommitment": "confirmed"})
    assert early["data"]["err"] == "BlockhashNotFound", "its blockhash is not confirmed yet"
    await rpc.result("sendTransaction", wire, CHECK)
    assert await rpc.value("getBalance", str(receiver), PROCESSED) == 6 * 10**9


async def test_a_simulation_can_bring_its_own_blockhash(rpc: Any, wallet: Any, time: Any) -> None:
    wire = await wallet.transaction(wallet.pay(Keypair().pubkey(), 10**9))
    time.pass_slots(200)
    config = {"encoding": "base64", **PROCESSED}
    assert (await rpc.value("simulateTransaction", wire, config))["err"] == "BlockhashNotFound"
    replaced = await rpc.value("simulateTransaction", wire, {**config, "replaceRecentBlockhash": True})
    assert replaced["err"] is None
    assert replaced["replacementBlockhash"] == await rpc.value("getLatestBlockhash", PROCESSED)
    both = {**config, "replaceRecentBlockhash": True, "sigVerify": True}
    assert (await rpc.error("simulateTransaction", wire, both))["code"] == -32602


async def test_what_is_no_transaction_is_told_so(rpc: Any, wallet: Any) -> None:
    wire = await wallet.transaction(wallet.pay(Keypair().pubkey(), 10**9))
    bad = (("%%%", "base64"), ("0OIl", "base58"), ("AAAA", "base64"), (wire[:80], "base64"), ("A" * 1648, "base64"), (wire, "utf8"))
    for text, encoding in bad:
        assert (await rpc.error("sendTransaction", text, {"encoding": encoding}))["code"] == -32602
    assert len(bad) == 6


async def test_equal_airdrops_in_one_slot_both_land_and_an_empty_faucet_says_so(rpc: Any) -> None:
    receiver = str(Keypair().pubkey())
    signatures = {await rpc.result("requestAirdrop", receiver, 10**9) for _ in range(3)}
    assert len(signatures) == 3
    assert await rpc.value("getBalance", receiver, PROCESSED) == 3 * 10**9
    assert "faucet" in (await rpc.error("requestAirdrop", receiver, 2**63))["message"]
