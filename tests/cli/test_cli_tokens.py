"""`dex tokens`: what symbols mean, and how a person changes it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from solders.pubkey import Pubkey

from tests.chain.jupiter_tokens import token_v1, token_v2
from tests.cli.runner import Cli

NEWER, OLDER = "https://lite-api.jup.ag/tokens/v2/tag", "https://tokens.jup.ag/tokens"


class Mainnet:
    """`dex tokens ...` for mainnet-beta, which is not asked for anything."""

    def __init__(self, cli: Cli, data_dir: Path) -> None:
        self._cli = cli
        self.data_dir = data_dir

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        here = ("-u", "mainnet-beta", "--data-dir", str(self.data_dir))
        outcome = self._cli.bare("tokens", *arguments, *here, "--format", "json", code=code)
        return outcome.error if code else outcome.json

    def table(self, *arguments: str) -> str:
        return self._cli.bare("tokens", *arguments, "-u", "mainnet-beta", "--data-dir", str(self.data_dir)).out


@pytest.fixture
def mainnet(cli: Cli, tmp_path: Path) -> Mainnet:
    return Mainnet(cli, tmp_path / "data")


def written(path: Path, *tokens: Any) -> Path:
    path.write_text(json.dumps(tokens))
    return path


def test_a_file_is_judged_kept_and_listed(mainnet: Mainnet, tmp_path: Path) -> None:
    good, hostile = token_v2(symbol="FOO", decimals=4), token_v2(symbol="\x1b[31mUSDC")
    path = written(tmp_path / "list.json", good, hostile, token_v1(symbol="USDC"))
    refreshed = mainnet("refresh", "--file", str(path))
    assert refreshed["added"] == [{"symbol": "FOO", "mint": good["id"], "decimals": 4}]
    assert [one["reason"].split(" symbol ")[1][:10] for one in refreshed["refused"]] == ["has blanks", "looks like"]
    assert refreshed["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert refreshed["source"] == str(path)
    listed = mainnet("list", "foo")
    assert listed["tokens"] == [{"symbol": "FOO", "mint": good["id"], "decimals": 4, "source": "verified"}]
    assert listed["verified_list"]["sha256"] == refreshed["sha256"]
    assert mainnet("list", "usdc")["tokens"][0]["source"] == "pinned"
    shown = mainnet.table("list")
    assert good["id"] in shown and "verified" in shown and refreshed["sha256"] in shown


def test_a_refresh_says_what_changed_in_words(mainnet: Mainnet, tmp_path: Path) -> None:
    old, gone = token_v2(symbol="FOO"), token_v2(symbol="GONE")
    mainnet("refresh", "--file", str(written(tmp_path / "1.json", old, gone)))
    new = token_v2(symbol="FOO")
    path = written(tmp_path / "2.json", old | {"symbol": "BAR"}, new, token_v2(symbol="\u202e[bold]x"))
    said = mainnet.table("refresh", "--file", str(path))
    assert "1 added, 1 removed, 2 changed, 1 refused" in said
    assert f"FOO meant {old['id']}, now means {new['id']}" in said
    assert f"removed GONE {gone['id']}" in said
    assert "\\u202e[bold]x" in said and "\u202e" not in said


@respx.mock
def test_jupiter_is_asked(mainnet: Mainnet) -> None:
    token = token_v2(symbol="FOO")
    respx.get(NEWER, params={"query": "verified"}).mock(return_value=httpx.Response(200, json=[token]))
    assert mainnet("refresh")["source"] == f"{NEWER}?query=verified"
    assert mainnet("list", token["id"])["tokens"][0]["symbol"] == "FOO"


@respx.mock
def test_when_jupiter_is_dead_the_list_kept_before_stays(mainnet: Mainnet, tmp_path: Path) -> None:
    mainnet("refresh", "--file", str(written(tmp_path / "list.json", token_v2(symbol="FOO"))))
    for url in (NEWER, OLDER):
        respx.get(url).mock(return_value=httpx.Response(401))
    failed = mainnet("refresh", code=5)
    assert "--file" in failed["message"] and "lite-api.jup.ag" in failed["message"]
    assert len(mainnet("list", "FOO")["tokens"]) == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", "[5]", "[" * 100_000, "\x00\xff"])
def test_a_file_that_is_no_list_changes_nothing(mainnet: Mainnet, tmp_path: Path, content: str) -> None:
    mainnet("refresh", "--file", str(written(tmp_path / "list.json", token_v2(symbol="FOO"))))
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="latin-1")
    assert str(path) in mainnet("refresh", "--file", str(path), code=2)["message"]
    assert "cannot be read" in mainnet("refresh", "--file", str(tmp_path / "none"), code=2)["message"]
    assert len(mainnet("list", "FOO")["tokens"]) == 1


def test_a_damaged_list_is_cured_by_fetching_it_again(mainnet: Mainnet, tmp_path: Path) -> None:
    path = written(tmp_path / "list.json", token_v2(symbol="FOO"))
    kept = Path(mainnet("refresh", "--file", str(path))["path"])
    kept.write_text("{")
    assert "dex tokens refresh" in mainnet("list", code=2)["message"]
    mainnet("refresh", "--file", str(path))
    assert len(mainnet("list", "FOO")["tokens"]) == 1


def test_the_verified_list_is_mainnets_alone(cli: Cli, tmp_path: Path) -> None:
    path = written(tmp_path / "list.json", token_v2())
    assert "mainnet-beta" in cli.json("tokens", "refresh", "--file", str(path), code=2)["message"]


def test_naming_and_forgetting_a_mint(cli: Cli) -> None:
    mint = str(next(key for key in cli.balances() if key != "lamports"))
    named = cli.json("tokens", "add", "MYTOKEN", mint)
    assert named["mint"] == mint and named["source"] == "user" and isinstance(named["decimals"], int)
    assert named in cli.json("tokens", "list", "mytoken")["tokens"]
    assert cli.json("tokens", "remove", "MYTOKEN")["removed"] == [named]
    assert cli.json("tokens", "list", "mytoken")["tokens"] == []
    assert cli.json("tokens", "remove", "MYTOKEN", code=2)["code"] == "UNKNOWN_TOKEN"
    assert "ships with dexroute" in cli.json("tokens", "remove", "JUP", code=2)["message"]


def test_only_mints_and_readable_symbols_are_named(cli: Cli) -> None:
    mint = str(next(key for key in cli.balances() if key != "lamports"))
    assert "symbol" in cli.json("tokens", "add", "USDС", mint, code=2)["message"]
    assert cli.json("tokens", "add", "X", str(Pubkey.new_unique()), code=2)["code"] == "UNKNOWN_TOKEN"
    assert "no-address" in cli.json("tokens", "add", "X", "no-address", code=2)["message"]
