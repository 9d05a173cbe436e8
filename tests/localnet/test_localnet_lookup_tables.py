"""Lookup tables on the embedded cluster: its program, messages that use them, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from dexroute.engine.planning.table_instructions import close_table, create_table, deactivate_table, extend_table
from dexroute.localnet import EmbeddedCluster
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.rpc.parsed_lookup_tables import parsed_lookup_table
from tests.localnet.conftest import ManualTime, Rpc, Wallet

NOW = {"commitment": "processed"}
PAID = [Pubkey.new_unique() for _ in range(3)]


async def a_table(wallet: Wallet, time: ManualTime, slot: int = 0) -> Pubkey:
    time.pass_slots(2)
    create, table = create_table(wallet.pubkey, slot)
    await wallet.send(create, extend_table(table, wallet.pubkey, PAID))
    return table


async def parsed(rpc: Rpc, table: Pubkey) -> Any:
    return (await rpc.value("getAccountInfo", str(table), {"encoding": "jsonParsed", **NOW}))["data"]


async def test_a_table_is_told_as_an_object(rpc: Rpc, wallet: Wallet, time: ManualTime) -> None:
    table = await a_table(wallet, time)
    slot = await rpc.result("getSlot", NOW)
    told = await parsed(rpc, table)
    assert (told["program"], told["space"]) == ("address-lookup-table", 56 + 3 * 32)
    assert told["parsed"] == {
        "type": "lookupTable",
        "info": {
            "deactivationSlot": str(2**64 - 1),
            "lastExtendedSlot": str(slot),
            "lastExtendedSlotStartIndex": 0,
            "authority": str(wallet.pubkey),
            "addresses": [str(key) for key in PAID],
        },
    }


async def test_addresses_serve_from_the_next_slot_and_the_transaction_tells_them(
    rpc: Rpc, wallet: Wallet, time: ManualTime
) -> None:
    table = await a_table(wallet, time)
    known = AddressLookupTableAccount(table, PAID)
    payments = [wallet.pay(key, 10**7 + place) for place, key in enumerate(PAID)]
    wire = await wallet.transaction(*payments, tables=[known])
    failed = await rpc.value("simulateTransaction", wire, {"encoding": "base64", **NOW})
    assert failed["err"] == "InvalidAddressLookupTableIndex"
    time.pass_slots(1)
    signature = await wallet.send(*payments, tables=[known])
    time.pass_slots(2)
    config = {"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    landed = await rpc.result("getTransaction", signature, config)
    assert landed["meta"]["err"] is None and landed["version"] == 0
    assert landed["meta"]["loadedAddresses"] == {"writable": [str(key) for key in PAID], "readonly": []}
    assert not set(map(str, PAID)) & set(landed["transaction"]["message"]["accountKeys"])
    (lookup,) = landed["transaction"]["message"]["addressTableLookups"]
    assert lookup == {"accountKey": str(table), "writableIndexes": [0, 1, 2], "readonlyIndexes": []}
    assert landed["meta"]["postBalances"][-3:] == [10**7 + place for place in range(3)]
    whole = await rpc.result("getTransaction", signature, {**config, "encoding": "jsonParsed"})
    keys = whole["transaction"]["message"]["accountKeys"]
    assert [key["pubkey"] for key in keys if key["source"] == "lookupTable"] == [str(key) for key in PAID]
    paid = [one["parsed"]["info"]["destination"] for one in whole["transaction"]["message"]["instructions"]]
    assert paid == [str(key) for key in PAID]


async def test_instructions_of_the_program_are_told_as_objects(rpc: Rpc, wallet: Wallet, time: ManualTime) -> None:
    time.pass_slots(2)
    create, table = create_table(wallet.pubkey, 0)
    steps = [create, extend_table(table, wallet.pubkey, PAID), deactivate_table(table, wallet.pubkey)]
    signature = await wallet.send(*steps)
    time.pass_slots(2)
    config = {"encoding": "jsonParsed", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    told = (await rpc.result("getTransaction", signature, config))["transaction"]["message"]["instructions"]
    assert {one["program"] for one in told} == {"address-lookup-table"}
    assert [one["parsed"]["type"] for one in told] == ["createLookupTable", "extendLookupTable", "deactivateLookupTable"]
    head = {"lookupTableAccount": str(table), "lookupTableAuthority": str(wallet.pubkey)}
    payer = {"payerAccount": str(wallet.pubkey), "systemProgram": str(Pubkey.default())}
    assert told[0]["parsed"]["info"] == {**head, **payer, "recentSlot": 0, "bumpSeed": create.data[12]}
    assert told[1]["parsed"]["info"] == {**head, **payer, "newAddresses": [str(key) for key in PAID]}
    assert told[2]["parsed"]["info"] == head


async def test_a_table_ends_after_its_cooldown(rpc: Rpc, wallet: Wallet, time: ManualTime, cluster: EmbeddedCluster) -> None:
    table = await a_table(wallet, time)
    time.pass_slots(1)
    await wallet.send(deactivate_table(table, wallet.pubkey))
    assert (await parsed(rpc, table))["parsed"]["info"]["deactivationSlot"] == str(await rpc.result("getSlot", NOW))
    # While it cools down the cluster still takes it; after that it is as good as gone.
    time.pass_slots(1)
    known = AddressLookupTableAccount(table, PAID)
    await wallet.send(*[wallet.pay(key, 10**7) for key in PAID], tables=[known])
    early = await wallet.transaction(close_table(table, wallet.pubkey))
    assert (await rpc.value("simulateTransaction", early, {"encoding": "base64", **NOW}))["err"] is not None
    time.pass_slots(514)
    gone = await wallet.transaction(*[wallet.pay(key, 10**7) for key in PAID], tables=[known])
    assert (await rpc.value("simulateTransaction", gone, {"encoding": "base64", **NOW}))["err"] == "AddressLookupTableNotFound"
    await wallet.send(close_table(table, wallet.pubkey))
    assert await rpc.value("getAccountInfo", str(table), NOW) is None


@pytest.mark.parametrize("data", [b"", b"\x01\0\0", b"\x01" + bytes(50), b"\x01" + bytes(56), b"\x02" + bytes(55)])
def test_bytes_that_are_no_table_are_told_as_bytes(data: bytes) -> None:
    account = StoredAccount(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=1, data=data)
    assert parsed_lookup_table(account) is None
    blank = StoredAccount(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=1, data=bytes(56))
    told = parsed_lookup_table(blank)
    assert told is not None and told["parsed"] == {"type": "uninitialized"}
