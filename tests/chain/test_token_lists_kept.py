"""The verified list on disk, and what its symbols mean beside pinned and added ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from dexroute.chain.token_file import Entry
from dexroute.chain.token_lists.kept import FILE_NAME, KeptList, read_kept, write_kept
from dexroute.chain.tokens import MAINNET_GENESIS, TokenList, add_token, pinned_tokens, remove_token
from dexroute.errors import AmbiguousToken, ConfigError, UnknownToken

USDC = next(token.mint for token in pinned_tokens() if token.symbol == "USDC")


def keep(data_dir: Path, *entries: tuple[str, Pubkey]) -> KeptList:
    listed: tuple[Entry, ...] = tuple({"symbol": symbol, "mint": str(mint), "decimals": 5} for symbol, mint in entries)
    kept = KeptList(source="https://x", fetched_at="2026-11-21T07:00:00+00:00", sha256="ab" * 32, entries=listed)
    write_kept(data_dir, kept)
    return kept


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    assert read_kept(tmp_path) is None
    kept = keep(tmp_path, ("A", Pubkey.new_unique()), ("B", Pubkey.new_unique()))
    assert read_kept(tmp_path) == kept
    assert keep(tmp_path) == read_kept(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_verified_symbols_come_after_added_and_pinned_ones(tmp_path: Path) -> None:
    own, listed = Pubkey.new_unique(), Pubkey.new_unique()
    add_token(tmp_path, MAINNET_GENESIS, symbol="MINE", mint=own, decimals=1)
    keep(tmp_path, ("mine", Pubkey.new_unique()), ("FOO", listed))
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    assert tokens.resolve("mine").mint == own
    assert (tokens.resolve("foo").mint, tokens.resolve("FOO").source) == (listed, "verified")
    assert [token.source for token in tokens.tokens] == ["user", *["pinned"] * len(pinned_tokens()), "verified", "verified"]


def test_a_symbol_several_verified_mints_carry_is_ambiguous(tmp_path: Path) -> None:
    first, second = Pubkey.new_unique(), Pubkey.new_unique()
    keep(tmp_path, ("FOO", first), ("FOO", second))
    with pytest.raises(AmbiguousToken) as caught:
        TokenList.open(tmp_path, MAINNET_GENESIS).resolve("FOO")
    assert set(caught.value.context["mints"]) == {str(first), str(second)}


def test_a_list_kept_by_a_version_that_pinned_less_shadows_nothing(tmp_path: Path) -> None:
    keep(tmp_path, ("USDC", Pubkey.new_unique()), ("U5DC", Pubkey.new_unique()), ("BETTER", USDC))
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    assert tokens.resolve("USDC").mint == USDC and tokens.of_mint(USDC).symbol == "USDC"
    assert len(tokens.tokens) == len(pinned_tokens())
    for symbol in ("U5DC", "BETTER"):
        with pytest.raises(UnknownToken):
            tokens.resolve(symbol)


def test_the_list_means_nothing_on_other_clusters(tmp_path: Path) -> None:
    keep(tmp_path, ("FOO", Pubkey.new_unique()))
    with pytest.raises(UnknownToken):
        TokenList.open(tmp_path, str(Hash.new_unique())).resolve("FOO")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "[" * 100_000,
        json.dumps({"version": 2}),
        json.dumps({"version": 1, "source": "x", "fetched_at": "x", "sha256": 5, "tokens": []}),
        json.dumps({"version": 1, "source": "\x1b[2J", "fetched_at": "x", "sha256": "x", "tokens": []}),
        json.dumps({"version": 1, "source": "x", "fetched_at": "x", "sha256": "x"}),
        json.dumps({"version": 1, "source": "x", "fetched_at": "x", "sha256": "x", "tokens": [{"symbol": "X"}]}),
    ],
)
def test_a_damaged_list_is_named_when_it_is_needed_and_only_then(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(content)
    tokens = TokenList.open(tmp_path, MAINNET_GENESIS)
    assert tokens.resolve("USDC").mint == USDC
    with pytest.raises(ConfigError, match="dex tokens refresh"):
        tokens.resolve("FOO")


def test_names_the_user_gave_can_be_taken_back(tmp_path: Path) -> None:
    mint, elsewhere = Pubkey.new_unique(), str(Hash.new_unique())
    for cluster in (MAINNET_GENESIS, elsewhere):
        add_token(tmp_path, cluster, symbol="A", mint=mint, decimals=1)
    assert remove_token(tmp_path, elsewhere, "a") == ()
    assert [token.mint for token in remove_token(tmp_path, elsewhere, "A")] == [mint]
    with pytest.raises(UnknownToken):
        TokenList.open(tmp_path, elsewhere).resolve("A")
    assert [token.symbol for token in remove_token(tmp_path, MAINNET_GENESIS, str(mint))] == ["A"]
