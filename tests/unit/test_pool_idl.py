"""One interface, four places: interface.toml, both IDL files, the specification page, and the constants in the code."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute.fetchers.pool import decode, events, oracle
from dexroute.fetchers.pool.error_codes import PROGRAM_ERRORS
from dexroute.fetchers.pool.idl import IDL_PATH
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from tests.programs.samples import MINT_A, MINT_B, account_bytes, pool_fields, sample_pool

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "programs" / "pool"
GENERATE = PROGRAM / "idl" / "generate.py"
PAGE = (PROGRAM / "README.md").read_text()
MODERN: dict[str, Any] = json.loads((PROGRAM / "idl" / "dexroute_pool.json").read_text())
LEGACY: dict[str, Any] = json.loads(IDL_PATH.read_text())
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8, "u128": 16, "pubkey": 32, "bool": 1}


def test_both_files_are_what_the_source_says() -> None:
    checked = subprocess.run([sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_a_stale_file_is_found(tmp_path: Path) -> None:
    room = tmp_path / "programs" / "pool" / "idl"
    room.mkdir(parents=True)
    (tmp_path / "dexroute" / "fetchers" / "pool" / "program").mkdir(parents=True)
    for name in ("generate.py", "interface.toml"):
        (room / name).write_text((GENERATE.parent / name).read_text())
    generate = runpy.run_path(str(room / "generate.py"))["main"]
    assert generate(["--check"]) == 1
    assert generate([]) == 0
    assert generate(["--check"]) == 0
    (room / "interface.toml").write_text((room / "interface.toml").read_text().replace("lp: u64", "lp: u32"))
    assert generate(["--check"]) == 1


def test_discriminators_are_anchors() -> None:
    checked = 0
    for namespace, key in (("global", "instructions"), ("account", "accounts"), ("event", "events")):
        for entry in MODERN[key]:
            assert entry["discriminator"] == list(sha256(f"{namespace}:{entry['name']}".encode()).digest()[:8])
            checked += 1
    assert checked == 7 + 2 + 6
    assert sha256(b"account:Pool").digest()[:8] == decode.POOL_DISCRIMINATOR
    assert sha256(b"account:Oracle").digest()[:8] == oracle.ORACLE_DISCRIMINATOR


def test_both_idls_describe_the_same_program() -> None:
    assert MODERN["address"] == LEGACY["metadata"]["address"] == str(DEFAULT_PROGRAM_ID)
    assert [e["name"] for e in MODERN["instructions"]] == [e["name"] for e in LEGACY["instructions"]]
    for modern, legacy in zip(MODERN["instructions"], LEGACY["instructions"], strict=True):
        flags = [(a["name"], a.get("writable", False), a.get("signer", False)) for a in modern["accounts"]]
        assert flags == [(a["name"], a["isMut"], a["isSigner"]) for a in legacy["accounts"]]
        assert modern["args"] == legacy["args"]
    assert MODERN["errors"] == LEGACY["errors"]
    structs = {e["name"]: e["type"]["fields"] for e in MODERN["types"]}
    old = {e["name"]: e["type"]["fields"] for e in LEGACY["accounts"] + LEGACY["types"]}
    old |= {e["name"]: [{k: v for k, v in f.items() if k != "index"} for f in e["fields"]] for e in LEGACY["events"]}
    renamed = json.loads(
        json.dumps(old).replace('"publicKey"', '"pubkey"').replace('"defined": "Observation"', '"defined": {"name": "Observation"}')
    )
    assert structs == renamed


def test_account_sizes() -> None:
    observation = {"at": 0, "cumulative_a_x64": 0, "cumulative_b_x64": 0}
    ring = {"pool": DEFAULT_PROGRAM_ID, "next": 0, "count": 0, "observations": [observation] * 128}
    assert len(account_bytes("Pool", pool_fields(sample_pool()))) == decode.POOL_LENGTH == 400
    assert len(account_bytes("Oracle", ring)) == oracle.ORACLE_LENGTH == 5_164


def _page_layout() -> list[tuple[int, str, str]]:
    rows = re.findall(r"^\| (\d+) \| (\w+) \| ([\w\[\]; ]*?) ?\|", PAGE, re.MULTILINE)
    return [(int(offset), name, kind) for offset, name, kind in rows]


def test_the_pages_offsets_are_the_idls_layout() -> None:
    *rows, (end, _, _) = _page_layout()
    assert len(rows) == 31
    pool = next(e for e in MODERN["types"] if e["name"] == "Pool")["type"]["fields"]
    offset = 8
    for (at, name, kind), field in zip(rows, pool, strict=True):
        declared = field["type"]
        width = declared["array"][1] if isinstance(declared, dict) else WIDTHS[declared]
        assert (at, name) == (offset, field["name"])
        assert kind == (f"[u8; {width}]" if isinstance(declared, dict) else declared)
        offset += width
    assert offset == end == decode.POOL_LENGTH


def test_the_pages_instructions_are_the_idls() -> None:
    table = PAGE[PAGE.index("| instruction | data | accounts |") :]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:9]]
    found = {name: (data, accounts) for name, data, accounts in rows}
    assert set(found) == {e["name"] for e in MODERN["instructions"]}
    for entry in MODERN["instructions"]:
        data, accounts = found[entry["name"]]
        if not accounts.startswith("as "):
            listed = [re.sub(r" \(.*?\)", "", text) for text in accounts.split(", ")]
            expected = [_flagged(account) for account in entry["accounts"]]
            assert listed == expected, entry["name"]
        arguments = re.findall(r"(\w+) (u\d+)", data)
        assert arguments == [(a["name"], a["type"]) for a in entry["args"]], entry["name"]


def _flagged(account: dict[str, Any]) -> str:
    flags = ("w" if account.get("writable") else "") + ("s" if account.get("signer") else "")
    return f"{account['name']} {flags}".strip()


def test_error_tables_agree() -> None:
    on_page = {int(code): name for code, name in re.findall(r"(6\d{3}) (\w+)", PAGE[PAGE.index("## Errors") :])}
    in_idl = {e["code"]: e["name"] for e in MODERN["errors"]}
    assert on_page == in_idl == {code: error.name for code, error in PROGRAM_ERRORS.items()}
    assert {e["code"]: e["msg"] for e in MODERN["errors"]} == {code: error.meaning for code, error in PROGRAM_ERRORS.items()}
    assert sorted(PROGRAM_ERRORS) == list(range(6_000, 6_025))


@pytest.mark.parametrize("event", LEGACY["events"], ids=lambda event: event["name"])
def test_event_values_have_the_idls_fields(event: dict[str, Any]) -> None:
    kind = getattr(events, event["name"])
    assert [f["name"] for f in event["fields"]] == list(kind.__dataclass_fields__)


def test_derived_accounts_of_the_modern_idl_resolve_to_ours() -> None:
    accounts = sample_pool().accounts
    known: dict[str, bytes] = {"mint_a": bytes(MINT_A.address), "mint_b": bytes(MINT_B.address), "index": bytes(2)}
    known |= {"mint_in": bytes(MINT_B.address), "mint_out": bytes(MINT_A.address), "pool": bytes(accounts.pool)}
    ours = {
        "pool": accounts.pool, "oracle": accounts.oracle, "lp_mint": accounts.lp_mint, "vault_a": accounts.vaults[0],
        "vault_b": accounts.vaults[1], "vault_in": accounts.vaults[1], "vault_out": accounts.vaults[0],
    }  # fmt: skip
    resolved = 0
    for entry in MODERN["instructions"]:
        for account in entry["accounts"]:
            if "pda" not in account:
                continue
            seeds = [bytes(s["value"]) if s["kind"] == "const" else known[s["path"]] for s in account["pda"]["seeds"]]
            assert Pubkey.find_program_address(seeds, DEFAULT_PROGRAM_ID)[0] == ours[account["name"]]
            resolved += 1
    assert resolved == 5 + 4 + 4 + 3 + 3 + 2
