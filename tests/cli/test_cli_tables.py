"""`dex tables` on the embedded cluster: each change is asked for, signed, confirmed and told with its cost."""

from __future__ import annotations

from contextlib import closing

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.pubkey import Pubkey

from dexroute import KeypairSigner
from dexroute.localnet import EmbeddedCluster
from dexroute.types.accounts import AccountData
from tests.cli.runner import Cli
from tests.engine.svm_cluster import table_bytes


def test_made_listed_and_taken_out_of_use(cli: Cli) -> None:
    assert "no lookup tables known" in cli("tables", "list").out
    made = cli.json("tables", "create", "--pair", "SOL/USDC", "--pool", cli.facts()["pools"][2], "--yes")
    assert made["change"] == "create" and len(made["signatures"]) == 1 and len(made["added"]) > 10
    assert set(cli.facts()["pools"][:3]) <= set(made["added"]) and int(made["rent_lamports"]) > 10**6
    (table,) = cli.json("tables", "list")["tables"]
    assert (table["address"], table["source"], table["state"]) == (made["table"], "own", "active")
    assert table["addresses"] == made["added"] and table["rent_lamports"] == made["rent_lamports"]
    shown = cli("tables", "list").out
    assert f"{made['table']}  active\n  {len(made['added'])} addresses, own, 0.00" in shown and "SOL of rent" in shown

    grown = cli.json("tables", "extend", made["table"], "--pool", cli.facts()["pools"][3], "--yes")
    assert cli.facts()["pools"][3] in grown["added"] and not set(grown["added"]) & set(made["added"])
    same = cli.json("tables", "extend", made["table"], "--pool", cli.facts()["pools"][3], "--yes", code=2)
    assert "holds all accounts" in same["message"]

    again = cli.json("tables", "create", "--pool", cli.facts()["pools"][3], "--yes", code=2)
    assert made["table"] in again["message"] and "holds all accounts of these pools already" in again["message"]

    # Extended by who knows its address only, it is known from then on.
    cli("tables", "forget", made["table"])
    assert cli.json("tables", "list") == {"tables": []}
    cli("tables", "extend", made["table"], "--pool", cli.facts()["pools"][4], "--yes")
    (known,) = cli.json("tables", "list")["tables"]
    assert (known["address"], known["source"], known["state"]) == (made["table"], "own", "active")

    early = cli.json("tables", "close", made["table"], "--yes", code=2)
    assert "deactivate it first" in early["message"]
    said = cli("tables", "deactivate", made["table"], "--yes").out
    assert f"deactivate lookup table {made['table']}" in said and "signature" in said
    waiting = cli.json("tables", "close", made["table"], "--yes", code=2)
    assert 0 < waiting["context"]["blocks"] <= 513
    assert cli.json("tables", "list")["tables"][0]["state"] == "deactivated"
    refused = cli.json("tables", "add", made["table"], code=4)
    assert (refused["code"], refused["context"]["reason"]) == ("LOOKUP_TABLE_UNUSABLE", "deactivated")
    assert cli.json("tables", "forget", made["table"]) == {"forgotten": made["table"]}
    assert cli.json("tables", "list") == {"tables": []}
    assert "no lookup table" in cli.json("tables", "forget", made["table"], code=2)["message"]


def test_a_full_table_and_one_of_the_settings(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, almost = Pubkey.new_unique(), Pubkey.new_unique()
    authority = KeypairSigner.load(cli.wallet).pubkey
    with closing(EmbeddedCluster.open(cli.market / "embedded")) as cluster:
        for table, count in ((whole, 256), (almost, 255)):
            content = table_bytes([Pubkey.new_unique() for _ in range(count)], authority=authority)
            cluster.set_account(table, AccountData(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=10**8, data=content))
    pool = cli.facts()["pools"][0]
    said = cli.json("tables", "extend", str(whole), "--pool", pool, "--yes", code=2)
    assert "is full: it holds 256 addresses" in said["message"]
    said = cli.json("tables", "extend", str(almost), "--pool", pool, "--yes", code=2)
    assert "room for 1; name fewer pools" in said["message"]
    monkeypatch.setenv("DEXROUTE_LOOKUP_TABLES", str(almost))
    assert [one["source"] for one in cli.json("tables", "list")["tables"]] == ["settings"]
    assert "is named in the settings" in cli.json("tables", "forget", str(almost), code=2)["message"]


def test_what_cannot_be_meant(cli: Cli) -> None:
    pool = cli.facts()["pools"][0]
    assert "--pool, --pair" in cli.json("tables", "create", "--yes", code=2)["message"]
    assert "write it like SOL/USDC" in cli.json("tables", "create", "--pair", "SOL", "--yes", code=2)["message"]
    assert "same token twice" in cli.json("tables", "create", "--pair", "SOL/SOL", "--yes", code=2)["message"]
    assert "no pool of USDC/TAXED" in cli.json("tables", "create", "--pair", "USDC/TAXED", "--yes", code=2)["message"]
    assert "needs --yes" in cli.json("tables", "create", "--pool", pool, code=2)["message"]
    assert cli.json("tables", "add", pool, code=4)["context"]["reason"] == "owner"
    assert cli.json("tables", "deactivate", str(pool), "--yes", code=4)["context"]["reason"] == "owner"
    assert "is not an address" in cli.json("tables", "add", "nothing", code=2)["message"]
    assert cli.json("tables", "list") == {"tables": []}
