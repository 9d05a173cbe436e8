"""What a symbol means, where, and what it never means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from dexroute.chain.tokens import MAINNET_GENESIS, ListedToken, TokenList, add_token, pinned_tokens
from dexroute.errors import AmbiguousToken, ConfigError, UnknownToken
from dexroute.types.mints import NATIVE_MINT

USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
ELSEWHERE = str(Hash.new_unique())


def test_the_pinned_list_is_sound() -> None:
    tokens = pinned_tokens()
    assert len(tokens) >= 15
    assert len({token.mint for token in tokens}) == len(tokens)
    assert len({(token.symbol or "").lower() for token in tokens}) == len(tokens), "no symbol differs from another by case alone"
    by_symbol = {token.symbol: token for token in tokens}
    assert by_symbol["SOL"].mint == NATIVE_MINT
    assert by_symbol["USDC"] == ListedToken(mint=USDC, symbol="USDC", decimals=6)


def test_mainnet_symbols_and_mints(tmp_path: Path) -> None:
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    assert tokens.resolve("USDC") == tokens.resolve("usdc") == tokens.resolve(str(USDC)) == tokens.of_mint(USDC)
    assert tokens.resolve("jitosol").symbol == "JitoSOL"
    unknown = Pubkey.new_unique()
    assert tokens.resolve(str(unknown)) == ListedToken(mint=unknown, symbol=None, decimals=None)
    assert tokens.resolve(str(unknown)).label == f"{str(unknown)[:4]}…{str(unknown)[-4:]}"
    assert not list(tmp_path.iterdir())


def test_elsewhere_pinned_decimals_are_not_relied_on(tmp_path: Path) -> None:
    tokens = TokenList.open(tmp_path, ELSEWHERE)
    assert tokens.resolve("USDC") == ListedToken(mint=USDC, symbol="USDC", decimals=None)
    assert tokens.resolve("SOL") == ListedToken(mint=NATIVE_MINT, symbol="SOL", decimals=9)


@pytest.mark.parametrize(
    ("text", "near"),
    [("USDD", ["USDC"]), ("BNOK", ["BONK"]), ("", []), ("\x1b[31m", []), ("SO1" * 50, []), ("0" * 44, []), ("1" * 45, [])],
)
def test_unknown_symbols_name_their_neighbours(tmp_path: Path, text: str, near: list[str]) -> None:
    with pytest.raises(UnknownToken, match="give the mint's address") as caught:
        TokenList.open(tmp_path, MAINNET_GENESIS).resolve(text)
    assert set(near) <= set(caught.value.context["near"])
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_added_tokens_belong_to_their_cluster(tmp_path: Path) -> None:
    mint = Pubkey.new_unique()
    add_token(tmp_path, ELSEWHERE, symbol="DEMO", mint=mint, decimals=4)
    assert TokenList.open(tmp_path, ELSEWHERE).resolve("demo") == ListedToken(mint=mint, symbol="DEMO", decimals=4)
    with pytest.raises(UnknownToken):
        TokenList.open(tmp_path, str(Hash.new_unique())).resolve("DEMO")
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.json"]


def test_adding_a_symbol_again_moves_it(tmp_path: Path) -> None:
    first, second = Pubkey.new_unique(), Pubkey.new_unique()
    add_token(tmp_path, ELSEWHERE, symbol="A", mint=first, decimals=1)
    add_token(tmp_path, ELSEWHERE, symbol="A", mint=second, decimals=2)
    add_token(tmp_path, ELSEWHERE, symbol="B", mint=second, decimals=2)
    tokens = TokenList.open(tmp_path, ELSEWHERE)
    assert tokens.resolve("B").mint == second
    with pytest.raises(UnknownToken):
        tokens.resolve("A")


def test_on_a_test_cluster_the_users_word_is_over_the_pinned_list(tmp_path: Path) -> None:
    mint = Pubkey.new_unique()
    add_token(tmp_path, ELSEWHERE, symbol="USDC", mint=mint, decimals=2)
    tokens = TokenList.open(tmp_path, ELSEWHERE)
    assert tokens.resolve("USDC") == ListedToken(mint=mint, symbol="USDC", decimals=2)
    assert tokens.resolve(str(USDC)).mint == USDC


def test_on_mainnet_a_second_carrier_makes_a_symbol_ambiguous(tmp_path: Path) -> None:
    mint = Pubkey.new_unique()
    add_token(tmp_path, MAINNET_GENESIS, symbol="USDC", mint=mint, decimals=6)
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    with pytest.raises(AmbiguousToken) as caught:
        tokens.resolve("USDC")
    assert set(caught.value.context["mints"]) == {str(mint), str(USDC)}
    assert tokens.resolve(str(USDC)).mint == USDC


def test_another_name_for_a_pinned_mint_takes_none_away(tmp_path: Path) -> None:
    add_token(tmp_path, MAINNET_GENESIS, symbol="DOLLAR", mint=USDC, decimals=6)
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    assert tokens.resolve("DOLLAR").mint == tokens.resolve("USDC").mint == USDC


def test_case_decides_where_it_must(tmp_path: Path) -> None:
    small, large = Pubkey.new_unique(), Pubkey.new_unique()
    add_token(tmp_path, ELSEWHERE, symbol="ab", mint=small, decimals=0)
    add_token(tmp_path, ELSEWHERE, symbol="AB", mint=large, decimals=0)
    tokens = TokenList.open(tmp_path, ELSEWHERE)
    assert (tokens.resolve("ab").mint, tokens.resolve("AB").mint) == (small, large)
    with pytest.raises(AmbiguousToken):
        tokens.resolve("Ab")


@pytest.mark.parametrize("symbol", ["", "A" * 17, "A B", "\x1b[2J", "ＵＳＤＣ", "USDС", "-x"])
def test_symbols_that_could_mislead_are_refused(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(ConfigError, match="symbol"):
        add_token(tmp_path, ELSEWHERE, symbol=symbol, mint=Pubkey.new_unique(), decimals=6)
    assert not list(tmp_path.iterdir())


ENTRY = {"symbol": "X", "mint": str(USDC), "decimals": 6}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        json.dumps({"version": 2, "clusters": {}}),
        json.dumps({"version": 1}),
        json.dumps({"version": 1, "clusters": []}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: {}}}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: [5]}}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: [ENTRY | {"decimals": 256}]}}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: [ENTRY | {"decimals": True}]}}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: [ENTRY | {"mint": "x"}]}}),
        json.dumps({"version": 1, "clusters": {ELSEWHERE: [ENTRY | {"more": 1}]}}),
    ],
)
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=str(path)):
        TokenList.open(tmp_path, ELSEWHERE)
    with pytest.raises(ConfigError, match=str(path)):
        add_token(tmp_path, ELSEWHERE, symbol="A", mint=USDC, decimals=6)
    assert path.read_text() == content
